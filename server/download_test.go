package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
)

// bigPackage is larger than what is sent from a buffer.
func bigPackage(id string, size int) pack {
	noise := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(noise)
	return pack{id: id, version: "1.0.0", files: map[string][]byte{"content/noise.bin": noise}}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, p := range []pack{{id: "Small", version: "1.0.0"}, bigPackage("Large", 1_500_000), bigPackage("Edge", docs.SmallPackage-1000)} {
		row(t, s, p.id, func(t *testing.T, s *testSite) {
			data := p.nupkg(t)
			s.push(p)
			path := "/v3/flat/" + strings.ToLower(p.id) + "/1.0.0/" + strings.ToLower(p.id) + ".1.0.0.nupkg"
			whole := s.get(path).is(200).has("Content-Length", fmt.Sprint(len(data))).has("Accept-Ranges", "bytes").has("Content-Type", "application/octet-stream").
				has("Cache-Control", "public, max-age=31536000, immutable").has("Access-Control-Allow-Origin", "*")
			whole.has("Content-Disposition", "attachment; filename="+strings.ToLower(p.id)+".1.0.0.nupkg") // PROTO-13.43
			if !bytes.Equal(whole.body, data) {
				t.Fatal("other bytes came")
			}
			tag := whole.header.Get("ETag")
			if tag == "" || strings.HasPrefix(tag, "W/") || whole.header.Get("Last-Modified") == "" {
				t.Errorf("ETag %q, Last-Modified %q", tag, whole.header.Get("Last-Modified"))
			}
			s.do("HEAD", path, nil).is(200).has("Content-Length", fmt.Sprint(len(data))).has("ETag", tag)
			s.get(path, "If-None-Match", tag).is(304).has("ETag", tag).has("Cache-Control", "public, max-age=31536000, immutable")
			s.get(path, "If-None-Match", `"x"`).is(200)
			s.get(path, "If-Match", `"x"`).is(412).has("Cache-Control", "no-store")
			s.get(path, "If-Modified-Since", whole.header.Get("Last-Modified")).is(304)
			part := s.get(path, "Range", "bytes=100-199").is(206).has("Content-Range", fmt.Sprintf("bytes 100-199/%d", len(data))).has("Content-Length", "100")
			if !bytes.Equal(part.body, data[100:200]) {
				t.Error("another part came")
			}
			rest := s.get(path, "Range", "bytes=100-", "If-Range", tag).is(206)
			if !bytes.Equal(rest.body, data[100:]) {
				t.Error("another rest came")
			}
			s.get(path, "Range", "bytes=100-", "If-Range", `"x"`).is(200)
			s.get(path, "Range", fmt.Sprintf("bytes=%d-", len(data))).is(416).has("Cache-Control", "no-store")
		})
	}
}

// GAL-B19: complete answers and the first range of one in pieces are counted; HEAD,
// 304, later ranges and answers that broke off are not.
func TestDownloadsAreCounted(t *testing.T) {
	t.Parallel()
	over := make(chan string, 1000) // the other ends of connections whose last request has been answered
	s := start(t, siteOptions{before: func(s *Server) {
		s.http.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				over <- c.RemoteAddr().String()
			}
		}
	}})
	for _, id := range []string{"Small", "Large"} {
		row(t, s, id, func(t *testing.T, s *testSite) {
			size := 1000
			if id == "Large" {
				size = 40 << 20 // more than the connection's buffers hold
			}
			s.push(bigPackage(id, size))
			lid := strings.ToLower(id)
			path := "/v3/flat/" + lid + "/1.0.0/" + lid + ".1.0.0.nupkg"
			tag := s.get(path).is(200).header.Get("ETag") // 1
			s.get("/api/v2/package/" + id).is(200)        // 2
			s.do("HEAD", path, nil).is(200)
			s.get(path, "If-None-Match", tag).is(304)
			s.get(path, "Range", "bytes=0-99").is(206) // 3
			s.get(path, "Range", "bytes=100-").is(206)
			s.get(path, "Range", "bytes=99999999999-").is(416)
			s.get("/v3/flat/" + lid + "/1.0.0/" + lid + ".nuspec").is(200)
			if id == "Large" {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
				io.ReadFull(c, make([]byte, 1000))
				c.(*net.TCPConn).SetLinger(0)
				from := c.LocalAddr().String()
				c.Close()
				for ended := time.After(time.Minute); from != ""; {
					select {
					case addr := <-over:
						if addr == from {
							from = ""
						}
					case <-ended:
						t.Fatal("the download that broke off does not end")
					}
				}
			}
			total, _, err := s.gallery.DownloadsOf(context.Background(), s.gallery.Feeds()[0], id)
			if err != nil || total != 3 {
				t.Errorf("%d downloads are counted, want 3; %v", total, err)
			}
		})
	}
	if err := s.gallery.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := s.get("/v3/query?q=packageid:small").json()["data"].([]any)[0].(map[string]any)["totalDownloads"]; got != float64(3) {
		t.Errorf("search shows %v downloads", got)
	}
}

