package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"

	"nougat/gallery"
	"nougat/server"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/dir"
)

// A site is an open data folder: records, blobs and the gallery on them, with
// the configuration in force. Who has one holds the lock of the data.
type site struct {
	store   gallery.Store
	blobs   gallery.Blobs
	gallery *gallery.Gallery
	control *control // of a server, else nil
	force   atomic.Pointer[inForce]
}

// inForce is what the set-up page may change while a server runs.
type inForce struct {
	config   *Config
	settings []setting
	listener net.Addr // of a server, else nil
}

// now is what is in force; it is not changed any more.
func (s *site) now() *inForce { return s.force.Load() }

// put changes what is in force.
func (s *site) put(change func(*inForce)) {
	f := *s.now()
	change(&f)
	s.force.Store(&f)
}

// base is the address of the gallery without a slash at the end: the public one,
// else the listener's, with this machine's loopback for one that listens
// everywhere.
func (f *inForce) base() string {
	if f.config.URL != "" || f.listener == nil {
		return f.config.URL
	}
	a := f.listener.(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// errHeld means that another process has the data folder open.
var errHeld = errors.New("another process holds the data")

// What a verb does when the data folder does not exist.
type absence bool

const (
	needData absence = false // an error
	makeData absence = true  // make it
)

// openSite takes the lock of the data folder and opens what is in it. It returns
// errHeld when another process has it.
func openSite(ctx context.Context, l *layers, absent absence, log *slog.Logger) (_ *site, err error) {
	c, _, err := l.merge(server.ReservedFeedName)
	if err != nil {
		return nil, err
	}
	data := c.Data
	if absent == needData && !isData(data) {
		return nil, fmt.Errorf("There is no gallery in %s. Name its folder with --data; nougat and nougat user add make a new one.", shown(data))
	}
	if err := prepareFolder(data, log); err != nil {
		return nil, err
	}
	s := new(site)
	if s.store, err = openStore(ctx, data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.store.Close()
		}
	}()
	if s.blobs, err = dir.Open(data, dir.Options{}); err != nil {
		return nil, fmt.Errorf("The folders in %s cannot be opened: %w", shown(data), err)
	}
	saved, err := gallery.SavedSettings(ctx, s.store)
	if err != nil {
		return nil, err
	}
	for _, w := range l.save(saved) {
		log.Warn(w)
	}
	c, settings, err := l.merge(server.ReservedFeedName)
	if err != nil {
		return nil, err
	}
	s.force.Store(&inForce{config: c, settings: settings})
	s.gallery, err = gallery.Open(ctx, gallery.Options{
		Store: s.store, Blobs: s.blobs, Feeds: c.feeds(), Log: log,
		Brand:       func() string { return s.now().config.Site.Name },
		AdviseBytes: c.Publish.AdviseBytes, SimilarIDs: c.Publish.SimilarIDs,
		LicenseRefs: c.Publish.LicenseRefs, KeyMaxDays: c.Keys.MaxDays,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openStore takes the lock of a data folder and opens its records, or returns
// errHeld.
func openStore(ctx context.Context, data string) (gallery.Store, error) {
	kv, err := bolt.Open(data, bolt.Options{})
	if errors.Is(err, bolt.ErrHeld) {
		return nil, errHeld
	}
	if err != nil {
		return nil, fmt.Errorf("The database in %s cannot be opened: %w", shown(data), err)
	}
	st, err := store.New(ctx, kv)
	if err != nil {
		kv.Close()
		return nil, fmt.Errorf("The database in %s cannot be read: %w", shown(data), err)
	}
	return st, nil
}

// close ends what runs inside, in this order: verbs that came through the
// control socket, counters, the writer and the database, which gives the lock
// back, and last the socket (engineering.md 4).
func (s *site) close(ctx context.Context) error {
	if s.control != nil {
		s.control.drain()
		defer s.control.close()
	}
	return errors.Join(s.gallery.Close(ctx), s.store.Close())
}

// isData reports whether the folder holds a database.
func isData(data string) bool {
	_, err := os.Stat(filepath.Join(data, bolt.FileName))
	return err == nil
}

// shown is a path as people find it again, from any working directory.
func shown(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// prepareFolder makes the data folder for this user alone. One that is
// there is closed to others when it is empty or holds a gallery; what else
// somebody named by mistake keeps its permissions.
func prepareFolder(data string, log *slog.Logger) error {
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		return fmt.Errorf("The data folder cannot be made: %w", err)
	}
	if err := store.MakeFolder(data); err != nil {
		return fmt.Errorf("The data folder cannot be made: %w", err)
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("The data folder cannot be opened: %w", err)
	}
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return fmt.Errorf("The data folder cannot be read: %w", err)
	}
	if len(entries) == 0 || isData(data) {
		err := os.Chmod(data, 0o700)
		if err == nil {
			return nil
		}
		log.Warn("the data folder could not be closed to other users of this machine", "folder", shown(data), "err", err)
		return nil
	}
	log.Warn("other users of this machine can look into the data folder, which also holds things that are not nougat's", "folder", shown(data))
	return nil
}
