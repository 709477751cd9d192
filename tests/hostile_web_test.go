package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"nougat/internal/pack"
)

// TestHostileRequests sends paths, headers and first lines that no client sends.
// Each has an answer, none is a failure of the server, and nothing of another
// place is read, followed or repeated.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	p, c := wholeProgram(t)
	c.pushed(t, pack.Spec{ID: "Contoso.Here", Version: "1.0.0"})
	host := "Host: " + p.addr + "\r\n"
	get := func(target string, headers ...string) string {
		return "GET " + target + " HTTP/1.1\r\n" + host + strings.Join(headers, "") + "\r\n"
	}
	long := strings.Repeat("x", 70<<10)
	for _, row := range []struct {
		request string
		want    int
	}{
		// Paths that climb, with every spelling of dots and slashes.
		{get("/v3/flat/%2e%2e/%2e%2e/etc/passwd"), 404},
		{get("/v3/flat/..%2f..%2fetc%2fpasswd/index.json"), 404},
		{get("/v3/flat/contoso.here/..%2f1.0.0/contoso.here.1.0.0.nupkg"), 404},
		{get("/../../../../etc/passwd"), 404},
		{get("/assets/../../../../etc/passwd"), 404},
		{get("/assets/x/..%2f..%2f..%2fnougat.db"), 404},
		{get(`/assets/x/..\..\nougat.db`), 404},
		{get("/assets/x/%252e%252e%252fnougat.db"), 404},
		{get("/packages/contoso.here/1.0.0/image/..%2f..%2f..%2f..%2fetc%2fpasswd"), 404},
		{get("/packages/contoso.here/1.0.0/image/../../../../nougat.db"), 404},
		{get("/packages/contoso.here/1.0.0/image//etc/passwd"), 404},
		{get("/nougat.db"), 404},
		{get("/blobs/"), 404},
		{get("/control.sock"), 404},
		{get("//evil.example/%2f.."), 404},
		{get("/%5cevil.example"), 404},
		{get("/v3//flat//contoso.here//index.json"), 200},
		{get("/V3/flat/contoso%2ehere/index.json"), 200},
		{get("/V3/flat/contoso%252ehere/index.json"), 404}, // escaped twice
		// Bytes that do not belong there.
		{get("/v3/flat/a%00b/index.json"), 404},
		{get("/packages/%ff%fe"), 404},
		{get("/packages/%e2%80%ae"), 404},
		{get("/packages/\xff\xfe"), 404},
		{get("/%"), 400},
		{get("/%zz"), 400},
		{get("/v3/query?q=%zz"), 200},
		{get("/v3/query?q=%00%ff&skip=-1&take=99999999999999999999"), 200},
		{get("/v3/query?q=" + long[:50<<10]), 200},
		{get("/v3/query?" + strings.Repeat("q=x&", 12<<10)), 200},
		{get("/packages?q=%ff%00&page=-7&sort=x&type=%00"), 200},
		{get("/packages?page=99999999999999999999"), 200},
		{get("/v3/autocomplete?id=" + strings.Repeat("(", 10_000)), 200},
		{get("/v3/query?q=" + strings.Repeat("%22", 10_000)), 200},
		{get("/v3/reg/contoso.here/page/%2e%2e/%2e%2e.json"), 404},
		{get("/v3/catalog/page-1.json"), 404},
		{get("/v3/catalog/page99999999999999999999.json"), 404},
		// Too much.
		{get("/" + long), 431},
		{get("/v3/index.json", "X-Long: "+long+"\r\n"), 431},
		{get("/v3/index.json", strings.Repeat("X-Many: x\r\n", 8<<10)), 431},
		{get("/" + long[:60<<10]), 404},
		{get("/v3/flat/" + long[:60<<10] + "/index.json"), 404},
		{get("/" + strings.Repeat("a/", 25<<10)), 404},
		// Hosts.
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: \r\n\r\n", 200}, // its grammar allows that, RFC 9112 3.2; answered as without a name
		{"GET / HTTP/1.1\r\nHost: evil.example/path\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: <script>alert(1)</script>\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: \"onload=alert(1)\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: me@evil.example\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: evil.example:99999999\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: ..\r\n\r\n", 200}, // a name by the grammar, in which nothing climbs
		{"GET / HTTP/1.1\r\nHost: " + strings.Repeat("a", 300) + "\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: \u00e4.example\r\n\r\n", 400},
		{"PUT /v3/package HTTP/1.1\r\nHost: <script>alert(1)</script>\r\n\r\n", 400},
		// First lines.
		{"GET http://evil.example/v3/flat/contoso.here/index.json HTTP/1.1\r\n" + host + "\r\n", 200},
		{"GET http://evil.example@127.0.0.1/v3/index.json HTTP/1.1\r\n" + host + "\r\n", 200}, // the name before @ is that of a user
		{"GET ftp://evil.example/x HTTP/1.1\r\n" + host + "\r\n", 404},                        // the path decides
		{"GET file:///etc/passwd HTTP/1.1\r\n" + host + "\r\n", 404},
		{"CONNECT evil.example:443 HTTP/1.1\r\n" + host + "\r\n", 405},
		{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 200},
		{"TRACE / HTTP/1.1\r\n" + host + "\r\n", 405},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404}, // the preface of HTTP/2, which net/http hands on; nothing is at *
		{"G<b>T / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"PATCH /v3/package/<b>/1.0.0 HTTP/1.1\r\n" + host + "\r\n", 405},
		{"GET / HTTP/9.9\r\n" + host + "\r\n", 505},
		{"GET /\r\n\r\n", 400},
		{"hello\r\n\r\n", 400},
		{"GET /v3/index.json HTTP/1.0\r\n\r\n", 200},
		// Bodies that end in two places: what an intermediary took for a body must
		// not be taken for a request.
		{"PUT /v3/package HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello", 400},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello", 400},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501}, // net/http: what it cannot decode
		{"PUT /v3/package HTTP/1.1\r\n" + host + "X-NuGet-ApiKey: " + c.key + "\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", 400},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "X-NuGet-ApiKey: " + c.key + "\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx", 400},
		{"PUT /v3/package HTTP/1.1\r\n" + host + "X-NuGet-ApiKey: " + c.key + "\r\nContent-Length: -1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" + host + "X-A: b\r\n X-Folded: c\r\n\r\n", 200}, // made one line, RFC 9112 5.2
		{"GET / HTTP/1.1\r\n" + host + "X-A : b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" + host + "X-A: b\rX-B: c\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" + host + "X-A: b\x00c\r\n\r\n", 400},
		// Headers that are believed from others only, and ones with tricks.
		{get("/v3/index.json", "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /evil.example\r\n", "Forwarded: host=evil.example\r\n", "X-Original-URL: /account\r\nX-Rewrite-URL: /account\r\n"), 200},
		{get("/v3/index.json", "If-None-Match: "+strings.Repeat(`"x", `, 10_000)+"\r\n"), 200},
		{get(nupkgPath("contoso.here", "1.0.0"), "Range: bytes="+strings.Repeat("0-0,", 10_000)+"0-0\r\n"), 200}, // more than the file: all of it at once
		{get(nupkgPath("contoso.here", "1.0.0"), "Range: bytes=-9223372036854775808\r\n"), 416},                  // no number of 64 bits
		{get(nupkgPath("contoso.here", "1.0.0"), "Range: bytes=18446744073709551615-\r\n"), 416},
		{get("/", "Authorization: Basic "+strings.Repeat("A", 50_000)+"\r\n"), 200},
		{get("/", "Cookie: "+strings.Repeat("a=b; ", 10_000)+"\r\n"), 200}, // as without a cookie
		{get("/", "Accept-Encoding: "+strings.Repeat("gzip;q=0.1,", 4000)+"\r\n"), 200},
	} {
		for _, accept := range []string{"", "Accept: text/html\r\n", "Accept: application/json\r\n"} {
			request := row.request
			if i := strings.Index(request, "\r\n"); strings.Contains(request, "HTTP/1.1") {
				request = request[:i+2] + accept + request[i+2:]
			}
			r, err := p.tryRaw(request)
			if err != nil {
				t.Errorf("%.100q: %v", request, err)
				continue
			}
			name := fmt.Sprintf("%.100q", request)
			if r.status != row.want {
				t.Errorf("%s: %v, want %v", name, r, row.want)
			}
			inOneLine(t, name, r)
			at := strings.ToLower(r.header.Get("Location"))
			if strings.Contains(at, "evil") || strings.HasPrefix(at, "//") {
				t.Errorf("%s leads to %s", name, at)
			}
			body := string(r.body)
			if strings.Contains(body, "root:x:") || strings.Contains(body, "<script>alert") {
				t.Errorf("%s: %v", name, r)
			}
			if target, _, _ := strings.Cut(request, "\r\n"); !strings.Contains(target, "evil") && strings.Contains(body, "evil.example/") {
				t.Errorf("%s: the answer names another site: %v", name, r)
			}
		}
	}
	c.get(t, http.StatusOK, nupkgPath("contoso.here", "1.0.0"))
}

