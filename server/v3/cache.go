package v3

import (
	"sync"
)

// entryCost is what a kept document takes beside its bytes: key, headers, list.
const entryCost = 600

// cache keeps documents by key up to a number of bytes and drops those that
// were asked for longest ago.
type cache struct {
	mu    sync.Mutex
	limit int
	bytes int
	m     map[key]*entry
	used  entry // ring: used.next was asked for last
}

type entry struct {
	key        key
	doc        *Document
	next, prev *entry
}

func newCache(limit int) *cache {
	c := &cache{limit: limit, m: make(map[key]*entry)}
	c.used.next, c.used.prev = &c.used, &c.used
	return c
}

func (c *cache) get(k key) *Document {
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

func (c *cache) put(k key, d *Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.m[k]; e != nil {
		c.bytes += d.cost() - e.doc.cost()
		e.doc = d
		e.unlink()
		c.front(e)
	} else {
		e = &entry{key: k, doc: d}
		c.m[k] = e
		c.bytes += d.cost()
		c.front(e)
	}
	for c.bytes > c.limit && c.used.prev != &c.used {
		last := c.used.prev
		last.unlink()
		delete(c.m, last.key)
		c.bytes -= last.doc.cost()
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
