package gallery

import (
	"errors"
	"sync"
)

// A SharedFile is a file out of a package. All who use it at once have the same
// bytes, so that many slow readers of one take no more memory than one.
type SharedFile struct {
	Data []byte // nobody may change it

	files *sharedFiles
	key   sharedKey
	users int
	ready chan struct{}
	err   error
}

// Close is to be called once, when Data is used no more.
func (f *SharedFile) Close() {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(f.files.m, f.key)
	}
}

// sharedKey names a file: its name is as the package has it, whatever it was
// asked for by.
type sharedKey struct {
	blob Hash
	name string
}

// sharedFiles are the files in use.
type sharedFiles struct {
	mu sync.Mutex
	m  map[sharedKey]*SharedFile
}

var errNotRead = errors.New("the file was not read to its end")

// fill reads the file. Should read panic, nobody keeps what is left of it.
func (f *SharedFile) fill(read func() ([]byte, error)) {
	ended := false
	defer func() {
		close(f.ready)
		if !ended {
			f.Close()
		}
	}()
	f.Data, f.err = read()
	ended = true
}

// use returns the file that others use, or reads it.
func (s *sharedFiles) use(key sharedKey, read func() ([]byte, error)) (*SharedFile, error) {
	s.mu.Lock()
	f := s.m[key]
	if f != nil {
		f.users++
		s.mu.Unlock()
		<-f.ready
	} else {
		f = &SharedFile{files: s, key: key, users: 1, ready: make(chan struct{}), err: errNotRead}
		if s.m == nil {
			s.m = make(map[sharedKey]*SharedFile)
		}
		s.m[key] = f
		s.mu.Unlock()
		f.fill(read)
	}
	if f.err != nil {
		f.Close()
		return nil, f.err
	}
	return f, nil
}
