package docs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/store/storetest"
)

// A notes is a protocol made up for these tests: its one sort of document says
// the text that records has at the time under the document's ID, and in which
// state it was.
type notes struct {
	note, answer Kind
	renders      atomic.Int32
	atOnce, most atomic.Int32
	wait         func() // in the middle of a rendering

	mu    sync.Mutex
	text  map[string]string
	state uint64
}

func newNotes() *notes {
	n := &notes{wait: func() {}, text: map[string]string{"a": "one"}, state: 1}
	n.note = Kind{No: 200, Render: n.render, Again: func(_ context.Context, ref Ref) (Ref, error) {
		ref.Key.State.Rev = n.now()
		return ref, nil
	}}
	n.answer = Kind{No: 201, Render: n.render, Answer: true}
	return n
}

func (n *notes) now() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *notes) set(id, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text[id] = text
	n.state++
}

func (n *notes) render(_ context.Context, ref *Ref, draft *Draft) error {
	n.renders.Add(1)
	defer n.atOnce.Add(-1)
	if now := n.atOnce.Add(1); now > n.most.Load() {
		n.most.Store(now)
	}
	n.mu.Lock()
	text, state := n.text[ref.Key.ID], n.state
	n.mu.Unlock()
	n.wait()
	draft.State.Rev = state
	if text == "" {
		return ErrNoDocument
	}
	if moved := n.now(); moved != state {
		return ErrMoved
	}
	draft.Body, draft.Parts = []byte(text), len(text)
	return nil
}

func (n *notes) ref(kind *Kind, id string) Ref {
	return Ref{Key: Key{Kind: kind, ID: id, State: gallery.DocState{Rev: n.now()}}, Keep: true}
}

func newDocs(t *testing.T) *Docs { return New(openGallery(t), 0) }

