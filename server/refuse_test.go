package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nougat/gallery"
)

// chunkedPush sends the head of a push and then n bytes in chunks, never
// looking at the answer, as NuGet's clients do; at the end it reads the answer.
func (s *testSite) chunkedPush(head string, n int, trickle time.Duration) (*answer, error) {
	s.Helper()
	return s.chunkedPushTo("/v3/package/", head, n, trickle)
}

func (s *testSite) chunkedPushTo(path, head string, n int, trickle time.Duration) (*answer, error) {
	s.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n", path, s.addr, head)
	chunk := bytes.Repeat([]byte("x"), 80_000)
	for sent := 0; sent < n; sent += len(chunk) {
		chunk = chunk[:min(len(chunk), n-sent)]
		if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", len(chunk), chunk); err != nil {
			return nil, fmt.Errorf("after %d bytes: %w", sent, err)
		}
		time.Sleep(trickle)
	}
	if _, err := io.WriteString(c, "0\r\n\r\n"); err != nil {
		return nil, err
	}
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: "PUT"})
	if err != nil {
		return nil, err
	}
	a := read(s, res)
	if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("after the answer came %q, %v", rest, err)
	}
	return a, nil
}

// PROTO-6.1 and PROTO-13.12: a client that is refused sends on to the end,
// and then must find the answer.
func TestEarlyRefusalIsReadAfter100MB(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, err := s.chunkedPush("X-NuGet-ApiKey: wrong\r\nContent-Type: application/octet-stream\r\n", 100<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.is(403).has("X-Nuget-Warning", "This API key is not known here, was revoked, or has expired.")
	if a.reason != "This API key is not known here, was revoked, or has expired." {
		t.Errorf("reason %q", a.reason)
	}
}

// PROTO-13.12 and PROTO-13.19: a push to the site's own address, to a feed's,
// or to one that other servers have, is told the right one, however large it is.
func TestMisdirectedPush(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true, MaxBytes: 1 << 20}, gallery.FeedOptions{Name: "team", MaxBytes: 1 << 20}))
	for path, c := range map[string]struct {
		status int
		feed   string
	}{
		"/": {405, ""}, "/nuget/": {405, ""}, "/v3/index.json/": {405, ""}, "/api/v2/": {405, ""}, "/nuget/v2/package/": {404, ""}, "/v3/symbolpackage/": {404, ""},
		"/team/": {405, "/team"}, "/team/v3/": {405, "/team"}, "/team/nothing": {404, "/team"},
	} {
		a, err := s.chunkedPushTo(path, "X-NuGet-ApiKey: "+s.key+"\r\n", 8<<20, 0)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		want := "The address of this source is " + s.url + c.feed + "/v3/index.json (NuGet V3)."
		if a.status != c.status || a.reason != want || a.header.Get("X-NuGet-Warning") != want || string(a.body) != want+"\n" || (c.status == 405) != (a.header.Get("Allow") != "") {
			t.Errorf("%s: %d %s, %v", path, a.status, a.reason, a.header)
		}
	}
	for path, feed := range map[string]string{"/Some.Package/1.0.0": "", "/team/Some.Package/1.0.0": "/team"} { // an unlist
		if a := s.do("DELETE", path, nil).is(404); a.reason != "The address of this source is "+s.url+feed+"/v3/index.json (NuGet V3)." {
			t.Errorf("DELETE %s: %s", path, a.reason)
		}
	}
	s.get("/nothing", "Connection", "keep-alive").is(404).lacks("Connection")
}

// The answer is there while the body is still on its way.
func TestEarlyRefusalIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\nsome")
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: "PUT"})
	if err != nil {
		t.Fatal(err)
	}
	a := read(t, res).is(401)
	if !strings.HasPrefix(a.reason, "No API key or password was sent.") || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("reason %q, header %v", a.reason, a.header)
	}
	for range 10 {
		if _, err := c.Write(make([]byte, 1<<20)); err != nil {
			t.Fatalf("the server stopped reading: %v", err)
		}
	}
}

