package tests

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nougat/internal/pack"
)

// What the tests of the whole program share (crash_test.go and its neighbours):
// they start it as people do and talk to it over the wire. newGallery,
// startProgram and waitFor are in serve_test.go.

// A reply is an answer read to its end.
type reply struct {
	status int
	reason string // the phrase in the status line
	header http.Header
	body   []byte
}

func (r *reply) String() string {
	return fmt.Sprintf("%d %s %v %.300q", r.status, r.reason, r.header, r.body)
}

// readReply reads an answer and takes its compression off.
func readReply(res *http.Response) (*reply, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	_, reason, _ := strings.Cut(res.Status, " ")
	return &reply{res.StatusCode, reason, res.Header, body}, nil
}

// A site's client. It does nothing by itself: no redirects, no compression, no
// second try.
type siteClient struct {
	base string // http://127.0.0.1:port
	key  string
	http *http.Client
}

func newClient(base, key string) *siteClient {
	return &siteClient{base, key, &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 200},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// client talks to p.
func (p *runningProgram) client(t testing.TB, key string) *siteClient {
	c := newClient("http://"+p.addr, key)
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// try sends a request; headers come in pairs.
func (c *siteClient) try(method, path string, body io.Reader, headers ...string) (*reply, error) {
	r, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	return readReply(res)
}

// do is try that must be answered.
func (c *siteClient) do(t testing.TB, method, path string, body io.Reader, headers ...string) *reply {
	t.Helper()
	r, err := c.try(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// get must be answered with that status.
func (c *siteClient) get(t testing.TB, status int, path string, headers ...string) *reply {
	t.Helper()
	r := c.do(t, http.MethodGet, path, nil, headers...)
	if r.status != status {
		t.Fatalf("GET %s: %v, want status %d", path, r, status)
	}
	return r
}

// tryPush sends a package as NuGet's clients do.
func (c *siteClient) tryPush(content []byte) (*reply, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("package", "package.nupkg")
	if err != nil {
		return nil, err
	}
	part.Write(content)
	w.Close()
	return c.try(http.MethodPut, "/v3/package/", &body, "Content-Type", w.FormDataContentType(), "X-NuGet-ApiKey", c.key)
}

func (c *siteClient) push(t testing.TB, content []byte) *reply {
	t.Helper()
	r, err := c.tryPush(content)
	if err != nil {
		t.Fatalf("push: %v", err)
	}
	return r
}

// pushed pushes a package that must be taken.
func (c *siteClient) pushed(t testing.TB, s pack.Spec) {
	t.Helper()
	if r := c.push(t, pack.Nupkg(s)); r.status != http.StatusCreated {
		t.Fatalf("push of %s %s: %v", s.ID, s.Version, r)
	}
}

// document decodes a JSON document that must be there.
func document[T any](t testing.TB, c *siteClient, path string) (v T) {
	t.Helper()
	r := c.get(t, http.StatusOK, path)
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("GET %s: %v in %.300q", path, err, r.body)
	}
	return v
}

// nupkgPath is where the flat container has a package.
func nupkgPath(id, version string) string {
	id, version = strings.ToLower(id), strings.ToLower(version)
	return "/v3/flat/" + id + "/" + version + "/" + id + "." + version + ".nupkg"
}

// flatVersions is the version list of the flat container; nil for 404.
func flatVersions(t testing.TB, c *siteClient, id string) []string {
	t.Helper()
	path := "/v3/flat/" + strings.ToLower(id) + "/index.json"
	r := c.do(t, http.MethodGet, path, nil)
	if r.status == http.StatusNotFound {
		return nil
	}
	var doc struct{ Versions []string }
	if err := json.Unmarshal(r.body, &doc); r.status != http.StatusOK || err != nil {
		t.Fatalf("GET %s: %v, %v", path, r, err)
	}
	return doc.Versions
}

// registered is what the registration says of each version: listed or not.
func registered(t testing.TB, c *siteClient, id string) map[string]bool {
	t.Helper()
	type page struct {
		ID    string `json:"@id"`
		Items []struct {
			CatalogEntry struct {
				Version string
				Listed  bool
			}
		}
	}
	index := document[struct{ Items []page }](t, c, "/v3/reg-gz-semver2/"+strings.ToLower(id)+"/index.json")
	all := make(map[string]bool)
	for _, p := range index.Items {
		if p.Items == nil {
			p = document[page](t, c, strings.TrimPrefix(p.ID, c.base))
		}
		for _, leaf := range p.Items {
			all[leaf.CatalogEntry.Version] = leaf.CatalogEntry.Listed
		}
	}
	return all
}

// found is what search says of one ID: its listed versions.
func found(t testing.TB, c *siteClient, id string) []string {
	t.Helper()
	doc := document[struct {
		Data []struct {
			ID       string
			Versions []struct{ Version string }
		}
	}](t, c, "/v3/query?q=packageid:"+id+"&prerelease=true&semVerLevel=2.0.0")
	var versions []string
	for _, hit := range doc.Data {
		if hit.ID != id {
			t.Errorf("the search for the ID %s found %s", id, hit.ID)
		}
		for _, v := range hit.Versions {
			versions = append(versions, v.Version)
		}
	}
	return versions
}

// raw sends bytes on a connection of its own and reads one answer. The bytes are
// sent while the answer is read, since it may come before they are through.
func (p *runningProgram) raw(t testing.TB, request string) *reply {
	t.Helper()
	r, err := p.tryRaw(request)
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	return r
}

func (p *runningProgram) tryRaw(request string) (*reply, error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	go io.WriteString(conn, request)
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	return readReply(res)
}

// kill ends the program as a power cut would, and waits until it has gone.
func (p *runningProgram) kill(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Kill()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("the killed program has not gone")
	}
}

// end stops the program gently; it must go with exit code 0.
func (p *runningProgram) end(t *testing.T, data string) {
	t.Helper()
	verbOutput(t, "", "stop", "--data", data)
	if err := p.exit(t); err != nil {
		t.Errorf("the program ended with %v; standard error:\n%s", err, p.errs)
	}
}

// wholeProgram starts the program on new data and stops it at the end of the
// test. Its log then holds no error, and verify finds nothing wrong.
func wholeProgram(t *testing.T, flags ...string) (*runningProgram, *siteClient) {
	t.Helper()
	data, key := newGallery(t)
	p := startProgram(t, data, flags...)
	t.Cleanup(func() {
		p.end(t, data)
		p.loggedNoError(t)
		verbOutput(t, "", "verify", "--data", data)
	})
	return p, p.client(t, key)
}

// loggedNoError looks through the log of a program that has ended.
func (p *runningProgram) loggedNoError(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(p.errs.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			t.Errorf("the program logged %s", line)
		}
	}
}

// seeded returns the seed of a test with chance in it: a new one each time, or
// NOUGAT_TEST_SEED. It is logged, for a failure to be looked into.
func seeded(t testing.TB) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("NOUGAT_TEST_SEED"), "-"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("NOUGAT_TEST_SEED=%d", seed)
	return seed
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// A memoryWatch samples how much anonymous memory a program has: its own, not
// the files that it maps.
type memoryWatch struct {
	program *runningProgram
	idle    int64 // bytes at the beginning
	stop    chan struct{}
	most    chan int64
}

// watchMemory begins to look. Where the system does not say, or the program is
// built with the race detector, which takes much itself, growth is never known.
func watchMemory(p *runningProgram) *memoryWatch {
	w := &memoryWatch{p, p.anonymousMemory(), make(chan struct{}), make(chan int64, 1)}
	go func() {
		most := w.idle
		for {
			most = max(most, p.anonymousMemory())
			select {
			case <-w.stop:
				w.most <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return w
}

// grewAtMost ends the watch and fails the test when the program grew beyond a
// limit meanwhile.
func (w *memoryWatch) grewAtMost(t testing.TB, limit int64) {
	t.Helper()
	close(w.stop)
	most := <-w.most
	if w.idle == 0 || withRaceDetector() {
		return
	}
	t.Logf("anonymous memory: %.1f MiB idle, %.1f MiB more at most", float64(w.idle)/(1<<20), float64(most-w.idle)/(1<<20))
	if most-w.idle > limit {
		t.Errorf("the program grew by %d bytes, more than %d", most-w.idle, limit)
	}
}

// anonymousMemory is RssAnon in bytes; 0 where there is no such thing.
func (p *runningProgram) anonymousMemory() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func withRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// noise is data that does not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	source := rand.NewPCG(seed, 7)
	for i := 0; i+8 <= n; i += 8 {
		for j, v := 0, source.Uint64(); j < 8; j++ {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b
}
