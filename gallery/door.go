package gallery

import (
	"context"
	"time"
)

// An Act is one thing that somebody may do, and the only way to do it: whatever
// a person, a key or the operator changes goes through Do, and so through the
// same questions in the same order. What changes by itself (counters, sweeps)
// is upkeep.
//
// On and Do touch the store alone; what takes long, such as hashing a password
// or reading a package, is done before, after May has said that it is worth it.
type Act[In, Subject, Out any] struct {
	// Name is what the act is called in errors and logs: "push", "key add".
	Name string
	// On reads what the act is about. What is missing is a part of the subject
	// where May has to ask something else first.
	On func(r Reader, at At, in In) (Subject, error)
	// May says whether the actor may, and else why not. It is pure.
	May func(a Actor, s Subject) error
	// Do writes.
	Do func(c *Change, s Subject, in In) (Out, error)
}

// At says who asks, and where.
type At struct {
	Actor Actor
	Feed  *Feed     // nil for an act that is about no feed
	Now   time.Time // set by the door
}

// A Change is an act while it is done: what it writes to, and who and where as
// they are now.
type Change struct {
	Writer
	At At

	last  Event // appended last; Seq 0: none
	ended []ending
}

// AppendEvent is Writer's. The answer to the act waits until the search index
// has the event.
func (c *Change) AppendEvent(feed uint32, e *Event) error {
	err := c.Writer.AppendEvent(feed, e)
	if err == nil {
		c.last = *e
	}
	return err
}

// EndUploads ends, once the change is stored, the uploads that are still
// arriving and of whose actors match says so. Their senders are told why.
func (c *Change) EndUploads(why error, match func(Actor) bool) {
	c.ended = append(c.ended, ending{match, why})
}

// Do does an act in one Update: the actor, its key, its account and the feed are
// read again, so that what was true when the request came in but is not any more
// counts for nothing; then On, May and Do. When it returns without error the
// change is durable and search knows it.
func Do[In, Subject, Out any](ctx context.Context, g *Gallery, at At, act *Act[In, Subject, Out], in In) (out Out, err error) {
	var c *Change
	err = g.store.Update(ctx, func(w Writer) error {
		c = &Change{Writer: w, At: At{Now: g.Now()}}
		if c.At.Actor, err = g.again(w, at.Actor, c.At.Now); err != nil {
			return err
		}
		if at.Feed != nil {
			if c.At.Feed, err = feedNow(w, at.Feed); err != nil {
				return err
			}
		}
		s, err := act.On(w, c.At, in)
		if err != nil {
			return err
		}
		if err := act.May(c.At.Actor, s); err != nil {
			return err
		}
		out, err = act.Do(c, s, in)
		return err
	})
	if err != nil {
		var none Out
		return none, named(act.Name, err)
	}
	g.arriving.end(c.ended)
	if f := c.At.Feed; f != nil {
		g.refresh(f)
		if c.last.Seq > 0 {
			g.awaitIndex(ctx, f, c.last.Seq)
		}
	}
	return out, nil
}

// May asks what Do would ask of an actor and a feed that were just read, in a
// View: before work is spent on an act, and for pages that show what is possible.
// Do reads them again.
func May[In, Subject, Out any](ctx context.Context, g *Gallery, at At, act *Act[In, Subject, Out], in In) (s Subject, err error) {
	at.Now = g.Now()
	err = g.store.View(ctx, func(r Reader) error {
		if s, err = act.On(r, at, in); err != nil {
			return err
		}
		return act.May(at.Actor, s)
	})
	return s, named(act.Name, err)
}

// feedNow is the feed with the generation that it has now: it may have been
// wiped since the request came in.
func feedNow(r Reader, f *Feed) (*Feed, error) {
	state, err := r.FeedState(f.Number)
	if err != nil || state.Generation == f.Generation {
		return f, err
	}
	now := *f
	now.Generation = state.Generation
	return &now, nil
}

// named gives a refusal the name of its act, for the log.
func named(act string, err error) error {
	if e, ok := err.(*Error); ok && e.Op == "" {
		said := *e
		said.Op = act
		return &said
	}
	return err
}
