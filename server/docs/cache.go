package docs

import "sync"

// entryCost is what a kept document takes beside its bytes and its key's texts:
// headers, list.
const entryCost = 600

// cache keeps documents by key up to a number of bytes and drops those that
// were asked for longest ago.
type cache struct {
	limit int // bytes; fixed

	mu    sync.Mutex // guards what follows
	bytes int        // the cost of all entries, at most limit
	m     map[Key]*entry
	used  entry // ring: used.next was asked for last
}

type entry struct {
	key        Key
	doc        *Document
	next, prev *entry
}

func (e *entry) cost() int { return len(e.key.ID) + len(e.key.Sub) + e.doc.cost() }

func newCache(limit int) *cache {
	c := &cache{limit: limit, m: make(map[Key]*entry)}
	c.used.next, c.used.prev = &c.used, &c.used
	return c
}

func (c *cache) get(k Key) *Document {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[k]
	if e == nil {
		return nil
	}
	if c.used.next != e {
		e.unlink()
		c.front(e)
	}
	return e.doc
}

// put keeps a document, unless it would take the place of half of all.
func (c *cache) put(k Key, d *Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &entry{key: k, doc: d}
	if e.cost() > c.limit/2 {
		return
	}
	if old := c.m[k]; old != nil {
		c.bytes -= old.cost()
		old.unlink()
	}
	c.m[k] = e
	c.bytes += e.cost()
	c.front(e)
	for c.bytes > c.limit && c.used.prev != &c.used {
		last := c.used.prev
		last.unlink()
		delete(c.m, last.key)
		c.bytes -= last.cost()
	}
}

func (c *cache) front(e *entry) {
	e.prev, e.next = &c.used, c.used.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}