// what is asked before the body, in its order. Each request has what its
// rule refuses and what all rules after it would refuse.
func TestOrderOfEarlyRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true, MaxBytes: 1 << 20}, gallery.FeedOptions{Name: "team", MaxBytes: 1 << 20}))
	s.account("len", "quite another phrase")
	ofLocked := s.newKey(gallery.NewKey{Owner: "len", Scopes: gallery.ScopeRead})
	s.lock("len")
	const length, coded = "Content-Length: 99000000\r\n", "Content-Encoding: gzip\r\n"
	for _, c := range []struct {
		name, key, header string
		status            int
		reason            string
	}{
		{"no credentials", "", length + coded, 401, "No API key or password was sent."},
		{"unknown key", "az", length + coded, 403, "This API key is not known here"},
		{"locked owner", ofLocked, length + coded, 403, "The account len is locked."},
		{"key of another feed", s.newKey(gallery.NewKey{Feed: "team", Scopes: gallery.ScopeRead}), length + coded, 403, "This key belongs to the feed team"},
		{"no push scope", s.newKey(gallery.NewKey{Scopes: gallery.ScopeRead | gallery.ScopeUnlist}), length + coded, 403, "This key may not push packages. It allows: unlist, read on *."},
		{"too long", s.key, length + coded, 413, "The package is larger than 1 MB."},
		{"compressed", s.key, "Content-Length: 6\r\n" + coded, 415, "What was sent has a Content-Encoding."},
		{"nothing of all this", s.key, "Content-Length: 6\r\nContent-Encoding: identity\r\n", 400, "This is not a readable .nupkg file"},
	} {
		if c.key != "" {
			c.key = "X-NuGet-ApiKey: " + c.key + "\r\n"
		}
		a := s.raw("PUT /v3/package HTTP/1.1\r\nHost: a\r\n"+c.key+c.header+"\r\nno zip", 1)[0]
		if a.status != c.status || !strings.HasPrefix(a.reason, c.reason) || a.header.Get("X-NuGet-Warning") != a.reason {
			t.Errorf("%s: %d %s, warning %q; want %d %s", c.name, a.status, a.reason, a.header.Get("X-NuGet-Warning"), c.status, c.reason)
		}
	}
}

func TestRefusalByLengthAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := "PUT /v3/package HTTP/1.1\r\nHost: a\r\nX-NuGet-ApiKey: " + s.key + "\r\nContent-Length: 9000000000\r\n\r\n"
	a := s.raw(r, 1)[0].is(413)
	if a.reason != "The package is larger than 250 MB." {
		t.Errorf("reason %q", a.reason)
	}
}

// A body that turns out too large is refused when the limit is passed; 251 MiB
// come chunked, without a length.
func TestBodyOf251MiB(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it writes 250 MiB")
	}
	s := start(t)
	a, err := s.chunkedPush("X-NuGet-ApiKey: "+s.key+"\r\nContent-Type: application/octet-stream\r\n", 251<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.is(413).has("X-Nuget-Warning", "The package is larger than 250 MB.")
}

func TestSmallerLimitOfAFeed(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true, MaxBytes: 10_000}))
	a, err := s.chunkedPush("X-NuGet-ApiKey: "+s.key+"\r\n", 3<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.is(413)
	if a.reason != "The package is larger than 10 KB." {
		t.Errorf("reason %q", a.reason)
	}
}

// With Expect: 100-continue and a refusal there is neither leave to send nor a
// body to throw away.
func TestRefusalInsteadOfContinue(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *testSite) {
		begin := time.Now()
		conn := s.connect(t)
		io.WriteString(conn, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nX-NuGet-ApiKey: wrong\r\nExpect: 100-continue\r\nContent-Length: 400000\r\n\r\n")
		all, err := io.ReadAll(conn)
		if got := string(all); err != nil || !strings.HasPrefix(got, "HTTP/1.1 403 This API key") || strings.Contains(got, "100 Continue") {
			t.Errorf("got %q, %v", got, err)
		}
		if d := time.Since(begin); d > continueLinger+time.Second { // net/http lingers for half a second
			t.Errorf("the connection was held for %v", d)
		}
	})
}

