package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"nougat/gallery"
)

// BenchmarkHotReads measures the reads of PERF-5.1 to PERF-5.5: one
// client on one kept connection, so the figure is a request's whole time on the
// loopback, of which net/http and the kernel have the larger part.
func BenchmarkHotReads(b *testing.B) {
	s := start(b, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true}, gallery.FeedOptions{Name: "closed"}))
	for i := range 5 {
		s.push(pack{id: "Five", version: fmt.Sprintf("1.%d.0", i)})
	}
	for i := range 130 {
		s.push(pack{id: "Many", version: fmt.Sprintf("1.%d.0", i)})
	}
	s.push(bigPackage("Ten.K", 9_000))
	s.push(bigPackage("One.M", 1_000_000))
	tag := s.get("/v3/reg-gz-semver2/five/index.json", "Accept-Encoding", "gzip, deflate").header.Get("ETag")
	for _, c := range []struct{ name, path, header string }{
		{"service index", "/v3/index.json", ""},
		{"flat index", "/v3/flat/five/index.json", ""},
		{"flat index, many", "/v3/flat/many/index.json", ""},
		{"registration index", "/v3/reg-gz-semver2/five/index.json", ""},
		{"registration index, many", "/v3/reg-gz-semver2/many/index.json", ""},
		{"registration page", "/v3/reg-gz-semver2/many/page/1.0.0/1.63.0.json", ""},
		{"registration leaf", "/v3/reg-gz-semver2/five/1.0.0.json", ""},
		{"registration index, plain", "/v3/reg/five/index.json", "Accept-Encoding: identity\r\n"},
		{"unknown ID", "/v3/flat/unknown/index.json", ""},
		{"unchanged", "/v3/reg-gz-semver2/five/index.json", "If-None-Match: " + tag + "\r\n"},
		{"challenge", "/closed/v3/flat/five/index.json", ""},
		{"search, repeated", "/v3/query?q=five&skip=0&take=20&prerelease=false&semVerLevel=2.0.0", ""},
		{"nupkg 10 KB", "/v3/flat/ten.k/1.0.0/ten.k.1.0.0.nupkg", ""},
		{"nupkg 1 MB", "/v3/flat/one.m/1.0.0/one.m.1.0.0.nupkg", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			if !strings.Contains(c.header, "Accept-Encoding") {
				c.header += "Accept-Encoding: gzip, deflate\r\n"
			}
			request := []byte("GET " + c.path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nUser-Agent: NuGet .NET Core MSBuild Task/7.9.0 (LINUX)\r\nX-NuGet-Session-Id: 5b0c1b0e-7e46-4bd0-8b1e-6f1c7ad4a9a1\r\n" + c.header + "\r\n")
			br := bufio.NewReaderSize(conn, 64<<10)
			var body int64
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					b.Fatal(err)
				}
				if body, err = io.Copy(io.Discard, res.Body); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(body)
		})
	}
}

// BenchmarkHandlers measures what is ours of them: everything between net/http
// calling the handler and the handler writing.
func BenchmarkHandlers(b *testing.B) {
	s := start(b, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true}, gallery.FeedOptions{Name: "closed"}))
	for i := range 5 {
		s.push(pack{id: "Five", version: fmt.Sprintf("1.%d.0", i)})
	}
	s.push(bigPackage("Ten.K", 9_000))
	for _, c := range []struct{ name, path string }{
		{"service index", "/v3/index.json"},
		{"flat index", "/v3/flat/five/index.json"},
		{"registration index", "/v3/reg-gz-semver2/five/index.json"},
		{"registration leaf", "/v3/reg-gz-semver2/five/1.0.0.json"},
		{"unknown ID", "/v3/flat/unknown/index.json"},
		{"challenge", "/closed/v3/flat/five/index.json"},
		{"nupkg 10 KB", "/v3/flat/ten.k/1.0.0/ten.k.1.0.0.nupkg"},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := http.NewRequest("GET", c.path, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Host, r.Body = s.addr, http.NoBody
			r.Header.Set("Accept-Encoding", "gzip, deflate")
			b.ReportAllocs()
			for b.Loop() {
				w := nullWriter{h: make(http.Header)}
				s.server.ServeHTTP(&w, r)
			}
		})
	}
}

type nullWriter struct {
	h      http.Header
	status int
}

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }

// BenchmarkPush measures a push of a small package with a key, from the request
// to the answer, its disk included.
func BenchmarkPush(b *testing.B) {
	s := start(b)
	var bodies [][]byte
	var kinds []string
	for i := range b.N {
		body, kind := form(pack{id: "Pushed." + fmt.Sprint(i%100), version: fmt.Sprintf("1.%d.0", i/100)}.nupkg(b))
		bodies, kinds = append(bodies, body.Bytes()), append(kinds, kind)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, body := range bodies {
		r, err := http.NewRequest("PUT", "/v3/package", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Host = s.addr
		r.Header.Set("Content-Type", kinds[i])
		r.Header.Set("X-NuGet-ApiKey", s.key)
		w := nullWriter{h: make(http.Header)}
		if s.server.ServeHTTP(&w, r); w.status != http.StatusCreated {
			b.Fatal(w.status)
		}
	}
}
