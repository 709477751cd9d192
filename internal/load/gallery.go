package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A gallery is a nougat with its data.
type gallery struct {
	*process
	run  *run
	data string
	url  string // without a slash at the end
	key  string

	ready time.Duration // from the start to the first answer
}

// open makes a gallery with an account and a key, and starts it. Further
// arguments are serve's.
func (r *run) open(name string, args ...string) (*gallery, error) {
	g := &gallery{run: r, data: filepath.Join(r.tmp, name)}
	if _, err := g.verb("long and strange words\n", "user", "add", "bench", "--password-stdin"); err != nil {
		return nil, err
	}
	key, err := g.verb("", "key", "add", "--owner", "bench")
	if err != nil {
		return nil, err
	}
	g.key = strings.TrimSpace(key)
	return g, g.start(args...)
}

// start starts the server on the data and waits for its first answer.
func (g *gallery) start(args ...string) (err error) {
	addr := "127.0.0.1:" + strconv.Itoa(freePort())
	g.url = "http://" + addr
	began := time.Now()
	g.process, err = g.run.start(g.run.nougat, append([]string{"serve", "--data", g.data, "--listen", addr}, args...)...)
	if err != nil {
		return err
	}
	g.ready, err = g.awaitOK(g.index(), began)
	return err
}

// verb runs a command of the administrator on the gallery's data.
func (g *gallery) verb(input string, args ...string) (string, error) {
	cmd := exec.Command(g.run.nougat, append(args, "--data", g.data)...)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("nougat %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (g *gallery) index() string { return g.url + "/v3/index.json" }

// fill pushes what is in a folder of packages and takes the gallery's data to
// be complete when all were answered 201.
func (g *gallery) fill(dir string, more ...string) (result, error) {
	return g.push(dir, append([]string{"-c", "8"}, more...)...)
}

// push runs feedbench push.
func (g *gallery) push(dir string, more ...string) (result, error) {
	args := append([]string{"push", "-url", g.index(), "-key", g.key, "-pid", strconv.Itoa(g.pids[0]), "-dir", dir}, more...)
	rows, err := g.run.load(args...)
	if err != nil {
		return result{}, err
	}
	if n := int64(rows[0].Status["201"]); n != rows[0].Requests {
		return result{}, fmt.Errorf("of %d pushes %d were answered 201: %v %s", rows[0].Requests, n, rows[0].Status, rows[0].FirstError)
	}
	return rows[0], nil
}

// size is the length of the database.
func (g *gallery) size() (int64, error) {
	info, err := os.Stat(filepath.Join(g.data, "nougat.db"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