func TestContinueForAGoodPush(t *testing.T) {
	t.Parallel()
	s := start(t)
	body, kind := form(pack{id: "Foo", version: "1.0.0"}.nupkg(t))
	got := exchange(t, s.addr, fmt.Sprintf("PUT /v3/package HTTP/1.1\r\nHost: %s\r\nX-NuGet-ApiKey: %s\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		s.addr, s.key, kind, body.Len(), body))
	if !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n") {
		t.Errorf("got %q", got)
	}
}

// A late refusal has the body behind it: the connection goes on.
func TestTwoRefusalsOnOneConnection(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Foo", version: "1.0.0"})
	one := func(data []byte) string {
		body, kind := form(data)
		return fmt.Sprintf("PUT /v3/package/ HTTP/1.1\r\nHost: %s\r\nX-NuGet-ApiKey: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", s.addr, s.key, kind, body.Len(), body)
	}
	got := s.raw(one(pack{id: "Foo", version: "1.0.0"}.nupkg(t))+one([]byte("no zip"))+one(pack{id: "Foo", version: "1.0.1"}.nupkg(t)), 3)
	if a := got[0].is(409); a.reason != "Foo 1.0.0 is already here and cannot be replaced. Publish a new version." {
		t.Errorf("reason %q", a.reason)
	}
	if a := got[1].is(400); !strings.HasPrefix(a.reason, "This is not a readable .nupkg file") {
		t.Errorf("reason %q", a.reason)
	}
	if a := got[2].is(201); a.reason != "Created" {
		t.Errorf("reason %q", a.reason)
	}
}

// clients that say nothing, trickle, or are slow but steady. The times are
// those of the program.
func TestSlowUploads(t *testing.T) {
	// say sends pieces, one every seven seconds.
	say := func(c net.Conn, times, bytes int) {
		for range times {
			time.Sleep(7 * time.Second)
			if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", bytes, strings.Repeat("x", bytes)); err != nil {
				return
			}
		}
	}
	silent := func(net.Conn) {}
	trickling := func(c net.Conn) { say(c, 600, 20) }
	slower := func(c net.Conn) { // the first window is full, the next is not
		fmt.Fprintf(c, "%x\r\n%s\r\n", 100<<10, strings.Repeat("x", 100<<10))
		trickling(c)
	}
	steady := func(c net.Conn) { // for seven minutes
		say(c, 60, 12_000)
		io.WriteString(c, "0\r\n\r\n")
	}
	for _, c := range []struct {
		name, key string
		send      func(net.Conn)
		status    int
		answered  time.Duration
		gone      time.Duration // the connection ends then, without the body having been read; 0: it goes on
	}{
		{"silent with a length", "GOOD\r\nContent-Length: 1000", silent, 408, 30 * time.Second, 30 * time.Second},
		{"refused with a length", "wrong\r\nContent-Length: 1000", silent, 403, 0, 30 * time.Second},
		{"silent", "GOOD", silent, 408, 30 * time.Second, 30 * time.Second},
		{"trickling", "GOOD", trickling, 408, 60 * time.Second, 60 * time.Second},
		{"fast and then trickling", "GOOD", slower, 408, 123 * time.Second, 123 * time.Second}, // 63 seconds, and a minute
		{"refused and then silent", "wrong", silent, 403, 0, 30 * time.Second},
		{"refused and then trickling", "wrong", trickling, 403, 0, 60 * time.Second},
		{"slow but steady", "GOOD", steady, 400, 420 * time.Second, 0},
		{"refused, slow but steady", "wrong", steady, 403, 0, 420 * time.Second}, // to its end
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *testSite) {
				conn := s.connect(t)
				begin := time.Now()
				head := strings.Replace(c.key, "GOOD", s.key, 1)
				if !strings.Contains(head, "Content-Length") {
					head += "\r\nTransfer-Encoding: chunked"
				}
				fmt.Fprintf(conn, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nX-NuGet-ApiKey: %s\r\n\r\n", head)
				sent := make(chan struct{})
				go func() { c.send(conn); close(sent) }()
				br := bufio.NewReader(conn)
				res, err := http.ReadResponse(br, &http.Request{Method: "PUT"})
				if err != nil {
					t.Fatal(err)
				}
				a := read(t, res).is(c.status)
				if took := time.Since(begin); took != c.answered {
					t.Errorf("answered after %v, want %v", took, c.answered)
				}
				if c.status == 408 && !strings.HasPrefix(a.reason, "The upload was too slow") {
					t.Errorf("reason %q", a.reason)
				}
				conn.SetReadDeadline(begin.Add(24 * time.Hour))
				if _, err := io.ReadAll(br); err != nil && isTimeout(err) {
					t.Error("the connection is still open")
				}
				// net/http lingers for half a second.
				if took := time.Since(begin); c.gone != 0 && (took < c.gone || took > c.gone+time.Second) {
					t.Errorf("the connection ended after %v, want %v", took, c.gone)
				}
				conn.Close()
				<-sent
			})
		})
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// More refused uploads than are read at once end without being read, but are
// answered.
func TestTooManyDiscards(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *testSite) {
		begin := time.Now()
		dial := func() (net.Conn, *bufio.Reader) {
			c := s.connect(t)
			io.WriteString(c, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
			br := bufio.NewReader(c)
			res, err := http.ReadResponse(br, &http.Request{Method: "PUT"})
			if err != nil {
				t.Fatal(err)
			}
			read(t, res).is(401)
			return c, br
		}
		first, br := dial()
		synctest.Wait()
		if len(s.server.discards) == 0 {
			t.Fatal("the body is not being thrown away")
		}
		_, second := dial()
		if _, err := io.ReadAll(second); err != nil || time.Since(begin) > time.Second {
			t.Errorf("a body beyond the bound is waited for %v; %v", time.Since(begin), err)
		}
		if _, err := first.Write(make([]byte, 1000000)); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
			t.Errorf("the first ended with %q, %v", rest, err)
		}
	}, siteOptions{before: func(s *Server) { s.discards = make(chan struct{}, 1) }})
}

