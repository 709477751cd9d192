package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nougat/internal/pack"
)

const (
	crashClients  = 100
	crashAccounts = 4 // each streams eight uploads at once
	crashIDs      = 5 // of each account and round
)

// A deed is a release that a client pushed, and what it knows of it.
type deed struct {
	id, version string
	key         string
	content     []byte
	pushed      bool  // answered 201
	listing     fact  // what was answered last of it
	listed      *bool // as the gallery says, after a crash
}

// A fact is what a client knows.
type fact int

const (
	unknown fact = iota // no answer came
	yes
	no
)

// TestKilledWhilePushing kills the program at some moment of a hundred clients'
// pushes, unlists and relists, again and again on the same data. It then must
// start, find nothing wrong with itself, and hold everything that it answered.
// NOUGAT_TEST_CRASHES says how often.
func TestKilledWhilePushing(t *testing.T) {
	t.Parallel()
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	if n, err := strconv.Atoi(os.Getenv("NOUGAT_TEST_CRASHES")); err == nil {
		rounds = n
	}
	seed := seeded(t)
	chance := rand.New(rand.NewPCG(seed, 0))
	data, first := newGallery(t)
	keys := []string{first}
	for i := 1; i < crashAccounts; i++ {
		name := fmt.Sprintf("ann%d", i)
		verbOutput(t, "correct horse battery\n", "user", "add", name, "--password-stdin", "--data", data)
		keys = append(keys, verbOutput(t, "", "key", "add", "--owner", name, "--data", data))
	}
	p := startProgram(t, data)
	var all []*deed
	for round := range rounds {
		target := 1 + chance.IntN(400)
		deeds, errs := pushUntilKilled(t, p, keys, seed, round, target, time.Duration(chance.IntN(20_000))*time.Microsecond)
		for _, err := range errs {
			t.Error(err)
		}
		if chance.IntN(2) == 0 {
			killStart(t, data, time.Duration(chance.IntN(60_000))*time.Microsecond)
		}
		if t.Failed() {
			return
		}
		p = startProgram(t, data)
		if left, err := os.ReadDir(filepath.Join(data, "tmp")); err != nil || len(left) > 0 {
			t.Errorf("after the start tmp/ holds %d files, %v", len(left), err)
		}
		answered := 0
		for _, d := range deeds {
			if d.pushed {
				answered++
			}
		}
		t.Logf("round %d: killed after %d answers; %d pushes answered, %d not", round, target, answered, len(deeds)-answered)
		checkDeeds(t, p, deeds)
		repeatUnanswered(t, p, deeds)
		all = append(all, deeds...)
		verbOutput(t, "", "verify", "--data", data)
	}
	checkDeeds(t, p, all)
	p.end(t, data)
	verbOutput(t, "", "verify", "--data", data)
}

