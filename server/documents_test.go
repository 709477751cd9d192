package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
	v3 "nougat/server/v3"
)

// Documents have an ETag for each form and answer a client that holds one.
func TestDocumentsAnswer304(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(somePackage("1.0.0"))
	for _, path := range s.documents() {
		if strings.HasPrefix(path, "/v3/query") || strings.HasPrefix(path, "/v3/autocomplete") {
			s.get(path).is(200).lacks("ETag")
			continue
		}
		plain, packed := s.get(path).is(200), s.get(path, "Accept-Encoding", "gzip").is(200)
		p, z := plain.header.Get("ETag"), packed.header.Get("ETag")
		if p == "" || strings.HasPrefix(p, "W/") || (p == z) != (packed.header.Get("Content-Encoding") == "") {
			t.Errorf("%s: ETags %s and %s", path, p, z)
		}
		for _, c := range []struct {
			accept, known string
			status        int
			tag           string
		}{
			{"", p, 304, p}, {"gzip", z, 304, z}, {"", `"x", ` + p, 304, p}, {"", "W/" + p, 304, p}, {"", "*", 304, p}, {"gzip", p, 304, p},
			{"", `"x"`, 200, p}, {"gzip", `"x"`, 200, z}, {"", strings.Trim(p, `"`), 200, p},
		} {
			a := s.get(path, "Accept-Encoding", c.accept, "If-None-Match", c.known).is(c.status).has("ETag", c.tag).has("Vary", "Accept-Encoding").has("Cache-Control", "public, no-cache")
			if c.status == 304 && (len(a.body) > 0 || a.header.Get("Content-Type") != "") {
				t.Errorf("%s: a 304 with %v", path, a.header)
			}
		}
		if z != p { // who does not take gzip must not be told that the gzip form is good
			s.get(path, "If-None-Match", z).is(200)
		}
	}
	// A document that was never rendered answers as well.
	ref, err := s.server.v3.RegistrationIndex(context.Background(), s.server.g.Feeds()[0], docs.Place{Root: "http://fresh.example", Keep: false}, v3.Gzip, "some.package")
	if err != nil {
		t.Fatal(err)
	}
	tag, _ := s.server.docs.Tags(&ref)
	s.get("/v3/reg-gz/some.package/index.json", "Host", "fresh.example", "If-None-Match", tag).is(304)
}

// The answer to a push is the truth: every document shows it at once.
func TestDocumentsAreNeverStale(t *testing.T) {
	t.Parallel()
	s := start(t)
	shows := func(version string, listed bool) {
		t.Helper()
		if got := fmt.Sprint(s.get("/v3/flat/fresh/index.json").json()["versions"]); !strings.Contains(got, version) {
			t.Errorf("%s is not in the version list %s", version, got)
		}
		for _, hive := range []string{"reg", "reg-gz", "reg-gz-semver2"} {
			found := false
			walk(s.get("/v3/"+hive+"/fresh/index.json").json(), func(name string, v any) {
				if e, ok := v.(map[string]any); ok && name == "catalogEntry" && e["version"] == version {
					found = e["listed"] == listed
				}
			})
			if !found || s.get("/v3/" + hive + "/fresh/" + version + ".json").is(200).json()["listed"] != listed {
				t.Errorf("%s is not as it should be in %s", version, hive)
			}
		}
		if hits := s.get("/v3/query?q=fresh&prerelease=true").json(); strings.Contains(fmt.Sprint(hits), "version:"+version) != listed {
			t.Errorf("%s, listed %v: search has %v", version, listed, hits)
		}
		page := s.get("/v3/catalog/page0.json").json()["items"].([]any)
		if last := page[len(page)-1].(map[string]any); last["nuget:version"] != version {
			t.Errorf("the catalog ends with %v", last)
		}
	}
	for i := range 5 {
		v := fmt.Sprintf("1.0.%d", i)
		s.push(pack{id: "Fresh", version: v})
		shows(v, true)
		s.do("DELETE", "/v3/package/fresh/"+v, nil, "X-NuGet-ApiKey", s.key).is(204)
		shows(v, false)
		s.do("POST", "/v3/package/fresh/"+v, nil, "X-NuGet-ApiKey", s.key).is(200)
		shows(v, true)
	}
}

// Readers of one document while it changes get whole documents, each as it was
// at some moment, and never an older one than before.
func TestDocumentsUnderChange(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Busy", version: "1.0.0"})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			seen := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := s.get("/v3/reg/busy/index.json", "Accept-Encoding", "gzip")
				if a.status != 200 {
					t.Errorf("status %d", a.status)
					return
				}
				n := int(a.json()["items"].([]any)[0].(map[string]any)["count"].(float64))
				if n < seen {
					t.Errorf("%d versions after %d", n, seen)
				}
				seen = n
			}
		})
	}
	for i := range 20 {
		s.push(pack{id: "Busy", version: fmt.Sprintf("1.1.%d", i)})
	}
	close(stop)
	readers.Wait()
}

