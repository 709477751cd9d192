package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// testEvents appends from many goroutines, a third of which fail.
func testEvents(t *testing.T, s gallery.Store) {
	feed, other := newFeed(t, s, "main"), newFeed(t, s, "other")
	const functions = 300
	var done sync.WaitGroup
	var mu sync.Mutex
	given := make(map[uint64]string) // what each number was given to
	for i := range functions {
		done.Go(func() {
			e := gallery.Event{Time: noon, Kind: gallery.Pushed, ID: nuget.ID(fmt.Sprintf("P%d", i))}
			err := s.Update(background, func(w gallery.Writer) error {
				if err := w.AppendEvent(feed.Number, &e); err != nil {
					return err
				}
				second := gallery.Event{Time: noon, ID: "other"}
				if err := w.AppendEvent(other.Number, &second); err != nil {
					return err
				}
				if i%3 == 0 {
					return errRefused
				}
				return nil
			})
			switch {
			case i%3 == 0 && err != errRefused, i%3 != 0 && err != nil:
				t.Errorf("function %d: %v", i, err)
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				given[e.Seq] = string(e.ID)
			}
		})
	}
	done.Wait()
	for _, f := range []*gallery.Feed{feed, other} {
		events, err := pages(background, s, func(r gallery.Reader, last *gallery.Event) ([]gallery.Event, error) {
			if last == nil {
				return r.Events(f.Number, 0, page)
			}
			return r.Events(f.Number, last.Seq, page)
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := functions * 2 / 3; len(events) != want {
			t.Fatalf("%d events, want %d", len(events), want)
		}
		for i, e := range events {
			if e.Seq != uint64(i)+1 || f == feed && given[e.Seq] != string(e.ID) {
				t.Fatalf("event %d has the number %d and is of %s; its writer was told %s", i, e.Seq, e.ID, given[e.Seq])
			}
			if i > 0 && e.Time.Sub(events[i-1].Time) < 100*time.Nanosecond {
				t.Fatalf("event %d is %v after the one before it", e.Seq, e.Time.Sub(events[i-1].Time))
			}
		}
		state := read(t, s, func(r gallery.Reader) (gallery.FeedState, error) { return r.FeedState(f.Number) })
		if last := events[len(events)-1]; state.LastSeq != last.Seq || !state.LastTime.Equal(last.Time) {
			t.Errorf("the feed's state says %d at %v, the log ends with %d at %v", state.LastSeq, state.LastTime, last.Seq, last.Time)
		}
	}
}

func testEventTimes(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	local := time.FixedZone("somewhere", 2*3600)
	give := []time.Time{noon.In(local), noon, noon.Add(-time.Hour), noon.Add(50), noon.Add(time.Second), time.Time{}}
	want := []time.Time{noon, noon.Add(100), noon.Add(200), noon.Add(300), noon.Add(time.Second), noon.Add(time.Second + 100)}
	for i, at := range give {
		e := gallery.Event{Time: at}
		mustUpdate(t, s, func(w gallery.Writer) error { return w.AppendEvent(feed.Number, &e) })
		wantEqual(t, fmt.Sprintf("the time of event %d", i+1), e.Time, want[i])
	}
	events := read(t, s, func(r gallery.Reader) ([]gallery.Event, error) { return r.Events(feed.Number, 0, 0) })
	for i, e := range events {
		wantEqual(t, "a stored time", e.Time, want[i])
	}
}
