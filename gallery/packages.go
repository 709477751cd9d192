package gallery

import (
	"context"
	"errors"
	"iter"

	"nougat/nuget"
)

// allPackages yields every package of a feed, by folded ID.
func allPackages(ctx context.Context, s Store, f *Feed) iter.Seq2[*Package, error] {
	return Scan(ctx, s, func(r Reader, last *Package) ([]*Package, error) {
		after := ""
		if last != nil {
			after = last.ID.Key()
		}
		return r.Packages(f.Generation, after, ScanPage)
	})
}

// PackageState returns what every document of a package depends on; NotFound
// for an unknown ID. id may be in any case.
func (g *Gallery) PackageState(ctx context.Context, f *Feed, id string) (state DocState, err error) {
	key := nuget.FoldID(id)
	err = g.store.View(ctx, func(r Reader) (err error) {
		state, err = r.PackageState(f.Generation, key)
		return err
	})
	return state, orNotFound(err, id, "")
}

// Package returns a package; NotFound for an unknown ID.
func (g *Gallery) Package(ctx context.Context, f *Feed, id string) (p *Package, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		p, err = r.Package(f.Generation, nuget.FoldID(id))
		return err
	})
	return p, orNotFound(err, id, "")
}

// Head returns what a download needs of a release. version may be in any form
// that parses (PROTO-13.31); NotFound else.
func (g *Gallery) Head(ctx context.Context, f *Feed, id, version string) (h Head, err error) {
	v, err := nuget.ParseVersion(version)
	if err != nil {
		return Head{}, noPackage("read", id, version)
	}
	key := nuget.FoldID(id)
	err = g.store.View(ctx, func(r Reader) (err error) {
		h, err = r.Head(f.Generation, key, v)
		return err
	})
	return h, orNotFound(err, id, version)
}

// Release returns a release with its metadata; NotFound like Head.
func (g *Gallery) Release(ctx context.Context, f *Feed, id, version string) (rel *Release, err error) {
	v, err := nuget.ParseVersion(version)
	if err != nil {
		return nil, noPackage("read", id, version)
	}
	err = g.store.View(ctx, func(r Reader) (err error) {
		rel, err = r.Release(f.Generation, nuget.FoldID(id), v)
		return err
	})
	return rel, orNotFound(err, id, version)
}

// orNotFound words a missing record for the person who asked.
func orNotFound(err error, id, version string) error {
	if errors.Is(err, ErrNotFound) {
		return noPackage("read", id, version)
	}
	return err
}

// Heads returns every version of a package, ascending, with the package as it
// was when all of them were read.
func (g *Gallery) Heads(ctx context.Context, f *Feed, id string) (*Package, []Head, error) {
	return scanVersions(ctx, g, f, id, Reader.Heads, func(h Head) nuget.Version { return h.Version })
}

// Releases returns every version of a package with its metadata, ascending,
// with the package as it was when all of them were read.
func (g *Gallery) Releases(ctx context.Context, f *Feed, id string) (*Package, []*Release, error) {
	return scanVersions(ctx, g, f, id, Reader.Releases, func(r *Release) nuget.Version { return r.Version })
}

// scanVersions reads all versions in pages of one View each. A package that
// changed between two pages is read again, so that what returns is one state.
func scanVersions[T any](ctx context.Context, g *Gallery, f *Feed, id string,
	scan func(r Reader, generation uint32, id string, after nuget.Version, limit int) ([]T, error), version func(T) nuget.Version,
) (*Package, []T, error) {
	key := nuget.FoldID(id)
	for {
		var pkg *Package
		var all []T
		changed := false
		for after, more := (nuget.Version{}), true; more && !changed; {
			err := g.store.View(ctx, func(r Reader) error {
				p, err := r.Package(f.Generation, key)
				if err != nil {
					return err
				}
				if changed = pkg != nil && p.Rev != pkg.Rev; changed {
					return nil
				}
				pkg = p
				page, err := scan(r, f.Generation, key, after, ScanPage)
				if err != nil {
					return err
				}
				all = append(all, page...)
				if more = len(page) == ScanPage; more {
					after = version(page[len(page)-1])
				}
				return nil
			})
			if err != nil {
				return nil, nil, orNotFound(err, id, "")
			}
		}
		if !changed {
			return pkg, all, nil
		}
	}
}

