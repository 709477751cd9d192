package site

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"nougat/config"
	"nougat/gallery"
	"nougat/server"
)

// rules are those of the program.
var rules = config.Rules{ReservedFeedName: server.ReservedFeedName, PublicURL: server.PublicURL}

// openControl opens the socket of a site that has nothing else.
func openControl(t *testing.T, data string, stop func()) *control {
	t.Helper()
	s := &Site{log: slog.New(slog.DiscardHandler)}
	s.force.Store(&inForce{config: &config.Config{Data: data}})
	if err := s.ListenControl(stop); err != nil {
		t.Fatal(err)
	}
	c := s.control
	t.Cleanup(func() {
		c.close()
		c.http.Close()
	})
	return c
}

// dance is a verb that no server knows.
var dance = Verb[None, None]{Name: "dance"}

func TestControl(t *testing.T) {
	data, ctx := t.TempDir(), t.Context()
	if _, err := askServer(ctx, data, dance, None{}); !errors.Is(err, errNobody) {
		t.Fatalf("without a server: %v", err)
	}
	// What a crashed server leaves is in the way of nobody.
	for _, path := range socketPaths(data)[:1] {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := askServer(ctx, data, dance, None{}); !errors.Is(err, errNobody) {
		t.Fatalf("with a dead socket: %v", err)
	}

	asked := make(chan bool, 1)
	c := openControl(t, data, func() { asked <- true })
	path := c.listener.Addr().String()
	if info, err := os.Lstat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has the permissions %v (%v)", info.Mode(), err)
	}
	_, err := askServer(ctx, data, dance, None{})
	if e, ok := errors.AsType[*gallery.Error](err); !ok || !strings.Contains(e.Msg, "another version") || !strings.Contains(e.Msg, "nougat dance") {
		t.Errorf("an unknown verb: %v", err)
	}
	newer := Verb[struct{ Tempo int }, None]{Name: ListUsers.Name}
	if _, err := askServer(ctx, data, newer, struct{ Tempo int }{3}); err == nil || !strings.Contains(err.Error(), "another version") || !strings.Contains(err.Error(), "Tempo") {
		t.Errorf("a verb that asks for more than the server knows: %v", err)
	}
	answer, err := post(ctx, data, runPath(ListUsers.Name), strings.Repeat("x", maxRequest))
	if err != nil || answer.StatusCode != 400 {
		t.Errorf("a request that is too long: %v %v", answer, err)
	} else {
		answer.Body.Close()
	}

	stopping, cancel := context.WithCancel(ctx)
	answer, err = post(stopping, data, "/stop", nil)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("stop: %v %v", answer, err)
	}
	<-asked
	cancel()
	answer.Body.Close()

	c.drain()
	if _, err := askServer(ctx, data, dance, None{}); !errors.Is(err, errLeaving) {
		t.Errorf("while it stops: %v", err)
	}
	c.close()
	if _, err := askServer(ctx, data, dance, None{}); !errors.Is(err, errNobody) {
		t.Errorf("after it has gone: %v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}

// TestDrainWaits: a verb that runs when the server stops is told so by its
// context, and waited for.
func TestDrainWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl(nil, &Site{log: slog.New(slog.DiscardHandler)}, nil)
		if !c.begin() {
			t.Fatal("a request is refused")
		}
		drained := false
		go func() {
			c.drain()
			drained = true
		}()
		synctest.Wait()
		if drained || c.ctx.Err() == nil {
			t.Errorf("it waited: %v; the verb is told: %v", !drained, c.ctx.Err())
		}
		if c.begin() {
			t.Error("a request is taken while it stops")
		}
		c.end()
		synctest.Wait()
		if !drained {
			t.Error("it waits for nobody")
		}
	})
}

// TestCutVerb: a verb that the end of the server cuts off is told that the server
// leaves, so that it is tried again where the data is then.
func TestCutVerb(t *testing.T) {
	data := t.TempDir()
	l, err := config.Read(rules, "", []string{"NOUGAT_DATA=" + data})
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), l, MakeData, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if err := s.ListenControl(nil); err != nil {
		t.Fatal(err)
	}
	defer s.control.http.Close()
	if _, err := askServer(t.Context(), data, ListUsers, None{}); err != nil {
		t.Errorf("before it leaves: %v", err)
	}
	s.control.cancel()
	if _, err := askServer(t.Context(), data, ListUsers, None{}); !errors.Is(err, errLeaving) {
		t.Errorf("while it leaves: %v", err)
	}
}

func TestReach(t *testing.T) {
	other := errors.New("other")
	for _, test := range []struct {
		name         string
		inside, here []error // of each try; the last one again
		want         error
		tries        int
	}{
		{"inside", []error{nil}, []error{other}, nil, 1},
		{"inside refuses", []error{other}, []error{nil}, other, 1},
		{"here", []error{errNobody}, []error{nil}, nil, 1},
		{"a server that starts", []error{errNobody, errNobody, nil}, []error{errHeld}, nil, 3},
		{"a server that stops", []error{errLeaving, errNobody}, []error{errHeld, nil}, nil, 2},
		{"here fails", []error{errNobody}, []error{other}, other, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tries := 0
			at := func(of []error, i int) error { return of[min(i, len(of)-1)] }
			err := reach(t.Context(), "x", func() error { tries++; return at(test.inside, tries-1) }, func() error { return at(test.here, tries-1) })
			if !errors.Is(err, test.want) || tries != test.tries {
				t.Errorf("%v after %d tries, want %v after %d", err, tries, test.want, test.tries)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := reach(ctx, "x", func() error { return errNobody }, func() error { return errHeld }); !errors.Is(err, errInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestSocketPaths(t *testing.T) {
	dir := t.TempDir()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	long := filepath.Join(dir, strings.Repeat("a", 100))
	paths := socketPaths(long)
	if len(paths) != 1 || filepath.Dir(paths[0]) != userFolder() || len(paths[0]) > maxSocketPath {
		t.Errorf("a long path: %v", paths)
	}
	if again := socketPaths(filepath.Join(long, "..", filepath.Base(long))); again[0] != paths[0] {
		t.Errorf("the same folder by another path: %v", again)
	}
	if other := socketPaths(long + "b"); other[0] == paths[0] {
		t.Errorf("another folder has the same socket: %v", other)
	}
}
