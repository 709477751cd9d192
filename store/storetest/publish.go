package storetest

import (
	"bytes"
	"context"

	"nougat/gallery"
)

// Publish pushes a package into a gallery as the server does, without HTTP.
func Publish(g *gallery.Gallery, a gallery.Actor, f *gallery.Feed, nupkg []byte) (*gallery.Published, error) {
	ctx := context.Background()
	u, err := g.BeginUpload(a, f, gallery.Incoming{Length: int64(len(nupkg))})
	if err != nil {
		return nil, err
	}
	defer u.Discard()
	if err := u.Receive(ctx, bytes.NewReader(nupkg)); err != nil {
		return nil, err
	}
	return u.Publish(ctx)
}
