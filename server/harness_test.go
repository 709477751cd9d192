package server

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/gallery/search"
	packer "nougat/internal/pack"
	"nougat/store/storetest"
	"nougat/ui"
)

// A site under test: a server on a real connection over the real store, with an
// account that owns what is pushed and a key for everything.
type testSite struct {
	testing.TB
	server  *Server
	gallery *gallery.Gallery
	store   gallery.Store
	url     string // http://127.0.0.1:port
	addr    string // 127.0.0.1:port
	key     string
	clock   *testClock
	log     *logBuffer

	listener net.Listener
}

type siteOptions struct {
	server  func(*Options)
	gallery func(*gallery.Options)
	before  func(*Server) // before it listens

	listener net.Listener // nil: a port of this machine
}

const (
	testUser     = "ann"
	testPassword = "correct horse battery"
)

// start runs a server until the test ends.
func start(t testing.TB, change ...siteOptions) *testSite {
	t.Helper()
	s := &testSite{TB: t, clock: newTestClock(), log: &logBuffer{}}
	store, blobs := storetest.Open(t)
	s.store = store
	go_ := gallery.Options{
		Store: store, Blobs: blobs, NewIndex: search.New, Now: s.clock.now,
		Feeds: []gallery.FeedOptions{{Name: "main", OpenToRead: true, MaxBytes: 250 << 20}},
	}
	for _, c := range change {
		if c.gallery != nil {
			c.gallery(&go_)
		}
	}
	g, err := gallery.Open(context.Background(), go_)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	s.gallery = g
	for _, c := range change {
		if c.listener != nil {
			s.listener = c.listener
		}
	}
	if s.listener == nil {
		if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	l := s.listener
	pages, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	so := Options{
		Gallery: g, Pages: pages, Listeners: []net.Addr{l.Addr()}, Grace: 5 * time.Second,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, c := range change {
		if c.server != nil {
			c.server(&so)
		}
	}
	if s.server, err = New(so); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		if c.before != nil {
			c.before(s.server)
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(l) }()
	t.Cleanup(func() {
		if err := s.server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	s.addr = l.Addr().String()
	s.url = "http://" + s.addr
	s.account(testUser, testPassword)
	s.key = s.newKey(gallery.NewKey{Owner: testUser})
	return s
}

// openGallery is a gallery that nobody serves.
func openGallery(t testing.TB, f ...gallery.FeedOptions) *gallery.Gallery {
	t.Helper()
	store, blobs := storetest.Open(t)
	g, err := gallery.Open(context.Background(), gallery.Options{Store: store, Blobs: blobs, NewIndex: search.New, Feeds: f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	return g
}

// closed makes every feed need credentials.
func closed() siteOptions {
	return siteOptions{gallery: func(o *gallery.Options) {
		for i := range o.Feeds {
			o.Feeds[i].OpenToRead = false
		}
	}}
}

func feeds(f ...gallery.FeedOptions) siteOptions {
	return siteOptions{gallery: func(o *gallery.Options) { o.Feeds = f }}
}

func options(f func(*Options)) siteOptions { return siteOptions{server: f} }

func (s *testSite) account(name, password string) *gallery.Account {
	s.Helper()
	a, _, err := s.gallery.AddAccount(context.Background(), gallery.Operator(), gallery.NewAccount{Name: name, Password: password})
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// lock does what administrators will do: no page of this version does.
func (s *testSite) lock(name string) {
	s.Helper()
	err := s.store.Update(context.Background(), func(w gallery.Writer) error {
		a, err := w.AccountByName(name)
		if err != nil {
			return err
		}
		a.Locked = true
		return w.PutAccount(a)
	})
	if err != nil {
		s.Fatal(err)
	}
}

func (s *testSite) newKey(n gallery.NewKey) string {
	s.Helper()
	if n.Owner == "" {
		n.Owner = testUser
	}
	if n.Scopes == 0 {
		n.Scopes = gallery.ScopePush | gallery.ScopePushVersion | gallery.ScopeUnlist | gallery.ScopeRead
	}
	secret, _, err := s.gallery.AddKey(context.Background(), gallery.Operator(), n)
	if err != nil {
		s.Fatal(err)
	}
	return secret
}

// testClock moves by a second with every look.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func newTestClock() *testClock {
	return &testClock{t: time.Date(2026, 11, 24, 8, 0, 0, 123456700, time.UTC)}
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// An answer is a response as it was on the wire, read to its end.
type answer struct {
	t      testing.TB
	status int
	reason string
	header http.Header
	body   []byte
}

// request is a request to be sent; header pairs follow.
func (s *testSite) do(method, path string, body io.Reader, header ...string) *answer {
	s.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = s.url + path
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	res, err := plainClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	return read(s, res)
}

// plainClient does what it is told and nothing more: no redirects, no gzip.
var plainClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func read(t testing.TB, res *http.Response) *answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, reason, _ := strings.Cut(res.Status, " ")
	return &answer{t: t, status: res.StatusCode, reason: reason, header: res.Header, body: body}
}

func (s *testSite) get(path string, header ...string) *answer {
	s.Helper()
	return s.do("GET", path, nil, header...)
}

// is fails the test when the status is another.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d %s, want %d; body: %.300s", a.status, a.reason, status, a.body)
	}
	return a
}

// has fails the test when a header has another value.
func (a *answer) has(name, value string) *answer {
	a.t.Helper()
	if got := a.header.Get(name); got != value {
		a.t.Errorf("%s: %q, want %q", name, got, value)
	}
	return a
}

func (a *answer) lacks(names ...string) *answer {
	a.t.Helper()
	for _, n := range names {
		if v, ok := a.header[http.CanonicalHeaderKey(n)]; ok {
			a.t.Errorf("%s: %q, want none", n, v)
		}
	}
	return a
}

// json decodes the body, compressed or not.
func (a *answer) json() map[string]any {
	a.t.Helper()
	m, ok := a.value().(map[string]any)
	if !ok {
		a.t.Fatalf("the body is no JSON object: %.300s", a.body)
	}
	return m
}

func (a *answer) value() any {
	a.t.Helper()
	body := a.body
	if a.header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			a.t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			a.t.Fatal(err)
		}
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		a.t.Fatalf("%v in %.300s", err, body)
	}
	return v
}

// raw sends bytes on a new connection and reads n answers.
func (s *testSite) raw(request string, n int) []*answer {
	s.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	go io.WriteString(c, request)
	method, _, _ := strings.Cut(request, " ")
	br := bufio.NewReader(c)
	var all []*answer
	for range n {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			s.Fatalf("answer %d: %v", len(all)+1, err)
		}
		all = append(all, read(s, res))
	}
	return all
}

// A pack is what a test package is made of.
type pack struct {
	id, version string
	meta        string            // further elements of the nuspec's metadata
	files       map[string][]byte // beside the nuspec
	description string
}

// nupkg builds the package.
func (p pack) nupkg(testing.TB) []byte {
	s := packer.Spec{ID: p.id, Version: p.version, Metadata: p.meta, Description: cmp.Or(p.description, "A package for tests."), Authors: "Ann, Ben", Bare: true}
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		s.Files = append(s.Files, packer.File{Name: name, Data: p.files[name]})
	}
	return packer.Nupkg(s)
}

// form wraps a package as NuGet's clients do.
func form(data []byte) (body *bytes.Buffer, contentType string) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	part, _ := w.CreateFormFile("package", "package.nupkg")
	part.Write(data)
	w.Close()
	return body, w.FormDataContentType()
}

// push publishes to a feed's root ("" for main) and wants 201.
func (s *testSite) push(p pack) *answer { return s.pushTo("", p) }

func (s *testSite) pushTo(root string, p pack) *answer {
	s.Helper()
	body, kind := form(p.nupkg(s))
	return s.do("PUT", root+"/v3/package/", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(201)
}

// resource is the @id of the service index's entry with this type.
func (s *testSite) resource(kind string) string {
	s.Helper()
	for _, r := range s.get("/v3/index.json").is(200).json()["resources"].([]any) {
		if m := r.(map[string]any); m["@type"] == kind {
			return m["@id"].(string)
		}
	}
	s.Fatalf("the service index has no %s", kind)
	return ""
}

func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}
