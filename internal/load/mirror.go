package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A mirror is nginx handing out, as files, what a gallery answered.
type mirror struct {
	*process
	url  string
	root string // folder of the files
}

// hive is the registration that today's clients ask for.
const hive = "reg-gz-semver2"

// mirror copies every document and package of a folder's manifest out of g and
// serves the copies. nginx answers a query with what g answers an empty one.
func (r *run) mirror(g *gallery, dir, name string, packages bool) (*mirror, error) {
	say("copying the answers for nginx")
	folder := filepath.Join(r.tmp, name)
	m := &mirror{root: filepath.Join(folder, "root")}
	port := freePort()
	m.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := m.copyAll(g, dir, packages); err != nil {
		return nil, err
	}
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, []byte(nginxConf(folder, port)), 0o644); err != nil {
		return nil, err
	}
	began := time.Now()
	p, err := r.start(r.nginx, "-p", folder, "-c", conf)
	if err != nil {
		return nil, err
	}
	m.process = p
	if _, err := p.awaitOK(m.url+"/v3/index.json", began); err != nil {
		return nil, err
	}
	p.workers()
	return m, nil
}

func (m *mirror) copyAll(g *gallery, dir string, packages bool) error {
	// feedbench finds the other addresses in the service index: this one names nginx.
	index, zipped, err := get(g.index())
	if err == nil && zipped {
		index, err = inflate(index)
	}
	if err != nil {
		return err
	}
	index = bytes.ReplaceAll(index, []byte(g.url), []byte(m.url))
	if err := m.put("v3/index.json", index, deflate(index)); err != nil {
		return err
	}
	if err := m.copy(g, "v3/query?q=&skip=0&take=20&prerelease=true&semVerLevel=2.0.0", "v3/query.json"); err != nil || !packages {
		return err
	}
	_, known, err := lines(dir)
	if err != nil {
		return err
	}
	done := make(map[string]bool)
	for _, p := range known {
		id, version := strings.ToLower(p.ID), strings.ToLower(p.Version)
		paths := []string{"v3/" + hive + "/" + id + "/" + version + ".json", "v3/flat/" + p.address() + ".nupkg", "v3/flat/" + id + "/" + version + "/" + id + ".nuspec"}
		if !done[id] {
			done[id] = true
			pages, err := m.copyIndex(g, "v3/"+hive+"/"+id+"/index.json")
			if err != nil {
				return err
			}
			paths = append(append(paths, "v3/flat/"+id+"/index.json"), pages...)
		}
		for _, path := range paths {
			if err := m.copy(g, path, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyIndex copies a registration index and returns the paths of its pages,
// unless they are within.
func (m *mirror) copyIndex(g *gallery, path string) (pages []string, err error) {
	if err := m.copy(g, path, path); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		return nil, err
	}
	var index struct {
		Items []struct {
			ID    string            `json:"@id"`
			Items []json.RawMessage `json:"items"`
		} `json:"items"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, page := range index.Items {
		if page.Items == nil {
			pages = append(pages, strings.TrimPrefix(page.ID, g.url+"/"))
		}
	}
	return pages, nil
}

// copy writes the answer to path as a file, with its compressed form beside it
// if that is what came.
func (m *mirror) copy(g *gallery, path, file string) error {
	body, zipped, err := get(g.url + "/" + path)
	if err != nil {
		return err
	}
	if !zipped {
		return m.put(file, body, nil)
	}
	whole, err := inflate(body)
	if err != nil {
		return err
	}
	return m.put(file, whole, body)
}

func (m *mirror) put(file string, whole, zipped []byte) error {
	path := filepath.Join(m.root, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if zipped != nil {
		if err := os.WriteFile(path+".gz", zipped, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(path, whole, 0o644)
}

func inflate(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b) // to memory: cannot fail
	z.Close()
	return out.Bytes()
}

// nginxConf is nginx at its best: one worker, every file kept open.
func nginxConf(folder string, port int) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // the folder is for this user alone
	}
	return user + fmt.Sprintf(`daemon off;
worker_processes 1;
worker_rlimit_nofile 400000;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log warn;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  types { application/json json; application/xml nuspec; application/octet-stream nupkg; }
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  open_file_cache max=300000 inactive=600s;
  open_file_cache_valid 600s;
  server {
    listen 127.0.0.1:%[2]d backlog=4096;
    root %[1]s/root;
    gzip_static on;
    location / { log_not_found off; }
    location = /v3/query { try_files /v3/query.json =404; }
    location /closed/ { default_type text/plain; add_header WWW-Authenticate 'Basic realm="nougat"' always; return 401 "Credentials are needed here."; }
  }
}
`, folder, port)
}