const attack = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}` + "\u2028</script>\u202e"

// hostileReadme has what Markdown and HTML can be made to do.
const hostileReadme = `# Hello <script>alert(1)</script>

<script src="https://evil.example/x.js"></script>
<img src=x onerror=alert(1)> <svg onload=alert(1)> <iframe src="javascript:alert(1)"></iframe>
<a href="javascript:alert(1)">one</a> <form action="https://evil.example/"><input name=q><button formaction="javascript:alert(1)">b</button></form>
<style>body{display:none}</style> <link rel=stylesheet href="https://evil.example/x.css"> <base href="https://evil.example/"> <meta http-equiv=refresh content="0;url=https://evil.example/">
<details open ontoggle=alert(1)>d</details> <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">
<object data="data:text/html,<script>alert(1)</script>"></object><embed src="https://evil.example/x.swf">

[two](javascript:alert(1)) [three](JaVaScRiPt:alert(1)) [four](java&#10;script:alert(1)) [five](data:text/html;base64,PHNjcmlwdD4=) [six](vbscript:x) [seven](//evil.example/%22onclick=alert(1))
![eight](javascript:alert(1)) ![nine](https://evil.example/track.png) <https://evil.example/"onclick="alert(1)>

` + "```\"><script>alert(1)</script>\ncode </code></pre><script>alert(1)</script>\n```\n" + `
[x]: javascript:alert(1) "title"
[ten][x]

| a<script>alert(1)</script> | b |
|---|---|
| <img src=x onerror=alert(1)> | [c](javascript:alert(1)) |
`

// harmless holds a page against everything that would run or load something.
func harmless(t *testing.T, name string, r *reply) {
	t.Helper()
	policy := r.header.Get("Content-Security-Policy")
	if r.header.Get("Content-Type") != "text/html; charset=utf-8" || r.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s: headers %v", name, r.header)
	}
	for _, harm := range harms(t, string(r.body)) {
		t.Errorf("%s: %s", name, harm)
	}
}

// harms lists what in a page would run or load something.
func harms(t *testing.T, text string) (all []string) {
	t.Helper()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	harm := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	ours := func(address string) bool { return strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") }
	page.Find("*").Each(func(_ int, e *goquery.Selection) {
		node := e.Get(0)
		switch node.Data {
		case "script":
			if src := e.AttrOr("src", ""); !strings.HasPrefix(src, "/assets/") || e.Text() != "" {
				harm("a script: %s %q", src, e.Text())
			}
		case "iframe", "object", "embed", "base", "applet", "style", "frame", "math", "audio", "video":
			harm("an element %s", node.Data)
		case "meta":
			if _, ok := e.Attr("http-equiv"); ok {
				harm("a meta element that acts")
			}
		case "link":
			if href := e.AttrOr("href", ""); !ours(href) {
				harm("a link element to %s", href)
			}
		case "form":
			if action := e.AttrOr("action", "/"); !ours(action) {
				harm("a form to %s", action)
			}
		case "img":
			if src := e.AttrOr("src", ""); !ours(src) {
				harm("an image from %s", src)
			}
		}
		for _, a := range node.Attr {
			switch key := strings.ToLower(a.Key); {
			case strings.HasPrefix(key, "on"), key == "style", key == "srcdoc", key == "formaction", key == "ping", key == "srcset",
				slices.Contains([]string{"href", "src", "action", "poster", "data", "cite", "background"}, key) && acts(a.Val):
				harm("<%s %s=%q>", node.Data, a.Key, a.Val)
			}
		}
	})
	return all
}

// acts reports whether a browser that follows an address runs it.
func acts(address string) bool {
	address = strings.ToLower(strings.Map(func(c rune) rune {
		if c <= ' ' {
			return -1
		}
		return c
	}, address))
	return strings.HasPrefix(address, "javascript:") || strings.HasPrefix(address, "vbscript:") || strings.HasPrefix(address, "data:")
}

// TestHostileText looks for text of packages and requests in everything that
// shows it.
func TestHostileText(t *testing.T) {
	t.Parallel()
	_, c := wholeProgram(t, "--site-name", `Ann's <b>"gallery"</b>{{7*7}}\`)
	var escaped bytes.Buffer
	_ = xmlEscape(&escaped, attack)
	x := escaped.String()
	c.pushed(t, pack.Spec{
		ID: "Contoso.Attack", Version: "1.0.0-script.alert", Description: x + x, Authors: x + ", " + x, Bare: true,
		Metadata: "<title>" + x + "</title><summary>" + x + "</summary><tags>" + x + " tag</tags><copyright>" + x + "</copyright><releaseNotes>" + x + "\njavascript:alert(1)</releaseNotes>" +
			"<language>&lt;b&gt;</language>" +
			`<projectUrl>https://evil.example/"onclick="alert(1)</projectUrl><iconUrl>https://evil.example/i.svg?&lt;script&gt;</iconUrl>` +
			`<repository type="git" url="https://evil.example/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" branch="` + x + `" commit="` + x + `"/>` +
			`<license type="file">LICENSE.md</license><readme>README.md</readme>` +
			`<packageTypes><packageType name="DotnetTool"/><packageType name="a.b"/></packageTypes>` +
			`<frameworkAssemblies><frameworkAssembly assemblyName="` + x + `" targetFramework="net45"/></frameworkAssemblies>`,
		Files: []pack.File{{Name: "README.md", Data: []byte(hostileReadme)}, {Name: "LICENSE.md", Data: []byte(hostileReadme)}, {Name: "lib/<script>alert(1)<script>/x.dll"}},
	})
	c.pushed(t, pack.Spec{ID: "Contoso.Attack", Version: "1.0.0", Bare: true, Description: "x",
		Metadata: `<license type="file">LICENSE.txt</license>`, Files: []pack.File{{Name: "LICENSE.txt", Data: []byte(hostileReadme)}}})
	// Addresses that act are refused, or shown nowhere.
	for name, s := range map[string]string{
		"projectUrl": `<projectUrl>javascript:alert(1)</projectUrl>`, "iconUrl": `<iconUrl>data:image/svg+xml,x</iconUrl>`, "licenseUrl": `<licenseUrl>vbscript:x</licenseUrl>`,
		"repository": `<repository type="git" url="javascript:alert(1)"/>`,
	} {
		r := c.push(t, pack.Nupkg(pack.Spec{ID: "Contoso." + name, Version: "1.0.0", Metadata: s, Bare: true}))
		if name != "repository" && r.status != http.StatusBadRequest || name == "repository" && r.status != http.StatusCreated {
			t.Errorf("%s: %v", name, r)
		}
		inOneLine(t, name, r)
	}

	version := "/packages/Contoso.Attack/1.0.0-script.alert"
	jar := signIn(t, c)
	hostile := url.PathEscape(attack)
	for _, page := range []struct {
		path               string
		stranger, signedIn int // statuses
	}{
		{"/", 200, 200}, {"/connect", 200, 200}, {"/packages", 200, 200}, {version, 200, 200}, {"/packages/Contoso.Attack", 200, 200}, {version + "/license", 200, 200},
		{"/packages/Contoso.Attack/1.0.0/license", 200, 200}, {"/packages/Contoso.repository", 200, 200},
		{"/packages?q=" + url.QueryEscape(attack), 200, 200}, {"/packages?q=attack&type=" + url.QueryEscape(attack), 200, 200}, {"/packages?q=attack&sort=" + url.QueryEscape(attack), 200, 200}, {"/packages?q=Contoso.Atack", 200, 200},
		{"/" + hostile, 404, 404}, {"/packages/" + hostile, 404, 404}, {"/packages/Contoso.Attack/" + hostile, 404, 404},
		{"/account/signin?return=" + url.QueryEscape("javascript:alert(1)"), 200, 303}, {"/account/signin?return=" + url.QueryEscape("//evil.example/"), 200, 303}, {"/account/signin?return=" + url.QueryEscape(`/\evil.example/`+attack), 200, 303},
		{"/account/apikeys", 303, 200}, {"/setup/" + hostile, 404, 404}, {"/?return=" + url.QueryEscape(attack), 200, 200}, {"/account/nothing" + hostile, 404, 404},
	} {
		for client, want := range map[*siteClient]int{c: page.stranger, jar: page.signedIn} {
			r := client.do(t, http.MethodGet, page.path, nil, "Accept", "text/html")
			if r.status != want {
				t.Errorf("%s: %v, want %d", page.path, r, want)
			}
			if want != http.StatusSeeOther {
				harmless(t, page.path, r)
			} else if to := r.header.Get("Location"); !strings.HasPrefix(to, "/") || strings.ContainsAny(to[1:min(2, len(to))], `/\`) {
				t.Errorf("%s leads to %s", page.path, to)
			}
		}
	}
	// The text is there all the same, as text; and what it would do is seen.
	for path, want := range map[string]string{version: "one", "/packages/Contoso.Attack/1.0.0/license": `<script src="https://evil.example/x.js">`, version + "/license": "one", "/packages?q=" + url.QueryEscape(attack): "<script>alert(1)</script>"} {
		page, err := goquery.NewDocumentFromReader(bytes.NewReader(c.get(t, http.StatusOK, path).body))
		if err != nil || !strings.Contains(page.Text(), want) {
			t.Errorf("%s does not show its text %q: %v", path, want, err)
		}
	}
	jar.get(t, http.StatusOK, "/account/apikeys")
	if all := harms(t, attack+hostileReadme); len(all) < 20 {
		t.Errorf("of what the text would do in a page only this is seen: %q", all)
	}

	// Sign-in leads nowhere else, and what is posted is only repeated as text.
	for _, to := range []string{"//evil.example/", "https://evil.example/", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "/%0d%0aX-Injected:yes", "\r\nX-Injected: yes"} {
		r := c.do(t, http.MethodPost, "/account/signin", strings.NewReader(url.Values{"name": {"ann"}, "username": {"ann"}, "password": {"correct horse battery"}, "return": {to}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
		at, err := url.Parse(r.header.Get("Location"))
		if err != nil || at.Host != "" || at.Scheme != "" || strings.HasPrefix(r.header.Get("Location"), `/\`) || r.status != http.StatusSeeOther {
			t.Errorf("signed in with return=%q: %v", to, r)
		}
		inOneLine(t, to, r)
	}
	r := c.do(t, http.MethodPost, "/account/signin", strings.NewReader(url.Values{"name": {attack}, "username": {attack}, "password": {attack}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	harmless(t, "a failed sign-in", r)

	checkDocuments(t, c)
	checkFiles(t, c)
	challenge := c.do(t, http.MethodPut, "/v3/package", nil)
	inOneLine(t, "the challenge", challenge)
	if got := challenge.header.Get("WWW-Authenticate"); !regexp.MustCompile(`^Basic realm="[^"\\]*"$`).MatchString(got) {
		t.Errorf("WWW-Authenticate: %s", got)
	}
}

// checkDocuments reads every JSON document that holds text of a package: it is
// JSON, says that it is, and gives the text back as it was.
func checkDocuments(t *testing.T, c *siteClient) {
	t.Helper()
	for _, path := range []string{
		"/v3/query?q=attack&prerelease=true&semVerLevel=2.0.0", "/v3/autocomplete?q=attack&prerelease=true", "/v3/autocomplete?id=contoso.attack&prerelease=true",
		"/v3/reg-gz-semver2/contoso.attack/index.json", "/v3/reg-gz-semver2/contoso.attack/1.0.0-script.alert.json", "/v3/catalog/index.json", "/v3/index.json", "/v3/flat/contoso.attack/index.json",
		"/v3/query?q=" + url.QueryEscape(attack), "/api/v2/package-ids?partialId=" + url.QueryEscape(attack),
	} {
		r := c.get(t, http.StatusOK, path)
		if !json.Valid(r.body) || r.header.Get("Content-Type") != "application/json" || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, r)
		}
	}
	type entry struct{ Description, Title, Copyright, Summary string }
	leaf := document[struct{ CatalogEntry json.RawMessage }](t, c, "/v3/reg-gz-semver2/contoso.attack/1.0.0-script.alert.json")
	index := document[struct {
		Items []struct {
			Items []struct{ CatalogEntry entry }
		}
	}](t, c, "/v3/reg-gz-semver2/contoso.attack/index.json")
	if len(leaf.CatalogEntry) == 0 || len(index.Items) != 1 || len(index.Items[0].Items) != 2 {
		t.Fatalf("leaf %s, index %+v", leaf.CatalogEntry, index)
	}
	if e := index.Items[0].Items[0].CatalogEntry; e.Description != attack+attack || e.Title != attack {
		t.Errorf("the registration says %+q", e)
	}
	// A problem with hostile text in it.
	r := c.do(t, http.MethodGet, "/packages/"+url.PathEscape(attack), nil, "Accept", "application/json")
	if !json.Valid(r.body) || r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a problem: %v", r)
	}
}

