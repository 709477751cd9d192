package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nougat/gallery"
	"nougat/nuget"
)

// A Dump is all that a store holds, read through Reader alone.
type Dump struct {
	Meta     gallery.Meta
	Settings map[string]string
	Feeds    []FeedDump // by Number
	Accounts []*gallery.Account
	Keys     []*gallery.Key
	KeyUses  map[string]gallery.KeyUse
	Sessions []*gallery.Session // by expiry
	Doomed   []gallery.Doomed
}

// A FeedDump is all that a store holds of a feed.
type FeedDump struct {
	Feed      gallery.Feed // without Generation, which a copy gets anew
	State     gallery.FeedState
	Packages  []*gallery.Package
	Cards     []*gallery.Card
	Releases  []*gallery.Release
	Events    []gallery.Event
	Downloads []gallery.DownloadCount
}

const page = 100 // records of one View

// pages collects what read returns for one cursor after the other, in a View
// each, until it returns less than a page.
func pages[T any](ctx context.Context, s gallery.Store, read func(r gallery.Reader, last *T) ([]T, error)) ([]T, error) {
	var all []T
	for {
		var last *T
		if len(all) > 0 {
			last = &all[len(all)-1]
		}
		var some []T
		err := s.View(ctx, func(r gallery.Reader) (err error) {
			some, err = read(r, last)
			return err
		})
		all = append(all, some...)
		if err != nil || len(some) < page {
			return all, err
		}
	}
}

