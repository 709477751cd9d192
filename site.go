package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/server"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/dir"
)

// A site is an open data folder: records, blobs and the gallery on them, with
// the configuration in force. Who has one holds the lock of the data.
type site struct {
	db      *bolt.DB // beneath store
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
	if err := databaseThere(data); err != nil {
		return nil, err
	}
	s := new(site)
	if s.db, s.store, err = openStore(ctx, data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.store.Close()
		}
	}()
	if err := blobsThere(ctx, s.store, data); err != nil {
		return nil, err
	}
	if s.blobs, err = dir.Open(data, dir.Options{}); err != nil {
		return nil, fmt.Errorf("The data folder %s cannot be used: %w", shown(data), err)
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
		Store: s.store, Blobs: s.blobs, NewIndex: search.New, Feeds: c.feeds(), Log: log,
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
func openStore(ctx context.Context, data string) (*bolt.DB, gallery.Store, error) {
	db, err := bolt.Open(data, bolt.Options{})
	switch {
	case errors.Is(err, bolt.ErrHeld):
		return nil, nil, errHeld
	case errors.Is(err, bolt.ErrDamaged):
		return nil, nil, fmt.Errorf("The database cannot be opened: %w. Put %s and %s back together, from one backup.", err, bolt.FileName, dir.BlobsName)
	case store.IsFull(err):
		return nil, nil, fmt.Errorf("The database cannot be opened, because the disk is full: %w. Make room on it and start again.", err)
	case err != nil:
		return nil, nil, fmt.Errorf("The database cannot be opened: %w", err)
	}
	st, err := store.New(ctx, db)
	if err != nil {
		db.Close()
		return nil, nil, fmt.Errorf("The database in %s cannot be read: %w", shown(data), err)
	}
	return db, st, nil
}

// databaseThere refuses to begin a new database beside the package files of
// another one: nothing in it would name them, and the sweep would remove them.
func databaseThere(data string) error {
	path := filepath.Join(data, bolt.FileName)
	for range 2 {
		info, err := os.Stat(path)
		if err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil // what is wrong with it is said when it is opened
		}
		if !dir.HoldsBlobs(data) {
			return nil
		}
		// Another process may just have made both: then the file is there now.
	}
	return fmt.Errorf("%s holds package files, but their database %s is missing or empty. Put it back from the backup that the files are of. For a new gallery name another folder with --data.", shown(data), bolt.FileName)
}

// blobsThere refuses to serve records without a single one of their files: most
// likely a restore was forgotten, or a disk is not mounted.
func blobsThere(ctx context.Context, st gallery.Store, data string) error {
	named := false
	err := st.View(ctx, func(r gallery.Reader) error {
		feeds, err := r.Feeds()
		for _, f := range feeds {
			s, e := r.FeedState(f.Number)
			err = errors.Join(err, e)
			named = named || s.Releases > 0
		}
		return err
	})
	if err != nil || !named || dir.HoldsBlobs(data) {
		return err
	}
	return fmt.Errorf("The database in %s names package files, but the folder %s beside it is missing or empty. Put it back from the backup that the database is of.", shown(data), dir.BlobsName)
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

// isData reports whether the folder holds a database, or may hold one that this
// user may not see.
func isData(data string) bool {
	_, err := os.Stat(filepath.Join(data, bolt.FileName))
	return !errors.Is(err, fs.ErrNotExist)
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