// A package that was cut off on its way is refused and leaves nothing.
func TestTruncatedUploads(t *testing.T) {
	t.Parallel()
	s := start(t)
	body, kind := form(pack{id: "Foo", version: "1.0.0"}.nupkg(t))
	whole := body.String()
	head := "PUT /v3/package/ HTTP/1.1\r\nHost: " + s.addr + "\r\nX-NuGet-ApiKey: " + s.key + "\r\nContent-Type: " + kind + "\r\n"
	for name, request := range map[string]string{
		"without its last boundary": head + fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(whole)-10, whole[:len(whole)-10]),
		"in the middle, chunked":    head + fmt.Sprintf("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(whole)/2, whole[:len(whole)/2]),
	} {
		a := s.raw(request, 1)[0].is(400)
		if !strings.HasPrefix(a.reason, "The upload is not a complete multipart form") {
			t.Errorf("%s: reason %q", name, a.reason)
		}
	}
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(whole), whole[:len(whole)/2])
	c.(*net.TCPConn).CloseWrite()
	c.SetDeadline(time.Now().Add(time.Minute))
	got, _ := io.ReadAll(c)
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 400 The upload ended before the package was complete.")) {
		t.Errorf("a client that left: %.200q", got)
	}
	c.Close()
	s.get("/v3/flat/foo/index.json").is(404)
}

// 64 KiB of request head and 15 s for it are net/http's to hold; ours to set.
func TestHeadLimits(t *testing.T) {
	t.Parallel()
	s := start(t)
	big := "GET /v3/index.json HTTP/1.1\r\nHost: a\r\nX-Big: " + strings.Repeat("x", 80<<10) + "\r\n\r\n"
	s.raw(big, 1)[0].is(431)
	fits := "GET /v3/index.json HTTP/1.1\r\nHost: a\r\nX-Big: " + strings.Repeat("x", 50<<10) + "\r\n\r\n"
	s.raw(fits, 1)[0].is(200)
	h := s.server.http
	if h.ReadHeaderTimeout != 15*time.Second || h.IdleTimeout != 180*time.Second || h.ReadTimeout != 0 || h.WriteTimeout != 0 {
		t.Errorf("timeouts: head %v, idle %v, read %v, write %v", h.ReadHeaderTimeout, h.IdleTimeout, h.ReadTimeout, h.WriteTimeout)
	}
}