// pushUntilKilled lets the clients push until target pushes were answered, and
// kills the program a moment later. errs are answers that should not be.
func pushUntilKilled(t *testing.T, p *runningProgram, keys []string, seed uint64, round, target int, later time.Duration) (deeds []*deed, errs []error) {
	var mu sync.Mutex
	var answers atomic.Int64
	reached := make(chan struct{})
	client := newClient("http://"+p.addr, "")
	client.http.Transport.(*http.Transport).MaxIdleConnsPerHost = crashClients
	defer client.http.CloseIdleConnections()
	work := func(i int) error {
		chance := rand.New(rand.NewPCG(seed, uint64(round)<<32|uint64(i+1)))
		account := i % len(keys)
		c := &siteClient{client.base, keys[account], client.http}
		var mine []*deed
		for n := 0; ; n++ {
			d := &deed{
				id:      fmt.Sprintf("Crash.Of%d.Round%d.N%d", account, round, chance.IntN(crashIDs)),
				version: fmt.Sprintf("%d.%d.%d%s", chance.IntN(3), i, n, []string{"", "-beta.1", ""}[chance.IntN(3)]),
				key:     keys[account],
			}
			noise := make([]byte, chance.IntN(3000))
			for i := range noise {
				noise[i] = byte(chance.Uint32())
			}
			d.content = pack.Nupkg(pack.Spec{ID: d.id, Version: d.version, Files: []pack.File{{Name: "lib/net8.0/x.dll", Data: noise}}})
			mine = append(mine, d)
			mu.Lock()
			deeds = append(deeds, d)
			mu.Unlock()
			r, err := c.tryPush(d.content)
			if err != nil {
				return nil
			}
			if r.status != http.StatusCreated {
				return fmt.Errorf("the push of %s %s: %v", d.id, d.version, r)
			}
			d.pushed, d.listing = true, yes
			if answers.Add(1) == int64(target) {
				close(reached)
			}
			if chance.IntN(3) > 0 {
				continue
			}
			d = mine[chance.IntN(len(mine))]
			method, want, becomes := http.MethodDelete, http.StatusNoContent, no
			if d.listing == no {
				method, want, becomes = http.MethodPost, http.StatusOK, yes
			}
			d.listing = unknown
			if r, err = c.try(method, "/v3/package/"+d.id+"/"+d.version, nil, "X-NuGet-ApiKey", c.key); err != nil {
				return nil
			}
			if r.status != want {
				return fmt.Errorf("%s of %s %s: %v", method, d.id, d.version, r)
			}
			d.listing = becomes
		}
	}
	var clients sync.WaitGroup
	for i := range crashClients {
		clients.Go(func() {
			if err := work(i); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	select {
	case <-reached:
		time.Sleep(later)
	case <-time.After(patience):
		t.Errorf("after %v only %d pushes are answered", patience, answers.Load())
	}
	p.kill(t)
	clients.Wait()
	return deeds, errs
}

// killStart kills a program that has just begun to start.
func killStart(t *testing.T, data string, after time.Duration) {
	t.Helper()
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// checkDeeds looks for all that was answered, in every document.
func checkDeeds(t *testing.T, p *runningProgram, deeds []*deed) {
	t.Helper()
	c := p.client(t, "")
	byID := make(map[string][]*deed)
	for _, d := range deeds {
		byID[d.id] = append(byID[d.id], d)
	}
	for id, releases := range byID {
		flat := flatVersions(t, c, id)
		if flat == nil {
			for _, d := range releases {
				if d.pushed {
					t.Errorf("%s %s was answered 201 and is gone, with all of its ID", id, d.version)
				}
			}
			continue
		}
		registration := registered(t, c, id)
		search := found(t, c, id)
		if len(registration) != len(flat) {
			t.Errorf("%s has %d versions in the flat container and %d in the registration", id, len(flat), len(registration))
		}
		for _, d := range releases {
			listed, there := registration[d.version]
			if slices.Contains(flat, d.version) != there {
				t.Errorf("%s %s is in one of flat container and registration only", id, d.version)
			}
			if !there {
				if d.pushed {
					t.Errorf("%s %s was answered 201 and is gone", id, d.version)
				}
				continue
			}
			if slices.Contains(search, d.version) != listed {
				t.Errorf("%s %s: listed is %t, but not so in the search", id, d.version, listed)
			}
			switch {
			case d.listing == yes && !listed, d.listing == no && listed:
				t.Errorf("%s %s: listed is %t after the answer to the contrary", id, d.version, listed)
			case d.listed != nil && *d.listed != listed:
				t.Errorf("%s %s: listed was %t and is %t", id, d.version, *d.listed, listed)
			}
			d.listed = &listed
			if r := c.get(t, http.StatusOK, nupkgPath(id, d.version)); !bytes.Equal(r.body, d.content) {
				t.Errorf("%s %s has other bytes than were pushed", id, d.version)
			}
		}
	}
}

// repeatUnanswered pushes again what no answer came to, as clients do: it is
// there, or is taken now.
func repeatUnanswered(t *testing.T, p *runningProgram, deeds []*deed) {
	t.Helper()
	c := p.client(t, "")
	there := 0
	for _, d := range deeds {
		if d.pushed {
			continue
		}
		c.key = d.key
		r := c.push(t, d.content)
		switch {
		case r.status == http.StatusCreated && d.listed == nil:
			d.listing = yes
		case r.status == http.StatusConflict && d.listed != nil:
			there++
		default:
			t.Errorf("%s %s was there: %t. A second push of it: %v", d.id, d.version, d.listed != nil, r)
		}
		d.pushed = true
	}
	t.Logf("%d pushes were stored and not answered", there)
	checkDeeds(t, p, deeds)
}