func openGallery(t *testing.T) *gallery.Gallery {
	t.Helper()
	store, blobs := storetest.Open(t)
	g, err := gallery.Open(context.Background(), gallery.Options{Store: store, Blobs: blobs, NewIndex: search.New, Feeds: []gallery.FeedOptions{{Name: "main"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	return g
}

// says fails the test unless the document says text.
func says(t *testing.T, d *Docs, ref Ref, text string) *Document {
	t.Helper()
	doc, err := d.Get(t.Context(), &ref)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := doc.Inflate(nil); err != nil || string(got) != text || doc.Size() != len(text) {
		t.Fatalf("the document says %q (%v), want %q", got, err, text)
	}
	return doc
}

// A document is rendered once for all who ask at once, and for those who ask
// later.
func TestRenderedOnce(t *testing.T) {
	g := openGallery(t)
	synctest.Test(t, func(t *testing.T) {
		d, n := New(g, 0), newNotes()
		n.wait = func() { time.Sleep(time.Second) }
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { says(t, d, n.ref(&n.note, "a"), "one") })
		}
		all.Wait()
		if doc := says(t, d, n.ref(&n.note, "a"), "one"); doc.Parts != 3 {
			t.Errorf("kept beside it: %v", doc.Parts)
		}
		if got := n.renders.Load(); got != 1 {
			t.Errorf("rendered %d times", got)
		}
		if len(d.flights) != 0 {
			t.Error("a flight is still in the air")
		}
	})
}

// A new state is another key and another ETag; the old one stays what it was.
func TestStates(t *testing.T) {
	d, n := newDocs(t), newNotes()
	first := n.ref(&n.note, "a")
	before, _ := d.Tags(&first)
	says(t, d, first, "one")
	if tag, _ := d.Tags(&first); tag != before {
		t.Errorf("the ETag is %s once it is rendered, was %s", tag, before)
	}
	n.set("a", strings.Repeat("two ", 200))
	second := n.ref(&n.note, "a")
	if d.Kept(&second) != nil {
		t.Error("a state that nobody has asked for is kept")
	}
	doc := says(t, d, second, strings.Repeat("two ", 200))
	plain, compressed := d.Tags(&second)
	if plain == before || plain == compressed || doc.Tag[0] != plain || doc.GzipTag[0] != compressed || doc.Gzip == nil {
		t.Errorf("ETags %s and %s, of the document %s and %s, before %s", plain, compressed, doc.Tag, doc.GzipTag, before)
	}
}

// What was rendered is kept under the state that its records had, not under the
// one that was asked for.
func TestNewerThanAsked(t *testing.T) {
	d, n := newDocs(t), newNotes()
	old := n.ref(&n.note, "a")
	n.set("a", "two")
	says(t, d, old, "two")
	if now := n.ref(&n.note, "a"); d.Kept(&old) != nil || d.Kept(&now) == nil {
		t.Error("it is kept under the state that is over")
	}
}

// What changes while it is rendered is named anew and rendered again, but not
// for ever.
func TestMoved(t *testing.T) {
	d, n := newDocs(t), newNotes()
	n.wait = func() {
		if n.renders.Load() == 1 {
			n.set("a", "two")
		}
	}
	says(t, d, n.ref(&n.note, "a"), "two")
	n.set("a", "three")
	n.wait = func() { n.set("a", "four") }
	ref := n.ref(&n.note, "a")
	if _, err := d.Get(t.Context(), &ref); gallery.KindOf(err) != gallery.Unavailable || n.renders.Load() != 2+1+maxMoves {
		t.Errorf("after %d renderings: %v", n.renders.Load(), err)
	}
}

// That there is no document is remembered as well.
func TestMissing(t *testing.T) {
	d, n := newDocs(t), newNotes()
	for range 3 {
		ref := n.ref(&n.note, "none")
		if _, err := d.Get(t.Context(), &ref); gallery.KindOf(err) != gallery.NotFound {
			t.Fatalf("got %v", err)
		}
	}
	if got := n.renders.Load(); got != 1 {
		t.Errorf("looked for %d times", got)
	}
	n.set("none", "some")
	says(t, d, n.ref(&n.note, "none"), "some")
}

// Documents that are not kept are rendered one at a time, and no more than
// maxWaiting wait for it.
func TestNotKept(t *testing.T) {
	g := openGallery(t)
	synctest.Test(t, func(t *testing.T) {
		d, n := New(g, 0), newNotes()
		n.wait = func() { time.Sleep(time.Second) }
		var refused atomic.Int32
		var all sync.WaitGroup
		for range maxWaiting + 5 {
			all.Go(func() {
				ref := n.ref(&n.note, "a")
				ref.Keep = false
				if _, err := d.Get(t.Context(), &ref); gallery.KindOf(err) == gallery.Unavailable {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if refused.Load() != 4 || n.renders.Load() != maxWaiting+1 || n.most.Load() != 1 {
			t.Errorf("%d refused, %d rendered, %d at once", refused.Load(), n.renders.Load(), n.most.Load())
		}
		if ref := n.ref(&n.note, "a"); d.Kept(&ref) != nil {
			t.Error("it is kept")
		}
	})
}

// Answers that are too large are not kept, and a loose one is its request's
// alone.
func TestAnswersThatAreNotKept(t *testing.T) {
	d, n := newDocs(t), newNotes()
	kept := func(ref Ref) bool { return d.Kept(&ref) != nil }
	var noise strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&noise, "%x ", uint32(i)*2654435761)
	}
	n.set("large", noise.String())
	for _, kind := range []*Kind{&n.answer, &n.note} {
		says(t, d, n.ref(kind, "large"), noise.String())
		says(t, d, n.ref(kind, "a"), "one")
	}
	if kept(n.ref(&n.answer, "large")) || !kept(n.ref(&n.answer, "a")) || !kept(n.ref(&n.note, "large")) {
		t.Error("an answer is kept that is too large, or something else is not")
	}
	n.set("b", "two")
	loose := n.ref(&n.answer, "b")
	loose.Loose = true
	first := says(t, d, loose, "two")
	if second := says(t, d, loose, "two"); first == second || kept(loose) {
		t.Error("a loose answer is shared or kept")
	}
}

// What is rendered at once is bounded, for documents and for answers apart.
func TestRenderingIsBounded(t *testing.T) {
	d, n := newDocs(t), newNotes()
	for range maxRendering {
		d.answers <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, loose := range []bool{false, true} {
		ref := n.ref(&n.answer, "a")
		ref.Loose = loose
		if _, err := d.Get(ctx, &ref); gallery.KindOf(err) != gallery.Unavailable {
			t.Errorf("one more answer: %v", err)
		}
	}
	says(t, d, n.ref(&n.note, "a"), "one")
	<-d.answers
	says(t, d, n.ref(&n.answer, "a"), "one")
}

// A client that leaves does not take the document from those who wait with it,
// and one that waits may leave.
func TestFlightOutlivesItsFirst(t *testing.T) {
	d, n := newDocs(t), newNotes()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	ref := n.ref(&n.note, "a")
	if _, err := d.Get(gone, &ref); err != nil {
		t.Errorf("got %v", err)
	}
	d.flights[Key{Kind: &n.note}] = &flight{done: make(chan struct{})}
	if _, err := d.Get(gone, &Ref{Key: Key{Kind: &n.note}, Keep: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("one who waits: %v", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(20_000)
	at := func(rev uint64) Key { return Key{State: gallery.DocState{Rev: rev}} }
	doc := func(n int) *Document { return &Document{Gzip: make([]byte, n)} }
	for i := range 100 {
		c.put(at(uint64(i)), doc(1000))
		if c.bytes > c.limit {
			t.Fatalf("%d bytes are kept", c.bytes)
		}
		c.get(at(0)) // asked for again and again
	}
	if c.get(at(0)) == nil || c.get(at(99)) == nil || c.get(at(50)) != nil {
		t.Error("what was used last is not what is kept")
	}
	c.put(at(99), doc(5000))
	c.put(at(1000), doc(100_000)) // larger than all
	if c.bytes > c.limit || c.get(at(0)) == nil || c.get(at(1000)) != nil {
		t.Errorf("%d bytes are kept", c.bytes)
	}
	for i := range 100 { // questions alone
		c.put(Key{Sub: strings.Repeat(string(rune('0'+i%64)), 512+i)}, doc(0))
	}
	if n := len(c.m); n > 20 {
		t.Errorf("%d questions of 512 bytes are kept in %d", n, c.limit)
	}
	sum, n := 0, 0
	for e := c.used.next; e != &c.used; e = e.next {
		sum += e.cost()
		n++
	}
	if sum != c.bytes || n != len(c.m) {
		t.Errorf("%d bytes in %d entries; counted %d in %d", sum, n, c.bytes, len(c.m))
	}
}

// Different states and addresses have different tags.
func TestTags(t *testing.T) {
	one, other := &Kind{No: 1}, &Kind{No: 2}
	base := Key{Kind: one, Form: 1, Feed: 1, Count: 2, State: gallery.DocState{Rev: 3}, ID: "ab", Sub: "c", Root: "d"}
	seen := map[string]Key{}
	for _, change := range []func(*Key){
		func(*Key) {}, func(k *Key) { k.Kind = other }, func(k *Key) { k.Form = 2 }, func(k *Key) { k.Feed = 2 }, func(k *Key) { k.Count = 3 },
		func(k *Key) { k.State.Rev = 4 }, func(k *Key) { k.State.People = 4 }, func(k *Key) { k.ID, k.Sub = "a", "bc" }, func(k *Key) { k.Sub, k.Root = "", "cd" }, func(k *Key) { k.Root = "https://x" },
	} {
		k := base
		change(&k)
		plain, packed := k.tags(7)
		for _, tag := range []string{plain, packed} {
			if twin, ok := seen[tag]; ok || len(tag) < 20 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.ContainsAny(tag[1:len(tag)-1], "\", ") {
				t.Errorf("the tag %s of %+v is that of %+v", tag, k, twin)
			}
			seen[tag] = k
		}
	}
}
