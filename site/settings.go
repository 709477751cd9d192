package site

import (
	"context"
	"errors"

	"nougat/config"
	"nougat/gallery"
)

// Settings are what a site says of its configuration.
type Settings struct {
	Saved   map[string]string `json:"saved"`   // what the data folder holds, as text by key
	InForce []config.Setting  `json:"inForce"` // in the order of config.Keys
}

// ReadSettings says what is saved in the data folder and what is in force.
var ReadSettings = Verb[None, Settings]{"config", func(ctx context.Context, s *Site, _ None) (Settings, error) {
	saved, err := s.Gallery.SavedSettings(ctx)
	return Settings{saved, s.Settings()}, err
}}

// ReadSaved takes what is saved in the data folder over into l, if there is one,
// and returns the settings of the server that runs on it: none without a server,
// or with one of another version. Unlike a verb it needs no more of the folder
// than its records. The warnings are of Layers.Save.
func ReadSaved(ctx context.Context, l *config.Layers) (running []config.Setting, warnings []string, err error) {
	c, _, err := l.Merge()
	if err != nil || !isData(c.Data) {
		return nil, nil, err
	}
	var now Settings
	err = reach(ctx, c.Data, func() (err error) {
		now, err = askServer(ctx, c.Data, ReadSettings, None{})
		return err
	}, func() error {
		records, err := peek(ctx, c.Data)
		if err != nil {
			return err
		}
		now.Saved, err = gallery.SavedSettings(ctx, records)
		return errors.Join(err, records.Close())
	})
	if err != nil {
		return nil, nil, err
	}
	if len(now.InForce) == len(config.Keys()) {
		running = now.InForce
	}
	return running, l.Save(now.Saved), nil
}