// A feed that may replace versions promises nothing about bytes.
func TestReplacingFeedIsNotImmutable(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true}, gallery.FeedOptions{Name: "ci", Kind: gallery.TestFeed, Replace: true, OpenToRead: true}))
	s.pushToFeed("ci", pack{id: "Foo", version: "1.0.0", description: "one"})
	const path = "/ci/v3/flat/foo/1.0.0/foo.1.0.0.nupkg"
	before := s.get(path).is(200).has("Cache-Control", "public, no-cache")
	s.get("/ci/v3/flat/foo/1.0.0/foo.nuspec").is(200).has("Cache-Control", "public, no-cache")
	leaf := s.get("/ci/v3/reg/foo/1.0.0.json").is(200).json()["catalogEntry"].(string)
	s.do("GET", leaf, nil).is(200)
	s.pushToFeed("ci", pack{id: "Foo", version: "1.0.0", description: "another"})
	s.do("GET", leaf, nil).is(404) // what it was is gone
	after := s.get(path, "If-None-Match", before.header.Get("ETag")).is(200)
	if bytes.Equal(before.body, after.body) {
		t.Error("the version was not replaced")
	}
	if a := s.get("/ci/v3/reg/foo/index.json").is(200); !bytes.Contains(a.body, []byte(`"another"`)) {
		t.Error("the registration is old")
	}
	for _, item := range s.get("/ci/v3/catalog/page0.json").is(200).json()["items"].([]any)[1:] {
		s.do("GET", item.(map[string]any)["@id"].(string), nil).is(200)
	}
}

// What a package holds is served as what it is and cannot act (PROTO-2).
func TestFilesOutOfPackages(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := somePackage("1.0.0")
	s.push(p)
	s.push(pack{id: "Bare", version: "1.0.0"})
	for file, kind := range map[string]string{
		"icon": "image/png", "readme": "text/markdown; charset=utf-8", "license": "text/plain; charset=utf-8", "some.package.nuspec": "application/xml",
		"ICON": "image/png", "ReadMe": "text/markdown; charset=utf-8", "Some.Package.NUSPEC": "application/xml",
	} {
		a := s.get("/v3/flat/some.package/1.0.0/"+file).is(200).has("Content-Type", kind).has("X-Content-Type-Options", "nosniff").
			has("Content-Security-Policy", "default-src 'none'; sandbox").has("Cache-Control", "public, max-age=31536000, immutable")
		s.get("/v3/flat/some.package/1.0.0/"+file, "If-None-Match", a.header.Get("ETag")).is(304)
		if want := p.files[map[string]string{"icon": "icon.png", "readme": "docs/readme.md", "license": "LICENSE.txt"}[strings.ToLower(file)]]; want != nil && !bytes.Equal(a.body, want) {
			t.Errorf("%s: %q", file, a.body)
		}
	}
	for _, path := range []string{"/v3/flat/bare/1.0.0/icon", "/v3/flat/bare/1.0.0/readme", "/v3/flat/bare/1.0.0/license", "/v3/flat/some.package/1.0.0/lib", "/v3/flat/some.package/1.0.0/x.dll",
		"/v3/flat/some.package/9.0.0/icon", "/v3/flat/nothing/1.0.0/nothing.nuspec", "/v3/flat/some.package/1.0.0/..%2f..%2fetc", "/v3/flat/some.package/1.0.0/.nupkg", "/v3/flat/some.package/1.0.0"} {
		s.get(path).is(404).has("Cache-Control", "no-store")
	}
}

// A reader that takes nothing does not hold the connection for ever, one that
// is slow gets everything: the deadline is set anew for each piece.
func TestWriteDeadlineIsRenewed(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	c := &conn{Conn: server, slots: make(chan struct{}, 1)}
	go io.Copy(io.Discard, client)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	first := c.until
	if d := time.Until(first); d < writeRenew || d > writePatience {
		t.Errorf("the deadline is in %v", d)
	}
	c.Write([]byte("x"))
	if c.until != first {
		t.Error("the deadline was moved though it is far")
	}
	c.until = time.Now().Add(writeRenew / 2)
	if _, err := c.ReadFrom(strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if time.Until(c.until) < writeRenew {
		t.Error("the deadline was not moved")
	}
}

// The handler's way of writing keeps files open to sendfile, through the server
// as it is.
func TestLargeDownloadIsAFileToTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(bigPackage("Large", 1_500_000))
	h, err := s.gallery.Head(context.Background(), s.gallery.Feeds()[0], "large", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spy := &spyListener{Listener: inner}
	srv := &http.Server{Handler: s.server, ConnContext: connContext}
	go srv.Serve(newListener(spy, maxConnections()))
	defer srv.Close()
	res, err := http.Get("http://" + inner.Addr().String() + "/v3/flat/large/1.0.0/large.1.0.0.nupkg")
	if err != nil {
		t.Fatal(err)
	}
	read(t, res).is(200)
	srv.Shutdown(context.Background()) // the handler has counted
	if n := spy.fromFiles.Load(); n < h.Size-512 {
		t.Errorf("%d bytes of %d came to the connection as a file", n, h.Size)
	}
}
