package store

import "nougat/gallery"

func (r *reader) Meta() (gallery.Meta, error) {
	value, err := r.get(bMeta, metaStore)
	if err != nil {
		return gallery.Meta{}, err
	}
	d := decodeFormat(value, format1)
	m := gallery.Meta{Schema: int(d.upTo(1 << 30)), Epoch: d.uint()}
	if err := d.done(); err != nil {
		return gallery.Meta{}, damaged(bMeta, metaStore, err)
	}
	return m, nil
}

func (r *reader) People() (uint64, error) {
	n, err := r.counter(bPackages, keyPeople)
	return uint64(n), err
}

func (w *writer) PutMeta(m gallery.Meta) error {
	return w.tx.Put(bMeta, metaStore, appendUint(appendUint([]byte{format1}, uint64(m.Schema)), m.Epoch))
}

func (r *reader) Setting(name string) (string, error) {
	value, err := r.get(bSettings, append(r.scratch(), name...))
	return string(value), err
}

func (r *reader) Settings() (map[string]string, error) {
	settings := make(map[string]string)
	err := r.scanAll(bSettings, nil, func(p Pair) error {
		settings[string(p.Key)] = string(p.Value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return settings, nil
}

func (w *writer) PutSetting(name, value string) error {
	if value == "" {
		return w.tx.Delete(bSettings, []byte(name))
	}
	return w.tx.Put(bSettings, []byte(name), []byte(value))
}
