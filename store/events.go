package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// tick is the least distance between two events of a feed: the unit of the
// catalog's time stamps.
const tick = 100 * time.Nanosecond

func encodeEvent(e *gallery.Event) []byte {
	hasBlob := !e.Blob.IsZero()
	b := append(make([]byte, 0, 256), format1, byte(e.Kind), bits(e.Listed, hasBlob))
	b = appendTime(b, e.Time)
	b = appendText(b, string(e.ID))
	b = appendText(b, e.Version.Original())
	b = appendUint(b, uint64(e.Actor))
	b = appendText(b, e.Key)
	if hasBlob {
		b = append(b, e.Blob[:]...)
	}
	return b
}

func decodeEvent(seq uint64, value []byte) (gallery.Event, error) {
	d := decodeFormat(value, format1)
	e := gallery.Event{Seq: seq, Kind: gallery.EventKind(d.byte())}
	flags := d.flags(2)
	e.Listed = flags&1 != 0
	e.Time = d.time()
	e.ID = nuget.ID(d.text())
	e.Version = d.version()
	e.Actor = gallery.AccountNo(d.uint32())
	e.Key = d.text()
	if flags&2 != 0 {
		d.bytes(e.Blob[:])
	}
	return e, d.done()
}

func (r *reader) Events(feed uint32, after uint64, limit int) ([]gallery.Event, error) {
	prefix := appendNumber(nil, feed)
	page, err := r.scanPrefix(bEvents, prefix, binary.BigEndian.AppendUint64(nil, after), limit)
	if err != nil {
		return nil, err
	}
	events := make([]gallery.Event, len(page))
	for i, p := range page {
		if len(p.Key) != len(prefix)+8 {
			return nil, damaged(bEvents, p.Key, errDamaged)
		}
		if events[i], err = decodeEvent(binary.BigEndian.Uint64(p.Key[len(prefix):]), p.Value); err != nil {
			return nil, damaged(bEvents, p.Key, err)
		}
	}
	return events, nil
}

// AppendEvent sets the event's number and time and stores it at the end of the
// feed's log. A feed that was never made is gallery.ErrNotFound.
func (w *writer) AppendEvent(feed uint32, e *gallery.Event) error {
	state, err := w.FeedState(feed)
	if err != nil {
		return fmt.Errorf("feed %d: %w", feed, err)
	}
	e.Seq = state.LastSeq + 1
	e.Time = e.Time.UTC().Round(0)
	if least := state.LastTime.Add(tick); e.Seq > 1 && e.Time.Before(least) {
		e.Time = least
	}
	state.LastSeq, state.LastTime = e.Seq, e.Time
	if err := w.putFeedState(feed, &state); err != nil {
		return err
	}
	return w.tx.Put(bEvents, appendEvent(nil, feed, e.Seq), encodeEvent(e))
}
