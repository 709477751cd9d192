package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// A result is what is read of a row that feedbench writes.
type result struct {
	Feed       string         `json:"feed"`
	Target     string         `json:"target"`
	Seconds    float64        `json:"seconds"`
	Requests   int64          `json:"requests"`
	Rate       float64        `json:"rps"`
	P99        float64        `json:"p99_ms"`
	BytesRate  float64        `json:"bytes_per_s"`
	SentRate   float64        `json:"sent_bytes_per_s"`
	CPU        float64        `json:"server_cpu_us_per_req"`
	Status     map[string]int `json:"status"`
	Errors     int64          `json:"errors"`
	FirstError string         `json:"first_error"`
	Note       string         `json:"note"`
	Usage      struct {
		Foreign float64 `json:"foreign_cpu_s"`
		Steal   float64 `json:"steal_s"`
		Anon    float64 `json:"server_peak_anon_kb"`
	} `json:"usage"`
}

// load runs feedbench and returns its rows.
func (r *run) load(args ...string) ([]result, error) {
	out, err := os.CreateTemp(r.tmp, "rows")
	if err != nil {
		return nil, err
	}
	out.Close()
	defer os.Remove(out.Name())
	if _, err := r.tool(r.feedbench, append(args, "-o", out.Name())...); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(out.Name())
	if err != nil {
		return nil, err
	}
	var rows []result
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
		var row result
		if err := d.Decode(&row); err != nil {
			return nil, err
		}
		if row.Errors > 0 {
			return nil, fmt.Errorf("feedbench %s %s: %d errors: %s", args[0], row.Target, row.Errors, row.FirstError)
		}
		if row.Seconds > 0 {
			r.noise = append(r.noise, (row.Usage.Foreign+row.Usage.Steal)/row.Seconds)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("feedbench %v measured nothing", args)
	}
	return rows, nil
}

// tool runs feedbench or phys and returns what it printed.
func (r *run) tool(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), args[0], err, errs.String())
	}
	if errs.Len() > 0 {
		return "", fmt.Errorf("%s %s: %s", filepath.Base(program), args[0], errs.String())
	}
	return out.String(), nil
}

var (
	fileSyncs  = regexp.MustCompile(`dir fsync:\s+n (\d+)`)
	sha512Rate = regexp.MustCompile(`sha512, 16 MiB\s+(\d+) MB/s`)
)

// number is what pattern finds in what phys printed.
func (r *run) number(pattern *regexp.Regexp, args ...string) (float64, error) {
	text, err := r.tool(r.phys, args...)
	if err != nil {
		return 0, err
	}
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("phys %s printed no line %v:\n%s", args[0], pattern, text)
	}
	return strconv.ParseFloat(m[1], 64)
}

// A feed is an entry of a feeds file.
type feed struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	PIDs []int  `json:"pids"`
}

// feedsFile writes the two sides of a comparison, nginx first.
func (r *run) feedsFile(feeds ...feed) (string, error) {
	b, err := json.Marshal(feeds)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.tmp, "feeds.json")
	return path, os.WriteFile(path, b, 0o600)
}
