package store

import (
	"bytes"
	"errors"
	"fmt"

	"nougat/gallery"
	"nougat/nuget"
)

func appendDownloadKey(b []byte, generation uint32, id, version string) ([]byte, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	v, err := nuget.ParseVersion(version)
	if err != nil {
		return nil, fmt.Errorf("downloads of %s: %w", id, err)
	}
	return appendRelease(b, generation, id, v), nil
}

var downloads = table[gallery.DownloadCount]{
	bucket: bDownloads, newest: 1,
	encode: func(b []byte, c *gallery.DownloadCount) ([]byte, error) {
		return appendUint(appendText(b, c.Version), c.Total), nil
	},
	decode: func(d *decoder, key []byte) gallery.DownloadCount {
		c := gallery.DownloadCount{Version: d.text(), Total: d.uint()}
		if len(key) < 4 {
			d.fail()
		} else if end := bytes.IndexByte(key[4:], 0); end < 0 {
			d.fail()
		} else {
			c.ID = string(key[4 : 4+end])
		}
		return c
	},
}

func (r *reader) Downloads(generation uint32, id string) ([]gallery.DownloadCount, error) {
	if !usable(id) {
		return nil, nil
	}
	var counts []gallery.DownloadCount
	err := r.scanAll(bDownloads, append(appendID(nil, generation, id), 0), func(p Pair) error {
		c, err := downloads.read(r, p.Key, p.Value)
		counts = append(counts, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

func (r *reader) AllDownloads(generation uint32, after gallery.DownloadCount, limit int) ([]gallery.DownloadCount, error) {
	prefix := appendNumber(nil, generation)
	from := prefix
	if after.ID != "" {
		key, err := appendDownloadKey(nil, generation, after.ID, after.Version)
		if err != nil {
			return nil, err
		}
		from = append(key, 0)
	}
	page, err := r.scan(bDownloads, from, prefixEnd(prefix), limit)
	if err != nil {
		return nil, err
	}
	return downloads.readAll(r, page)
}

func (w *writer) AddDownloads(generation uint32, counts []gallery.DownloadCount) error {
	for _, c := range counts {
		key, err := appendDownloadKey(nil, generation, c.ID, c.Version)
		if err != nil {
			return err
		}
		old, err := downloads.get(w.reader, key)
		if err != nil && !errors.Is(err, gallery.ErrNotFound) {
			return err
		}
		c.Total += old.Total
		if err := downloads.put(w, key, &c); err != nil {
			return err
		}
	}
	return nil
}
