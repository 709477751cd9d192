// Package site is an open data folder: records, blobs, the gallery on them and the
// configuration in force; the administrator's verbs on it; and the control socket
// that carries them into the server that holds the data.
//
// A verb is one value with types of its own (verb.go); those of users, keys and so
// on lie in files of these names. This room must never decide what may happen,
// which is gallery's, serve anything but the control socket, which is server's, or
// print and ask, which is cli's.
package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"nougat/config"
	"nougat/gallery"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/dir"

	"nougat/gallery/search"
)

// A Site is an open data folder: records, blobs and the gallery on them, with
// the configuration in force. Who has one holds the lock of the data. Nothing in
// it changes once it is open, but what force holds and, at a server's start,
// control.
type Site struct {
	Gallery *gallery.Gallery

	database *bolt.DB // beneath store
	store    gallery.Store
	blobs    gallery.Blobs
	layers   *config.Layers // Settle's, once the site is open
	log      *slog.Logger
	control  *control // of a server that listens, else nil
	force    atomic.Pointer[inForce]
}

// inForce is what the set-up page may change while a server runs; a change is a
// new one.
type inForce struct {
	config   *config.Config
	settings []config.Setting
}

// Config is the configuration in force. It must not be changed.
func (s *Site) Config() *config.Config { return s.force.Load().config }

// Settings say of each key of Config whence it is, in the order of config.Keys.
// They must not be changed.
func (s *Site) Settings() []config.Setting { return s.force.Load().settings }

// Settle puts in force what the set-up page saved, where file, environment and
// command line do not outweigh it, and returns the name and the public
// address that hold now. One call at a time.
func (s *Site) Settle(saved map[string]string) (brand, url string) {
	for _, w := range s.layers.Save(saved) {
		s.log.Warn(w)
	}
	c, settings, err := s.layers.Merge()
	if err != nil { // cannot be: each value alone was good at the start or just now
		s.log.Error("what was saved is not in force before the next start", "err", err)
		c = s.Config()
		return c.Site.Name, c.URL
	}
	s.force.Store(&inForce{c, settings})
	for _, f := range c.FeedOptions() {
		s.Gallery.SetOpenToRead(f.Name, f.OpenToRead)
	}
	return c.Site.Name, c.URL
}

// errHeld means that another process has the data folder open.
var errHeld = errors.New("another process holds the data")

// Absence says what becomes of a data folder that does not exist.
type Absence bool

// The two of them.
const (
	NeedData Absence = false // its absence is an error
	MakeData Absence = true  // it is made
)

// lockWait is how long a start waits for an administrator's verb that has the
// data open for a moment.
const lockWait = 3 * time.Second

// Take opens the data folder for a server, and makes it when it is absent. A
// server that runs on it is refused at once; somebody else who holds it, an
// administrator's verb most likely, is waited for, up to three seconds. Whoever
// gets no error calls Close.
func Take(ctx context.Context, l *config.Layers, log *slog.Logger) (*Site, error) {
	for until := time.Now().Add(lockWait); ; time.Sleep(controlPause) {
		s, err := open(ctx, l, MakeData, log)
		if !errors.Is(err, errHeld) {
			return s, err
		}
		c, _, err := l.Merge()
		if err != nil {
			return nil, err
		}
		if conn, err := dialControl(ctx, c.Data); err == nil {
			conn.Close()
			return nil, fmt.Errorf("Not started: another process holds the data in %s, a nougat that serves it. Stop that one with \"nougat stop\", or name another folder with --data.", Shown(c.Data))
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return nil, fmt.Errorf("Not started: another process holds the data in %s.", Shown(c.Data))
		}
	}
}