// Read reads a whole store.
func Read(ctx context.Context, s gallery.Store) (*Dump, error) {
	d := &Dump{KeyUses: make(map[string]gallery.KeyUse)}
	var feeds []*gallery.Feed
	err := s.View(ctx, func(r gallery.Reader) (err error) {
		if d.Meta, err = r.Meta(); err != nil {
			return err
		}
		if d.Settings, err = r.Settings(); err != nil {
			return err
		}
		feeds, err = r.Feeds()
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(feeds, func(a, b *gallery.Feed) int { return cmp.Compare(a.Number, b.Number) })
	for _, f := range feeds {
		fd, err := readFeed(ctx, s, f)
		if err != nil {
			return nil, fmt.Errorf("feed %s: %w", f.Name, err)
		}
		d.Feeds = append(d.Feeds, *fd)
	}
	return d, d.readRest(ctx, s)
}

func (d *Dump) readRest(ctx context.Context, s gallery.Store) (err error) {
	d.Accounts, err = pages(ctx, s, func(r gallery.Reader, last **gallery.Account) ([]*gallery.Account, error) {
		if last == nil {
			return r.Accounts(0, page)
		}
		return r.Accounts((*last).No, page)
	})
	if err != nil {
		return err
	}
	d.Keys, err = pages(ctx, s, func(r gallery.Reader, last **gallery.Key) ([]*gallery.Key, error) {
		if last == nil {
			return r.Keys("", page)
		}
		return r.Keys((*last).ID, page)
	})
	if err != nil {
		return err
	}
	d.Doomed, err = pages(ctx, s, func(r gallery.Reader, last *gallery.Doomed) ([]gallery.Doomed, error) {
		if last == nil {
			return r.Doomed(gallery.Hash{}, page)
		}
		return r.Doomed(last.Hash, page)
	})
	if err != nil {
		return err
	}
	return s.View(ctx, func(r gallery.Reader) error {
		for _, k := range d.Keys {
			use, err := r.KeyUse(k.ID)
			if gallery.KindOf(err) == gallery.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			d.KeyUses[k.ID] = use
		}
		d.Sessions, err = r.ExpiredSessions(noon.AddDate(1000, 0, 0), 0)
		return err
	})
}

func readFeed(ctx context.Context, s gallery.Store, f *gallery.Feed) (*FeedDump, error) {
	g := f.Generation
	d := &FeedDump{Feed: *f}
	d.Feed.Generation = 0
	err := s.View(ctx, func(r gallery.Reader) (err error) {
		d.State, err = r.FeedState(f.Number)
		d.State.Generation = 0 // the feed's
		return err
	})
	if err != nil {
		return nil, err
	}
	d.Packages, err = pages(ctx, s, func(r gallery.Reader, last **gallery.Package) ([]*gallery.Package, error) {
		if last == nil {
			return r.Packages(g, "", page)
		}
		return r.Packages(g, (*last).ID.Key(), page)
	})
	if err != nil {
		return nil, err
	}
	d.Cards, err = pages(ctx, s, func(r gallery.Reader, last **gallery.Card) ([]*gallery.Card, error) {
		if last == nil {
			return r.Cards(g, "", page)
		}
		return r.Cards(g, (*last).ID.Key(), page)
	})
	if err != nil {
		return nil, err
	}
	heads, err := pages(ctx, s, func(r gallery.Reader, last *gallery.Head) ([]gallery.Head, error) {
		if last == nil {
			return r.AllHeads(g, "", nuget.Version{}, page)
		}
		return r.AllHeads(g, last.ID.Key(), last.Version, page)
	})
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		err := s.View(ctx, func(r gallery.Reader) error {
			release, err := r.Release(g, h.ID.Key(), h.Version)
			d.Releases = append(d.Releases, release)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	d.Events, err = pages(ctx, s, func(r gallery.Reader, last *gallery.Event) ([]gallery.Event, error) {
		if last == nil {
			return r.Events(f.Number, 0, page)
		}
		return r.Events(f.Number, last.Seq, page)
	})
	if err != nil {
		return nil, err
	}
	d.Downloads, err = pages(ctx, s, func(r gallery.Reader, last *gallery.DownloadCount) ([]gallery.DownloadCount, error) {
		if last == nil {
			return r.AllDownloads(g, gallery.DownloadCount{}, page)
		}
		return r.AllDownloads(g, *last, page)
	})
	return d, err
}

// Write writes a dump into an empty store, through Writer alone: the way from
// one backend to another.
func (d *Dump) Write(ctx context.Context, s gallery.Store) error {
	err := s.Update(ctx, func(w gallery.Writer) error {
		if err := w.PutMeta(d.Meta); err != nil {
			return err
		}
		for name, value := range d.Settings {
			if err := w.PutSetting(name, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range d.Accounts {
		made := *a
		if err := s.Update(ctx, func(w gallery.Writer) error { return w.NewAccount(&made) }); err != nil {
			return err
		}
	}
	for i := range d.Feeds {
		if err := d.Feeds[i].write(ctx, s); err != nil {
			return fmt.Errorf("feed %s: %w", d.Feeds[i].Feed.Name, err)
		}
	}
	return s.Update(ctx, func(w gallery.Writer) error {
		for _, k := range d.Keys {
			if err := w.PutKey(k); err != nil {
				return err
			}
		}
		for id, use := range d.KeyUses {
			if err := w.PutKeyUse(id, use); err != nil {
				return err
			}
		}
		for _, session := range d.Sessions {
			if err := w.PutSession(session); err != nil {
				return err
			}
		}
		for _, doomed := range d.Doomed {
			if err := w.PutDoomed(doomed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *FeedDump) write(ctx context.Context, s gallery.Store) error {
	f := d.Feed
	err := s.Update(ctx, func(w gallery.Writer) error { return w.NewFeed(&f) })
	if err != nil {
		return err
	}
	g := f.Generation
	for chunk := range slices.Chunk(d.Releases, page) {
		err := s.Update(ctx, func(w gallery.Writer) error {
			for _, r := range chunk {
				if err := w.PutRelease(g, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(d.Events, page) {
		err := s.Update(ctx, func(w gallery.Writer) error {
			for _, e := range chunk {
				if err := w.AppendEvent(f.Number, &e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Update(ctx, func(w gallery.Writer) error {
		for _, p := range d.Packages {
			if err := w.PutPackage(g, p); err != nil {
				return err
			}
		}
		for _, c := range d.Cards {
			if err := w.PutCard(g, c); err != nil {
				return err
			}
		}
		if err := w.AddDownloads(g, d.Downloads); err != nil {
			return err
		}
		return w.PutFeedState(f.Number, d.State)
	})
}