// an ID that has SemVer 2 versions alone is unknown in the old hives.
func TestSemVer2IsOnlyInItsHive(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Two", version: "1.0.0-a.b"})
	s.push(pack{id: "Dep", version: "1.0.0", meta: `<dependencies><dependency id="Two" version="1.0.0-a.b" /></dependencies>`})
	for _, id := range []string{"two", "dep"} {
		for range 2 { // the second answer is out of the cache
			s.get("/v3/reg/" + id + "/index.json").is(404)
			s.get("/v3/reg-gz/"+id+"/index.json", "If-None-Match", `"x"`).is(404)
		}
		s.get("/v3/reg-gz-semver2/" + id + "/index.json").is(200)
		s.get("/v3/flat/" + id + "/index.json").is(200)
		for query, total := range map[string]float64{"&semVerLevel=2.0.0": 1, "": 0, "&semVerLevel=1.0.0": 0, "&semVerLevel=2": 1, "&semVerLevel=1.9.9": 0} {
			if got := s.get("/v3/query?prerelease=true&q=packageid:" + id + query).json()["totalHits"]; got != total {
				t.Errorf("%s%s: %v hits", id, query, got)
			}
		}
	}
}

// The catalog is what a reader with a cursor needs (PROTO-7).
func TestCatalogCursor(t *testing.T) {
	t.Parallel()
	s := start(t)
	if m := s.get("/v3/catalog/index.json").is(200).json(); m["count"] != float64(0) || m["commitTimeStamp"] == nil {
		t.Errorf("an empty catalog: %v", m)
	}
	s.get("/v3/catalog/page0.json").is(404)
	s.push(pack{id: "Cat", version: "1.0.0"})
	s.do("DELETE", "/v3/package/Cat/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(204)
	s.push(pack{id: "Cat", version: "1.1.0+meta"})
	index := s.get("/v3/catalog/index.json").is(200).json()
	page := s.do("GET", index["items"].([]any)[0].(map[string]any)["@id"].(string), nil).is(200).json()
	items := page["items"].([]any)
	last, commits := "", map[string]bool{}
	for i, listed := range []bool{true, false, true} {
		item := items[i].(map[string]any)
		at := item["commitTimeStamp"].(string)
		if at <= last {
			t.Errorf("item %d is at %s, after %s", i, at, last)
		}
		last = at
		commits[item["commitId"].(string)] = true
		leaf := s.do("GET", item["@id"].(string), nil).is(200).json()
		if leaf["listed"] != listed || leaf["catalog:commitTimeStamp"] != at || leaf["@id"] != item["@id"] || leaf["packageHashAlgorithm"] != "SHA512" {
			t.Errorf("leaf %d: %v", i, leaf)
		}
		if created := leaf["created"].(string); strings.HasPrefix(created, "1900") || strings.HasPrefix(leaf["published"].(string), "1900") == listed {
			t.Errorf("leaf %d: created %s, published %v", i, created, leaf["published"])
		}
	}
	if page["commitTimeStamp"] != last || index["commitTimeStamp"] != last || len(commits) != 3 || page["count"] != float64(3) {
		t.Errorf("page at %v, index at %v, last item at %s, %d commits", page["commitTimeStamp"], index["commitTimeStamp"], last, len(commits))
	}
	for _, path := range []string{"/v3/catalog/page1.json", "/v3/catalog/page-1.json", "/v3/catalog/page.json", "/v3/catalog/pagex.json", "/v3/catalog/data/2026.11.24.08.00.00.0000000/cat.1.0.0.json",
		"/v3/catalog/data/now/cat.1.0.0.json", "/v3/catalog/page99999999999999999999.json", strings.Replace(strings.TrimPrefix(items[0].(map[string]any)["@id"].(string), s.url), "cat.1.0.0", "cat.2.0.0", 1)} {
		s.get(path).is(404)
	}
}

// Documents verify finds nothing wrong with what pushes and changes leave.
func TestVerifyDocuments(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i := range 130 {
		s.push(pack{id: "Many", version: fmt.Sprintf("1.%d.0", i)})
	}
	s.push(somePackage("1.0.0"))
	s.push(somePackage("1.1.0-Beta+m"))
	s.push(pack{id: "Two", version: "1.0.0-a.b"})
	s.do("DELETE", "/v3/package/many/1.5.0", nil, "X-NuGet-ApiKey", s.key).is(204)
	s.do("DELETE", "/v3/package/two/1.0.0-a.b", nil, "X-NuGet-ApiKey", s.key).is(204)
	n, err := v3.Verify(context.Background(), s.gallery, s.gallery.Feeds()[0], func(string) bool { return false }, func(f gallery.Finding) { t.Error(f) })
	if err != nil || n < 130*4 {
		t.Errorf("%d documents, %v", n, err)
	}
}

// Every JSON document parses strictly, whatever a package says of itself.
func TestHostileMetadata(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{
		id: "Hostile", version: "1.0.0", description: "quote \" backslash \\ tab \t &#x2028; &lt;script&gt; \U0001F36B end",
		meta: `<title>"},{"</title><tags>&lt;a&gt; "b</tags><iconUrl>https://example.org/&quot;x</iconUrl><projectUrl>https://example.org/</projectUrl>
    <dependencies><dependency id="A.B" version="[1.0.0, 2.0.0)" /></dependencies>`,
	})
	for _, path := range []string{"/v3/reg/hostile/index.json", "/v3/query?q=hostile"} {
		a := s.get(path).is(200)
		if !json.Valid(a.body) || !strings.Contains(string(a.body), `quote \" backslash \\ tab \t`) || !strings.Contains(string(a.body), "\U0001F36B") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

// With requests for made-up hosts beyond those that wait, the rest are told to
// come again.
// A large document is the same in both forms, and never whole in memory for who
// does not take gzip.
func TestLargePlainDocument(t *testing.T) {
	t.Parallel()
	s := start(t)
	spec := somePackage("1.0.0")
	for i := range 5_000 {
		spec.files[fmt.Sprintf("content/%d.txt", i)] = nil
	}
	s.push(spec)
	leaf := ""
	for _, path := range s.documents() {
		if strings.Contains(path, "/catalog/data/") {
			leaf = path
		}
	}
	packed := s.get(leaf, "Accept-Encoding", "gzip").is(200).has("Content-Encoding", "gzip")
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(z)
	if err != nil || len(want) < 2*maxPlainBuffer {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	if got := s.get(leaf).is(200).has("Content-Length", strconv.Itoa(len(want))); !bytes.Equal(got.body, want) {
		t.Error("the plain form is another document")
	}
	if got := s.do("HEAD", leaf, nil).is(200).has("Content-Length", strconv.Itoa(len(want))); len(got.body) > 0 {
		t.Error("HEAD has a body")
	}
	r := httptest.NewRequest("GET", leaf, nil)
	r.Host = strings.TrimPrefix(s.url, "http://")
	w := &discarded{header: http.Header{}}
	s.server.ServeHTTP(w, r)
	if w.most == 0 || w.most > 64<<10 {
		t.Errorf("the plain form is written in pieces of up to %d bytes", w.most)
	}
}

// discarded knows the largest piece that was written to it.
type discarded struct {
	header http.Header
	most   int
}

func (d *discarded) Header() http.Header { return d.header }
func (d *discarded) WriteHeader(int)     {}
func (d *discarded) Write(p []byte) (int, error) {
	d.most = max(d.most, len(p))
	return len(p), nil
}

// Large answers that slow readers take their time over are bounded together.
func TestLargeAnswersAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	random := rand.NewChaCha8([32]byte{})
	for i := range 20 {
		text := make([]byte, 1900)
		random.Read(text)
		s.push(pack{id: fmt.Sprintf("Large.Package%d", i), version: "1.0.0", description: hex.EncodeToString(text)})
	}
	const all, one = "/v3/query?q=large&take=20", "/v3/query?q=large&take=1"
	s.get(all).is(200)
	for s.server.answers.Load() != 0 { // sent, and about to be forgotten
		time.Sleep(time.Millisecond)
	}
	s.server.answers.Add(largeAnswers)
	s.get(all).is(503).has("Retry-After", "2")
	s.get(one).is(200)
	s.server.answers.Add(-largeAnswers)
	s.get(all).is(200)
}

func TestManyStrangersAreToldToWait(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(somePackage("1.0.0"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 60 {
		wg.Go(func() {
			r, _ := http.NewRequest("GET", s.url+"/v3/reg/some.package/index.json", nil)
			r.Host = fmt.Sprintf("host-%d.example", i)
			res, err := plainClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			if res.StatusCode == 503 && res.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			mu.Lock()
			statuses[res.StatusCode]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if statuses[200]+statuses[503] != 60 || statuses[200] == 0 {
		t.Errorf("answers %v", statuses)
	}
}