// OpenBlob opens the file of a release.
func (g *Gallery) OpenBlob(h Head) (Blob, error) {
	b, err := g.blobs.Open(h.Blob)
	if errors.Is(err, ErrNotFound) {
		return nil, &Error{Kind: Internal, Op: "read", ID: string(h.ID), Version: h.Version.String(), Msg: "the record is there but its file is not", Err: err}
	}
	return b, err
}

// openSlots is how many packages are open for reading inside them at once: the
// directory of one, which is in memory meanwhile, may take 15 MB.
const openSlots = 8

// A PackageFile is an open package.
type PackageFile struct {
	*nuget.Archive
	blob Blob
	done func()
}

// Close closes the file.
func (p *PackageFile) Close() error {
	defer p.done()
	return p.blob.Close()
}

// OpenArchive opens the package of a release for reading inside it. It waits
// while openSlots others are open: who has one open must not wait for anything
// that others may hold.
func (g *Gallery) OpenArchive(ctx context.Context, h Head) (*PackageFile, error) {
	select {
	case g.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	done := func() { <-g.opening }
	b, err := g.OpenBlob(h)
	if err != nil {
		done()
		return nil, err
	}
	a, err := nuget.OpenArchive(b, b.Size())
	if err != nil {
		b.Close()
		done()
		return nil, &Error{Kind: Internal, Op: "read", ID: string(h.ID), Version: h.Version.String(), Msg: "the stored package cannot be read", Err: err}
	}
	return &PackageFile{Archive: a, blob: b, done: done}, nil
}

// File returns one file of a release's package, at most limit bytes; NotFound
// when it is not there or larger. It is to be closed.
func (g *Gallery) File(ctx context.Context, h Head, name string, limit int64) (*SharedFile, error) {
	a, err := g.OpenArchive(ctx, h)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	entry, found := a.Find(name)
	if !found || entry.Size > limit {
		return nil, &Error{Kind: NotFound, Op: "read", ID: string(h.ID), Version: h.Version.String(), Msg: "The package holds no such file."}
	}
	return g.files.use(sharedKey{h.Blob, entry.Name}, func() ([]byte, error) { return a.ReadFile(entry.Name, limit) })
}

// Nuspec returns the manifest's bytes as they are in the package.
func (g *Gallery) Nuspec(ctx context.Context, h Head) ([]byte, error) {
	a, err := g.OpenArchive(ctx, h)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Nuspec()
}

// Icon returns the embedded icon and its media type, image/png or image/jpeg.
func (g *Gallery) Icon(ctx context.Context, r *Release) (file *SharedFile, mediaType string, err error) {
	if file, err = g.embedded(ctx, r, r.Meta.IconFile); err != nil {
		return nil, "", err
	}
	if mediaType = imageType(file.Data); mediaType == "" {
		file.Close()
		return nil, "", noPart(r)
	}
	return file, mediaType, nil
}

// Readme returns the embedded readme, Markdown in UTF-8.
func (g *Gallery) Readme(ctx context.Context, r *Release) (*SharedFile, error) {
	return g.embedded(ctx, r, r.Meta.ReadmeFile)
}

// LicenseText returns the embedded licence file, text in UTF-8; Markdown when
// its name ends in .md.
func (g *Gallery) LicenseText(ctx context.Context, r *Release) (*SharedFile, error) {
	return g.embedded(ctx, r, r.Meta.LicenseFile)
}

func (g *Gallery) embedded(ctx context.Context, r *Release, name string) (*SharedFile, error) {
	if name == "" {
		return nil, noPart(r)
	}
	return g.File(ctx, r.Head, name, maxPart)
}

func noPart(r *Release) error {
	return &Error{Kind: NotFound, Op: "read", ID: string(r.ID), Version: r.Version.String(), Msg: "The package has no such file."}
}

// State returns where a feed's event log stands and what the feed holds.
func (g *Gallery) State(ctx context.Context, f *Feed) (s FeedState, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		s, err = r.FeedState(f.Number)
		return err
	})
	return s, err
}

// Events returns at most limit events after a number, in order.
func (g *Gallery) Events(ctx context.Context, f *Feed, after uint64, limit int) ([]Event, error) {
	var all []Event
	for len(all) < limit {
		var page []Event
		err := g.store.View(ctx, func(r Reader) (err error) {
			page, err = r.Events(f.Number, after, min(limit-len(all), ScanPage))
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < ScanPage {
			break
		}
		after = page[len(page)-1].Seq
	}
	return all, nil
}
