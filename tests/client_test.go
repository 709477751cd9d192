package tests

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nougat/internal/need"
)

// The stories with real clients have these commands besides those of
// script_test.go and script_client_test.go:
//
//	expand FILE...
//		Replaces ${NAME} in files by the variable's value. An unset name fails.
//	nupkgs FOLDER ID COUNT
//		Packs the versions 1.0.0, 1.1.0 and so on of a package.
//	port NAME
//		Sets a variable to a port that nothing listens on.
//	await HOST:PORT
//		Waits until something takes connections there.
//	certificate CERTIFICATE KEY HOST
//		Makes a certificate for a host that vouches for itself.
//	recipe FILE ADDRESS UPSTREAM [sub-path]
//		Writes a whole nginx.conf around the recipe of README.md (with sub-path:
//		with the location of docs/operating.md in it), in which only addresses and
//		files are replaced: it listens on ADDRESS, with tls.crt and tls.key beside
//		FILE, and asks UPSTREAM.
func clientCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"expand": cmdExpand, "nupkgs": cmdNupkgs, "port": cmdPort, "await": cmdAwait,
		"certificate": cmdCertificate, "recipe": cmdRecipe,
	}
}

var scriptVariable = regexp.MustCompile(`\$\{(\w+)\}`)

func cmdExpand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, file := range args {
		text := scriptVariable.ReplaceAllStringFunc(ts.ReadFile(file), func(s string) string {
			value := ts.Getenv(s[2 : len(s)-1])
			if value == "" {
				ts.Fatalf("%s: the variable %s is not set", file, s)
			}
			return value
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o666))
	}
}

func cmdNupkgs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: nupkgs FOLDER ID COUNT")
	}
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o700))
	count, err := strconv.Atoi(args[2])
	ts.Check(err)
	for i := range count {
		content := newPackage(args[1], fmt.Sprintf("1.%d.0", i)).pack()
		ts.Check(os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.nupkg", i)), content, 0o666))
	}
}

func cmdPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await HOST:PORT")
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", args[0], patience)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nothing listens on %s after %v: %v", args[0], patience, err)
		}
	}
}

func cmdCertificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: certificate CERTIFICATE KEY HOST")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: args[2]},
		DNSNames:     []string{args[2]},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:        true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func cmdRecipe(ts *testscript.TestScript, neg bool, args []string) {
	subPath := len(args) == 4 && args[3] == "sub-path"
	if neg || len(args) != 3 && !subPath {
		ts.Fatalf("usage: recipe FILE ADDRESS UPSTREAM [sub-path]")
	}
	root := need.Root(scriptTB{ts: ts})
	block := func(file string) string {
		text, err := os.ReadFile(filepath.Join(root, file))
		ts.Check(err)
		found := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindSubmatch(text)
		if found == nil {
			ts.Fatalf("%s has no nginx recipe", file)
		}
		return string(found[1])
	}
	replace := func(text, old, new string) string {
		if strings.Count(text, old) != 1 {
			ts.Fatalf("%q is not once in the recipe:\n%s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	server := block("README.md")
	if subPath {
		location := regexp.MustCompile(`(?s)    location / \{\n([^\n]*proxy_pass[^\n]*\n)(.*?)    \}\n`).FindStringSubmatch(server)
		if location == nil {
			ts.Fatalf("the recipe of README.md has no location:\n%s", server)
		}
		below := replace(block(filepath.Join("docs", "operating.md")), "    # … the same lines as above …\n", location[2])
		server = replace(server, location[0], below)
	}
	file := ts.MkAbs(args[0])
	dir := filepath.Dir(file)
	server = replace(server, "listen 443 ssl", "listen "+args[1]+" ssl")
	server = replace(server, "packages.contoso.com", "localhost")
	server = replace(server, "/etc/ssl/packages.crt", filepath.Join(dir, "tls.crt"))
	server = replace(server, "/etc/ssl/packages.key", filepath.Join(dir, "tls.key"))
	server = replace(server, "127.0.0.1:5050", args[2])
	user := ""
	if runtime.GOOS == "linux" && os.Getuid() == 0 {
		user = "user root;\n" // the script's folder is closed to others
	}
	ts.Check(os.WriteFile(file, []byte(user+`worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
access_log access.log;
client_body_temp_path body;
proxy_temp_path proxy;
fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
`+server+"}\n"), 0o666))
}