// checkFiles reads what is served out of a package: of a fixed type, that a
// browser neither guesses at nor runs.
func checkFiles(t *testing.T, c *siteClient) {
	t.Helper()
	// Each of these would be a page that runs script, did a browser decide.
	polyglot := append([]byte("\x89PNG\r\n\x1a\n"), "<html><script>alert(1)</script></html>"...)
	c.pushed(t, pack.Spec{ID: "Contoso.Polyglot", Version: "1.0.0", Bare: true,
		Metadata: `<icon>i.png</icon><readme>r.md</readme><license type="file">l.txt</license><title>&lt;script xmlns="http://www.w3.org/1999/xhtml"&gt;alert(1)&lt;/script&gt;</title>`,
		Files: []pack.File{{Name: "i.png", Data: polyglot}, {Name: "r.md", Data: []byte("<html><script>alert(1)</script>")}, {Name: "l.txt", Data: []byte("<html><script>alert(1)</script>")},
			{Name: "images/x.png", Data: []byte(svg)}, {Name: "images/y.svg", Data: []byte(svg)}, {Name: "images/z.html", Data: []byte("<script>alert(1)</script>")}, {Name: "images/w.gif", Data: []byte("GIF89a<script>alert(1)</script>")}},
	})
	const root = "/v3/flat/contoso.polyglot/1.0.0/"
	for path, kind := range map[string]string{
		root + "icon": "image/png", root + "readme": "text/markdown; charset=utf-8", root + "license": "text/plain; charset=utf-8", root + "contoso.polyglot.nuspec": "application/xml",
		nupkgPath("contoso.polyglot", "1.0.0"): "application/octet-stream", "/packages/contoso.polyglot/1.0.0/image/images/w.gif": "image/gif",
	} {
		r := c.get(t, http.StatusOK, path)
		policy := r.header.Get("Content-Security-Policy")
		if r.header.Get("Content-Type") != kind || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, r)
		}
		if attached := strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment"); !attached && !(strings.Contains(policy, "sandbox") && strings.Contains(policy, "default-src 'none'")) {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
	}
	for _, name := range []string{"images/x.png", "images/y.svg", "images/z.html", "contoso.polyglot.nuspec", "l.txt", "images%2fx.png", "../../../x"} {
		if r := c.do(t, http.MethodGet, "/packages/contoso.polyglot/1.0.0/image/"+name, nil); r.status != http.StatusNotFound {
			t.Errorf("the image %s: %v", name, r)
		}
	}
}

// signIn returns a client with a session.
func signIn(t *testing.T, c *siteClient) *siteClient {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *c.http
	client.Jar = jar
	signed := &siteClient{c.base, c.key, &client}
	page, err := goquery.NewDocumentFromReader(bytes.NewReader(signed.get(t, http.StatusOK, "/account/signin").body))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	page.Find("form input").Each(func(_ int, in *goquery.Selection) {
		switch name := in.AttrOr("name", ""); {
		case in.AttrOr("type", "") == "password":
			form.Set(name, "correct horse battery")
		case in.AttrOr("autocomplete", "") == "username":
			form.Set(name, "ann")
		}
	})
	r := signed.do(t, http.MethodPost, "/account/signin", strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if r.status != http.StatusSeeOther {
		t.Fatalf("signing in with %v: %v", form, r)
	}
	return signed
}

// xmlEscape writes text as it stands in XML.
func xmlEscape(w io.Writer, text string) error {
	_, err := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").WriteString(w, text)
	return err
}
