package main

import (
	"bufio"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"nougat/internal/pack"
)

// A manifest line of feedbench, of which only this is read here. The rest is
// carried along.
type packageLine struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Path    string `json:"path"` // relative to the folder
	Size    int64  `json:"size"`
	SHA512  string `json:"sha512"`
	Extra   bool   `json:"extra,omitempty"`
}

// address is the package's place below the flat container, without extension.
func (p *packageLine) address() string {
	id, version := strings.ToLower(p.ID), strings.ToLower(p.Version)
	return id + "/" + version + "/" + id + "." + version
}

const manifestName = "manifest.jsonl"

// generate makes a folder of packages with feedbench, and packages of fixed
// sizes beside them.
func (r *run) generate(name, profile string, many int, sized ...sizedPackage) (string, error) {
	say("making packages: %s", name)
	dir := filepath.Join(r.tmp, name)
	if _, err := r.tool(r.feedbench, "gen", "-out", dir, "-profile", profile, "-extras", "", "-many", fmt.Sprint(many)); err != nil {
		return "", err
	}
	return dir, addSized(dir, sized...)
}

// A sizedPackage has nearly so many bytes, which do not compress.
type sizedPackage struct {
	id   string
	size int
}

// addSized writes packages and appends them to the folder's manifest, which is
// made if need be.
func addSized(dir string, sized ...sizedPackage) error {
	if err := os.MkdirAll(filepath.Join(dir, "pkgs"), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, manifestName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	w := json.NewEncoder(f)
	for _, s := range sized {
		const frame = 1000 // bytes of the archive around the file
		data := make([]byte, s.size-frame)
		rand.NewChaCha8(sha512.Sum512_256([]byte(s.id))).Read(data)
		nupkg := pack.Nupkg(pack.Spec{ID: s.id, Version: "1.0.0", Files: []pack.File{{Name: "lib/net8.0/" + s.id + ".dll", Data: data, Stored: true}}})
		sum := sha512.Sum512(nupkg)
		line := packageLine{
			ID: s.id, Version: "1.0.0", Path: filepath.Join("pkgs", s.id+".nupkg"),
			Size: int64(len(nupkg)), SHA512: base64.StdEncoding.EncodeToString(sum[:]), Extra: true,
		}
		if err := os.WriteFile(filepath.Join(dir, line.Path), nupkg, 0o644); err != nil {
			return err
		}
		if err := w.Encode(line); err != nil {
			return err
		}
	}
	return f.Close()
}

// lines reads a manifest: every line as it is and what is known of it.
func lines(dir string) (raw []string, known []packageLine, err error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var p packageLine
		if err := json.Unmarshal(in.Bytes(), &p); err != nil {
			return nil, nil, err
		}
		raw, known = append(raw, in.Text()), append(known, p)
	}
	return raw, known, in.Err()
}

// thin keeps n packages of a folder's manifest: one version of every ID before a
// second one of any, so that there are as many IDs as there can be.
func thin(dir string, n int) error {
	raw, known, err := lines(dir)
	if err != nil {
		return err
	}
	var byAge [][]string
	seen := make(map[string]int)
	for i, p := range known {
		age := seen[p.ID]
		seen[p.ID]++
		if age == len(byAge) {
			byAge = append(byAge, nil)
		}
		byAge[age] = append(byAge[age], raw[i])
	}
	var all []string
	for _, some := range byAge {
		all = append(all, some...)
	}
	if len(all) < n {
		return fmt.Errorf("there are only %d packages", len(all))
	}
	return os.WriteFile(filepath.Join(dir, manifestName), []byte(strings.Join(all[:n], "\n")+"\n"), 0o644)
}
