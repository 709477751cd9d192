package store

import (
	"bytes"
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

func decodeDownloads(p Pair) (gallery.DownloadCount, error) {
	d := decodeFormat(p.Value)
	c := gallery.DownloadCount{Version: d.text(), Total: d.uint()}
	if len(p.Key) < 4 {
		d.fail()
	} else if end := bytes.IndexByte(p.Key[4:], 0); end < 0 {
		d.fail()
	} else {
		c.ID = string(p.Key[4 : 4+end])
	}
	if err := d.done(); err != nil {
		return gallery.DownloadCount{}, damaged(bDownloads, p.Key, err)
	}
	return c, nil
}

func (r *reader) Downloads(generation uint32, id string) ([]gallery.DownloadCount, error) {
	if !usable(id) {
		return nil, nil
	}
	var counts []gallery.DownloadCount
	err := r.scanAll(bDownloads, append(appendID(nil, generation, id), 0), func(p Pair) error {
		c, err := decodeDownloads(p)
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
	counts := make([]gallery.DownloadCount, len(page))
	for i, p := range page {
		if counts[i], err = decodeDownloads(p); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func (w *writer) AddDownloads(generation uint32, counts []gallery.DownloadCount) error {
	for _, c := range counts {
		key, err := appendDownloadKey(nil, generation, c.ID, c.Version)
		if err != nil {
			return err
		}
		value, err := w.tx.Get(bDownloads, key)
		if err != nil {
			return err
		}
		if value != nil {
			old, err := decodeDownloads(Pair{key, value})
			if err != nil {
				return err
			}
			c.Total += old.Total
		}
		value = appendUint(appendText([]byte{format1}, c.Version), c.Total)
		if err := w.tx.Put(bDownloads, key, value); err != nil {
			return err
		}
	}
	return nil
}
