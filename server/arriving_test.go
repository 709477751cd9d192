package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
)

// slowPush sends the head of a push and some of its body, and then waits for
// next before it sends each further piece.
func (s *testSite) slowPush(t *testing.T, key string) (conn net.Conn, answered func() *answer) {
	t.Helper()
	conn = s.connect(t)
	conn.SetDeadline(time.Now().Add(time.Minute))
	body, kind := form(pack{id: "Arriving", version: "1.0.0"}.nupkg(t))
	fmt.Fprintf(conn, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nX-NuGet-ApiKey: %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", key, kind)
	fmt.Fprintf(conn, "%x\r\n%s\r\n", body.Len()-1, body.Bytes()[:body.Len()-1])
	return conn, func() *answer {
		t.Helper()
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "PUT"})
		if err != nil {
			t.Fatal(err)
		}
		return read(t, res)
	}
}

// A push whose sender loses the right to it while it arrives is answered at once,
// although the sender says nothing more, and nothing stays.
func TestRefusedWhileArriving(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(s *testSite, id string) error
		want   string
	}{
		{"revoked", func(s *testSite, id string) error {
			return s.gallery.RevokeKey(context.Background(), gallery.Operator(), id)
		}, "This API key is not known here, was revoked, or has expired."},
		{"locked", func(s *testSite, _ string) error {
			_, err := s.gallery.SetLocked(context.Background(), gallery.Operator(), "eve", true)
			return err
		}, "The account eve is locked. Contact an administrator."},
		{"removed", func(s *testSite, _ string) error {
			_, err := s.gallery.RemoveAccount(context.Background(), gallery.Operator(), "eve")
			return err
		}, "This API key is not known here, was revoked, or has expired."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.account("eve", "quite another phrase")
			key := s.newKey(gallery.NewKey{Owner: "eve"})
			conn, answer := s.slowPush(t, key)
			s.waitForUploads(t, 1)
			if err := tt.change(s, s.publicID(key)); err != nil {
				t.Fatal(err)
			}
			if a := answer().is(403); a.reason != tt.want {
				t.Errorf("reason %q, want %q", a.reason, tt.want)
			}
			s.waitForUploads(t, 0)
			// Clients go on sending until they have read the answer, and show
			// "connection reset" when they cannot (PROTO-6.1).
			for range 100 {
				if _, err := fmt.Fprintf(conn, "4000\r\n%s\r\n", strings.Repeat("x", 0x4000)); err != nil {
					t.Fatalf("the client cannot go on sending: %v", err)
				}
			}
			s.get("/v3/flat/arriving/index.json").is(404)
		})
	}
}

// waitForUploads waits until so many uploads are arriving.
func (s *testSite) waitForUploads(t *testing.T, n int) {
	t.Helper()
	for until := time.Now().Add(time.Minute); s.gallery.Uploads() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d uploads are arriving, want %d", s.gallery.Uploads(), n)
		}
	}
}

// An upload lives at most an hour in all, however steadily it trickles.
func TestUploadLife(t *testing.T) {
	for _, name := range []string{"good", "refused"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *testSite) {
				begin := time.Now()
				key := s.key
				if name == "refused" {
					key = "wrong"
				}
				conn := s.connect(t)
				fmt.Fprintf(conn, "PUT /v3/package HTTP/1.1\r\nHost: a\r\nX-NuGet-ApiKey: %s\r\nTransfer-Encoding: chunked\r\n\r\n", key)
				sent := make(chan error)
				go func() { // twice what must come in a minute
					piece := fmt.Sprintf("%x\r\n%s\r\n", 128<<10/6, strings.Repeat("x", 128<<10/6))
					for {
						time.Sleep(10 * time.Second)
						if _, err := io.WriteString(conn, piece); err != nil {
							sent <- err
							return
						}
					}
				}()
				res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "PUT"})
				if err != nil {
					t.Fatal(err)
				}
				a := read(t, res)
				if name == "refused" {
					a.is(403)
				} else if a.is(408); !strings.HasPrefix(a.reason, "The upload took more than an hour.") {
					t.Errorf("reason %q", a.reason)
				}
				<-sent
				if took := time.Since(begin); took < time.Hour || took > time.Hour+time.Minute {
					t.Errorf("the connection ended after %v", took)
				}
			})
		})
	}
}

// A refused upload gives its account's places back at once, however long its
// sender goes on.
func TestRefusedUploadHoldsNoPlace(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.account("eve", "quite another phrase")
	bad, good := s.newKey(gallery.NewKey{Owner: "eve"}), s.newKey(gallery.NewKey{Owner: "eve"})
	const many = 20 // more than an account has in hand
	var answers []func() *answer
	for range many {
		_, answered := s.slowPush(t, bad)
		answers = append(answers, answered)
	}
	s.waitForUploads(t, many)
	if err := s.gallery.RevokeKey(context.Background(), gallery.Operator(), s.publicID(bad)); err != nil {
		t.Fatal(err)
	}
	for _, answered := range answers[:many/2] {
		answered().is(403)
	}
	s.waitForUploads(t, 0)
	body, kind := form(pack{id: "Eves.Own", version: "1.0.0"}.nupkg(t))
	s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", good).is(201)
}
