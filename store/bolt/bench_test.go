package bolt_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/storetest"
)

func openStore(b *testing.B) *store.Store {
	b.Helper()
	kv, err := bolt.Open(b.TempDir(), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.New(b.Context(), kv)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkCommit is one record of 2 kB an update, by writers that each wait for
// theirs; an operation is an update.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			kv := openAt(b, b.TempDir(), bolt.Options{})
			defer kv.Close()
			value := make([]byte, 2000)
			spread(b, writers, func(n int64) error {
				key := fmt.Appendf(nil, "%016x", uint64(n)*0x9E3779B97F4A7C15)
				return kv.Update(context.Background(), func(tx store.Txn) error { return tx.Put(plain, key, value) })
			})
		})
	}
}

// BenchmarkPush is all the records of a push with 2 kB of metadata.
func BenchmarkPush(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := openStore(b)
			corpus := storetest.NewCorpus(1)
			feed := &gallery.Feed{Name: "main"}
			if err := s.Update(b.Context(), func(w gallery.Writer) error { return w.NewFeed(feed) }); err != nil {
				b.Fatal(err)
			}
			v, err := nuget.ParseVersion("1.0.0")
			if err != nil {
				b.Fatal(err)
			}
			spread(b, writers, func(n int64) error {
				return s.Update(context.Background(), func(w gallery.Writer) error {
					// The corpus makes its texts here too, 60 µs: the figure is a little low.
					p := &gallery.Package{ID: corpus.ID(int(n)), Owners: []gallery.AccountNo{1}}
					return corpus.Push(w, feed, p, new(gallery.Card), v)
				})
			})
		})
	}
}

// spread runs b.N calls of f in several goroutines.
func spread(b *testing.B, goroutines int, f func(n int64) error) {
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := f(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkRead is the hot reads, each in a View of its own, over 10,000
// releases of 2,000 packages.
func BenchmarkRead(b *testing.B) {
	s := openStore(b)
	feed := load(b, s, 2000, 5, 50)
	corpus := storetest.NewCorpus(1)
	const ids = 512
	var keys [ids]string
	var versions [ids]nuget.Version
	for i := range keys {
		keys[i] = corpus.ID(i * 3).Key()
		heads := 0
		err := s.View(b.Context(), func(r gallery.Reader) error {
			page, err := r.Heads(feed.Generation, keys[i], nuget.Version{}, 0)
			versions[i], heads = page[len(page)/2].Version, len(page)
			return err
		})
		if err != nil || heads != 5 {
			b.Fatalf("%d versions, %v", heads, err)
		}
	}
	g := feed.Generation
	reads := []struct {
		name string
		read func(r gallery.Reader, i int) error
	}{
		{"PackageState", func(r gallery.Reader, i int) error { _, err := r.PackageState(g, keys[i]); return err }},
		{"PackageState unknown", func(r gallery.Reader, i int) error { r.PackageState(g, "no.such.package"); return nil }},
		{"Package", func(r gallery.Reader, i int) error { _, err := r.Package(g, keys[i]); return err }},
		{"Head", func(r gallery.Reader, i int) error { _, err := r.Head(g, keys[i], versions[i]); return err }},
		{"Release", func(r gallery.Reader, i int) error { _, err := r.Release(g, keys[i], versions[i]); return err }},
		{"Heads of 5", func(r gallery.Reader, i int) error {
			_, err := r.Heads(g, keys[i], nuget.Version{}, 0)
			return err
		}},
		{"Releases of 5", func(r gallery.Reader, i int) error {
			_, err := r.Releases(g, keys[i], nuget.Version{}, 0)
			return err
		}},
		{"256 Cards", func(r gallery.Reader, i int) error { _, err := r.Cards(g, keys[i], 256); return err }},
	}
	for _, read := range reads {
		b.Run(read.name, func(b *testing.B) {
			b.ReportAllocs()
			for n := range b.N {
				if err := s.View(context.Background(), func(r gallery.Reader) error { return read.read(r, n%ids) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