// open takes the lock of the data folder and opens what is in it. It returns
// errHeld when another process has it.
func open(ctx context.Context, l *config.Layers, absent Absence, log *slog.Logger) (_ *Site, err error) {
	c, _, err := l.Merge()
	if err != nil {
		return nil, err
	}
	data := c.Data
	if absent == NeedData && !isData(data) {
		return nil, fmt.Errorf("There is no gallery in %s. Name its folder with --data; nougat and nougat user add make a new one.", Shown(data))
	}
	if err := prepareFolder(data, log); err != nil {
		return nil, err
	}
	if err := databaseThere(data); err != nil {
		return nil, err
	}
	s := &Site{layers: l, log: log}
	if s.database, err = openData(data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.database.Close()
		}
	}()
	looked, err := store.Peek(ctx, s.database)
	if err != nil {
		return nil, cannotRead(data, err)
	}
	if err := blobsThere(ctx, looked, data); err != nil { // before anything is written
		return nil, err
	}
	if s.store, err = store.New(ctx, s.database); err != nil {
		return nil, cannotRead(data, err)
	}
	if s.blobs, err = dir.Open(data, dir.Options{}); err != nil {
		return nil, fmt.Errorf("The data folder %s cannot be used: %w", Shown(data), err)
	}
	saved, err := gallery.SavedSettings(ctx, s.store)
	if err != nil {
		return nil, err
	}
	for _, w := range l.Save(saved) {
		log.Warn(w)
	}
	c, settings, err := l.Merge()
	if err != nil {
		return nil, err
	}
	s.force.Store(&inForce{config: c, settings: settings})
	s.Gallery, err = gallery.Open(ctx, gallery.Options{
		Store: s.store, Blobs: s.blobs, NewIndex: search.New, Feeds: c.FeedOptions(), Log: log,
		Brand:       func() string { return s.Config().Site.Name },
		AdviseBytes: c.Publish.AdviseBytes, SimilarIDs: c.Publish.SimilarIDs,
		LicenseRefs: c.Publish.LicenseRefs, KeyMaxDays: c.Keys.MaxDays,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openData takes the lock of a data folder and opens its database, or returns
// errHeld.
func openData(data string) (*bolt.DB, error) {
	database, err := bolt.Open(data, bolt.Options{})
	switch {
	case errors.Is(err, bolt.ErrHeld):
		return nil, errHeld
	case errors.Is(err, bolt.ErrDamaged):
		return nil, fmt.Errorf("The database cannot be opened: %w. Put %s and %s back together, from one backup.", err, bolt.FileName, dir.BlobsName)
	case gallery.IsDiskFull(err):
		return nil, fmt.Errorf("The database cannot be opened, because the disk is full: %w. Make room on it and start again.", err)
	case err != nil:
		return nil, fmt.Errorf("The database cannot be opened: %w", err)
	}
	return database, nil
}

// peek opens the records of a data folder for who only looks: whoever gets no
// error closes them.
func peek(ctx context.Context, data string) (gallery.Store, error) {
	database, err := openData(data)
	if err != nil {
		return nil, err
	}
	records, err := store.Peek(ctx, database)
	if err != nil {
		return nil, errors.Join(cannotRead(data, err), database.Close())
	}
	return records, nil
}

func cannotRead(data string, err error) error {
	return fmt.Errorf("The database in %s cannot be read: %w", Shown(data), err)
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
	return fmt.Errorf("%s holds package files, but their database %s is missing or empty. Put it back from the backup that the files are of. For a new gallery name another folder with --data.", Shown(data), bolt.FileName)
}

// blobsThere refuses to serve records without a single one of their files: most
// likely a restore was forgotten, or a disk is not mounted.
func blobsThere(ctx context.Context, records gallery.Store, data string) error {
	named := false
	err := records.View(ctx, func(r gallery.Reader) error {
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
	return fmt.Errorf("The database in %s names package files, but the folder %s beside it is missing or empty. Put it back from the backup that the database is of.", Shown(data), dir.BlobsName)
}

// Close ends what runs inside, in this order: verbs that came through the control
// socket, counters, the writer and the database, which gives the lock back, and
// last the socket (ENG-4). ctx bounds the writing of counters.
func (s *Site) Close(ctx context.Context) error {
	if s.control != nil {
		s.control.drain()
		defer s.control.close()
	}
	return errors.Join(s.Gallery.Close(ctx), s.store.Close())
}

// isData reports whether the folder holds a database, or may hold one that this
// user may not see.
func isData(data string) bool {
	_, err := os.Stat(filepath.Join(data, bolt.FileName))
	return !errors.Is(err, fs.ErrNotExist)
}

// Shown is a path as people find it again, from any working directory.
func Shown(path string) string {
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
		log.Warn("the data folder could not be closed to other users of this machine", "folder", Shown(data), "err", err)
		return nil
	}
	log.Warn("other users of this machine can look into the data folder, which also holds things that are not nougat's", "folder", Shown(data))
	return nil
}

// Explain is what the operator is told of an error: of a refusal its text for
// people and its cause, a line each; else the error itself.
func Explain(err error) string {
	e, ok := errors.AsType[*gallery.Error](err)
	if !ok || e.Msg == "" {
		return err.Error()
	}
	lines := []string{e.Msg}
	if len(e.Details) > 1 {
		lines = e.Details
	}
	if e.Err != nil {
		lines = append(lines, "The cause: "+e.Err.Error())
	}
	return strings.Join(lines, "\n")
}
