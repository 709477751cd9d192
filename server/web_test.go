package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/internal/need"
	"nougat/internal/pack"
	"nougat/server"
	"nougat/store/storetest"
	"nougat/ui"
)

// A website is a server over a real gallery, listening, with the feeds main and
// test, and what its log says.
type website struct {
	*gallery.Gallery
	t    testing.TB
	srv  *server.Server
	url  string
	main *gallery.Feed
	test *gallery.Feed
	log  *logged
}

// A logged is what was logged; it may be read while the server runs.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	setupToken  = "setup-token-of-this-test"
	annPassword = "ann has a long password"
	bobPassword = "bob has a long password"
)

// open starts a website; change may be nil.
func openWebsite(t testing.TB, change func(*gallery.Options, *server.Options)) *website {
	t.Helper()
	w := &website{t: t, log: &logged{}}
	g := gallery.Options{
		NewIndex:   search.New,
		KeyMaxDays: 365, LicenseRefs: true, AdviseBytes: 1 << 20, SimilarIDs: "warn", Brand: func() string { return "Contoso packages" },
		Feeds: []gallery.FeedOptions{
			{Name: "main", MaxBytes: 64 << 20, OpenToRead: true},
			{Name: "test", Kind: gallery.TestFeed, MaxBytes: 64 << 20, OpenToRead: true, Replace: true},
		},
	}
	g.Store, g.Blobs = storetest.Open(t)
	o := server.Options{Brand: "Contoso packages", Version: "1.0", SetupToken: setupToken, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	if change != nil {
		change(&g, &o)
	}
	var err error
	if w.Gallery, err = gallery.Open(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(context.Background()) })
	if o.Pages, err = ui.New(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Gallery, o.Listeners = w.Gallery, []net.Addr{l.Addr()}
	if w.srv, err = server.New(o); err != nil {
		t.Fatal(err)
	}
	go w.srv.Serve(l)
	t.Cleanup(func() { w.srv.Shutdown(context.Background()) })
	w.url = "http://" + l.Addr().String()
	w.main, _ = w.Feed("main")
	w.test, _ = w.Feed("test")
	return w
}

// people makes ann, an administrator, and bob.
func (w *website) people() (ann, bob gallery.Actor) {
	w.t.Helper()
	for name, password := range map[string]string{"ann": annPassword, "bob": bobPassword} {
		if _, _, err := w.AddAccount(context.Background(), gallery.Operator(), gallery.NewAccount{Name: name, Password: password, Admin: name == "ann"}); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.person("ann"), w.person("bob")
}

func (w *website) person(name string) gallery.Actor {
	w.t.Helper()
	account, err := w.AccountByName(context.Background(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.PersonActor(context.Background(), account.No, "127.0.0.1", "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *website) push(a gallery.Actor, f *gallery.Feed, nupkg []byte) {
	w.t.Helper()
	if _, err := storetest.Publish(w.Gallery, a, f, nupkg); err != nil {
		w.t.Fatal(err)
	}
}

func (w *website) publish(a gallery.Actor, f *gallery.Feed, specs ...pack.Spec) {
	w.t.Helper()
	for _, s := range specs {
		w.push(a, f, pack.Nupkg(s))
	}
}

// corpus publishes real packages by the names of their files.
func (w *website) corpus(a gallery.Actor, names ...string) {
	w.t.Helper()
	folder := need.Dir(w.t, "corpus", need.Shared(w.t, "corpus", "packages"))
	for _, name := range names {
		nupkg, err := os.ReadFile(folder + "/" + name + ".nupkg")
		if err != nil {
			w.t.Fatal(err)
		}
		w.push(a, w.main, nupkg)
	}
}

// A visitor is somebody with a browser without script.
type visitor struct {
	*website
	client *http.Client
}

func (w *website) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &visitor{website: w, client: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// A view is an answer that a visitor looks at.
type view struct {
	*goquery.Document
	t      testing.TB
	status int
	header http.Header
	body   string
	url    *url.URL
}

// do sends a request and does not follow redirects.
func (v *visitor) do(r *http.Request) *view {
	v.t.Helper()
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	got := &view{t: v.t, status: res.StatusCode, header: res.Header, body: string(body), url: r.URL}
	if got.Document, err = goquery.NewDocumentFromReader(bytes.NewReader(body)); err != nil {
		v.t.Fatal(err)
	}
	return got
}

func (v *visitor) request(method, path string, form url.Values) *http.Request {
	v.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = v.url + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

// get follows redirects within the gallery, as a browser does.
func (v *visitor) get(path string) *view {
	v.t.Helper()
	got := v.do(v.request("GET", path, nil))
	for range 5 {
		to := got.header.Get("Location")
		if to == "" {
			break
		}
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			v.t.Fatalf("%s leads to %q, which is no path", path, to)
		}
		got = v.do(v.request("GET", to, nil))
	}
	return got
}

// post sends fields to an address and does not follow.
func (v *visitor) post(path string, fields ...string) *view {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return v.do(v.request("POST", path, form))
}

// submit fills in and sends the form of a page that posts to action, and shows
// what comes after.
func (v *visitor) submit(page *view, action string, fields ...string) *view {
	v.t.Helper()
	found := page.Find(fmt.Sprintf("form[action=%q]", action)).First()
	if found.Length() == 0 {
		v.t.Fatalf("%s has no form that posts to %s:\n%s", page.url, action, page.body)
	}
	form := url.Values{}
	found.Find("input, select").Each(func(_ int, in *goquery.Selection) {
		name, _ := in.Attr("name")
		kind, _ := in.Attr("type")
		_, disabled := in.Attr("disabled")
		_, checked := in.Attr("checked")
		switch {
		case name == "" || disabled || (kind == "checkbox" || kind == "radio") && !checked:
		case goquery.NodeName(in) == "select":
			option := in.Find("option[selected]").First()
			if option.Length() == 0 {
				option = in.Find("option").First()
			}
			form.Add(name, option.AttrOr("value", option.Text()))
		default:
			form.Add(name, in.AttrOr("value", ""))
		}
	})
	set := map[string]bool{}
	for i := 0; i < len(fields); i += 2 {
		if !set[fields[i]] {
			form.Del(fields[i])
			set[fields[i]] = true
		}
		form.Add(fields[i], fields[i+1])
	}
	got := v.do(v.request("POST", action, form))
	if to := got.header.Get("Location"); to != "" {
		return v.get(to)
	}
	return got
}

// signIn signs a visitor in through the form.
func (v *visitor) signIn(name, password string) *view {
	v.t.Helper()
	got := v.submit(v.get("/account/signin"), "/account/signin", "name", name, "password", password)
	if got.status != http.StatusOK {
		v.t.Fatalf("%s cannot sign in: %d\n%s", name, got.status, got.body)
	}
	return got
}

func (w *website) signedIn(name, password string) *visitor {
	w.t.Helper()
	v := w.visitor()
	v.signIn(name, password)
	return v
}

func (g *view) is(status int) *view {
	g.t.Helper()
	if g.status != status {
		g.t.Fatalf("%s answers %d, want %d\n%s", g.url, g.status, status, g.body)
	}
	return g
}

// says fails unless the text of what selector finds holds all of these.
func (g *view) says(selector string, texts ...string) *view {
	g.t.Helper()
	found := g.Find(selector)
	if found.Length() == 0 {
		g.t.Fatalf("%s has no %s\n%s", g.url, selector, g.body)
	}
	text := strings.Join(strings.Fields(found.Text()), " ")
	for _, want := range texts {
		if !strings.Contains(text, want) {
			g.t.Errorf("%s: %s says %q, want %q in it", g.url, selector, text, want)
		}
	}
	return g
}

func (g *view) lacks(text string) *view {
	g.t.Helper()
	if strings.Contains(g.body, text) {
		g.t.Errorf("%s says %q and should not", g.url, text)
	}
	return g
}

func (g *view) leadsTo(path string) *view {
	g.t.Helper()
	if to := g.header.Get("Location"); g.status != http.StatusSeeOther || to != path {
		g.t.Errorf("%s answers %d and leads to %q, want 303 to %q\n%s", g.url, g.status, to, path, g.body)
	}
	return g
}
