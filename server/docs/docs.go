package docs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"nougat/gallery"
)

const (
	defaultCacheBytes = 64 << 20

	// maxRendering documents, and as many answers, are rendered at once: one may
	// take many megabytes meanwhile, and more would not be done any sooner. Answers
	// have their own slots, because they wait for the index.
	maxRendering = 16

	// maxWaiting requests for addresses whose documents are not kept wait for their
	// turn; one more is Unavailable (ENG-4).
	maxWaiting = 16

	// maxMoves is how often a rendering is begun again because the records changed
	// under it.
	maxMoves = 10

	// maxKeptAnswer is how large an answer, with what it costs to keep it, may be
	// kept: questions are cheap to make up.
	maxKeptAnswer = 256 << 10
)

// Docs renders and keeps documents. Any number of goroutines may use it.
type Docs struct {
	// Set in New, then fixed.
	g         *gallery.Gallery
	cache     *cache        // locks itself
	documents chan struct{} // slots for rendering documents, filled by who renders
	answers   chan struct{} // slots for rendering answers
	strange   chan struct{} // the one slot for rendering what is not kept

	waiting atomic.Int32 // requests that want or have the slot strange

	mu      sync.Mutex
	flights map[Key]*flight // guarded by mu
}

// New returns Docs over g whose kept documents take at most cacheBytes (0: 64
// MiB).
func New(g *gallery.Gallery, cacheBytes int64) *Docs {
	if cacheBytes == 0 {
		cacheBytes = defaultCacheBytes
	}
	return &Docs{
		g:         g,
		cache:     newCache(int(cacheBytes)),
		documents: make(chan struct{}, maxRendering),
		answers:   make(chan struct{}, maxRendering),
		strange:   make(chan struct{}, 1),
		flights:   make(map[Key]*flight),
	}
}

var (
	// ErrNoDocument is NotFound: there is no such document. From Kind.Render it is
	// kept under the document's key.
	ErrNoDocument = &gallery.Error{Kind: gallery.NotFound, Op: "read", Msg: "There is no such document here."}

	// ErrMoved says that a record changed while the document was put together.
	ErrMoved = &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "The package changed while its page was put together. Ask again."}
)

// Tags returns the ETags of the document's plain and compressed form without
// rendering it.
func (d *Docs) Tags(ref *Ref) (plain, compressed string) {
	if doc := d.cache.get(ref.Key); doc != nil {
		return doc.Tag[0], doc.GzipTag[0]
	}
	return ref.Key.tags(d.g.Epoch())
}

// Kept returns the document if it is kept, else nil.
func (d *Docs) Kept(ref *Ref) *Document { return d.cache.get(ref.Key) }

// Get returns the document: as it is kept, else rendered now, by one of all who
// want it at once. ref is afterwards the reference that it was found by.
//
// NotFound when there is none; Unavailable when the wait for a slot was longer
// than ctx gives it, when too many wait already for what is not kept, and when
// the records changed again and again. Other errors are Render's, or ctx's.
func (d *Docs) Get(ctx context.Context, ref *Ref) (*Document, error) {
	doc := d.cache.get(ref.Key)
	for try := 0; doc == nil; try++ {
		var err error
		if doc, err = d.make(ctx, ref); err == nil {
			break
		}
		if !errors.Is(err, ErrMoved) || try == maxMoves {
			return nil, err
		}
		if again := ref.Key.Kind.Again; again != nil {
			if *ref, err = again(ctx, *ref); err != nil {
				return nil, err
			}
			doc = d.cache.get(ref.Key)
		}
	}
	if doc.missing {
		return nil, ErrNoDocument
	}
	return doc, nil
}

func (d *Docs) make(ctx context.Context, ref *Ref) (*Document, error) {
	switch {
	case !ref.Keep:
		return d.makeAlone(ctx, ref)
	case ref.Loose:
		doc, _, err := d.render(ctx, ref)
		return doc, err
	}
	return d.together(ctx, ref.Key, func(ctx context.Context) (*Document, gallery.DocState, error) { return d.render(ctx, ref) })
}

// flight is a rendering that others wait for. doc and err are read after done is
// closed.
type flight struct {
	done chan struct{}
	doc  *Document
	err  error
}

var errBroken = errors.New("rendering did not end")

// together lets one of all who want key at once make the document, and keeps it
// under the state that build found.
func (d *Docs) together(ctx context.Context, key Key, build func(context.Context) (*Document, gallery.DocState, error)) (*Document, error) {
	d.mu.Lock()
	if f := d.flights[key]; f != nil {
		d.mu.Unlock()
		select {
		case <-f.done:
			return f.doc, f.err
		case <-ctx.Done():
			return nil, waited(ctx)
		}
	}
	f := &flight{done: make(chan struct{}), err: errBroken}
	d.flights[key] = f
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.flights, key)
		d.mu.Unlock()
		close(f.done)
	}()
	// Those who wait must not lose it because the first has left.
	alone := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		alone, cancel = context.WithDeadline(alone, end)
		defer cancel()
	}
	made := key
	f.doc, made.State, f.err = build(alone)
	if f.err == nil && !(key.Kind.Answer && f.doc.cost() > maxKeptAnswer) {
		d.cache.put(made, f.doc)
	}
	return f.doc, f.err
}

// waited is why a wait for others ended: the client has gone, or had to wait
// longer than ctx gives it.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many requests are being answered. Try again in a moment."}
	}
	return ctx.Err()
}

// makeAlone renders for an address that nobody vouches for: one at a time.
func (d *Docs) makeAlone(ctx context.Context, ref *Ref) (*Document, error) {
	defer d.waiting.Add(-1)
	if d.waiting.Add(1) > maxWaiting+1 {
		return nil, &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many requests come for addresses that this gallery does not know as its own. Set its public address (url)."}
	}
	select {
	case d.strange <- struct{}{}:
		defer func() { <-d.strange }()
	case <-ctx.Done():
		return nil, waited(ctx)
	}
	doc, _, err := d.render(ctx, ref)
	return doc, err
}

// render makes the document of ref out of the records as they are now, which may
// be newer than ref: made is the state of what it made.
func (d *Docs) render(ctx context.Context, ref *Ref) (doc *Document, made gallery.DocState, err error) {
	slots := d.documents
	if ref.Key.Kind.Answer {
		slots = d.answers
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, gallery.DocState{}, waited(ctx)
	}
	// A copy, so that only who renders pays for what a function value is given.
	given, draft := *ref, Draft{State: ref.Key.State}
	err = given.Key.Kind.Render(ctx, &given, &draft)
	if errors.Is(err, ErrNoDocument) {
		return &Document{missing: true, Tag: []string{""}, GzipTag: []string{""}}, draft.State, nil
	}
	if err != nil {
		return nil, draft.State, err
	}
	given.Key.State = draft.State
	return d.finish(&given.Key, &draft), draft.State, nil
}
