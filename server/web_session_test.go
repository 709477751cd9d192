package server_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/server"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()

	v.get("/account/apikeys").says("h1", "Sign in").says("main", "belongs to an account")
	wrong := v.submit(v.get("/account/signin"), "/account/signin", "name", "ann", "password", "not hers at all")
	wrong.is(http.StatusUnprocessableEntity).says("[role=alert]", "Name or password is wrong.").lacks("not hers at all")
	if wrong.Find("input[name=name]").AttrOr("value", "") != "ann" {
		t.Error("the name that was typed is not kept")
	}

	page := v.get("/account/signin?return=/account/apikeys")
	form := v.request("POST", "/account/signin", url.Values{"name": {"ANN"}, "password": {annPassword}, "return": {page.Find("[name=return]").AttrOr("value", "")}})
	in := v.do(form).leadsTo("/account/apikeys")
	cookie := in.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q is without %s", cookie, want)
		}
	}
	if strings.Contains(cookie, "Secure") || strings.Contains(cookie, "Domain") {
		t.Errorf("the cookie of plain HTTP is %q", cookie)
	}
	mine := v.get("/account/apikeys").is(http.StatusOK).says("summary", "ann")
	if mine.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page with a person may be kept: %q", mine.header.Get("Cache-Control"))
	}
	v.do(v.request("GET", "/account/signin?return=/connect", nil)).leadsTo("/connect")
	v.do(v.request("GET", "/account", nil)).leadsTo("/account/apikeys")

	before := v.client.Jar.Cookies(mine.url)
	v.submit(mine, "/account/signout").is(http.StatusOK).says("header", "Sign in")
	// The session is over on the server too.
	v.client.Jar.SetCookies(mine.url, before)
	v.get("/account/apikeys").says("h1", "Sign in")
}

func TestSessionOfLockedOutNames(t *testing.T) { // SM-16, M-55
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()
	for i := range 10 {
		v.post("/account/signin", "name", "bob", "password", "guess "+strconv.Itoa(i)).is(http.StatusUnprocessableEntity)
	}
	v.post("/account/signin", "name", "bob", "password", bobPassword).is(http.StatusTooManyRequests).says("[role=alert]", "Too many failed attempts")
}

func TestReturnAddresses(t *testing.T) { // R-ACC-14
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	for back, want := range map[string]string{
		"/packages?q=a%20b&page=2":  "/packages?q=a%20b&page=2",
		"":                          "/",
		"https://evil.example/":     "/",
		"//evil.example/":           "/",
		"///evil.example":           "/",
		`/\evil.example`:            "/",
		"/\t/evil.example":          "/",
		"/a\r\nSet-Cookie: a=b":     "/",
		"javascript:alert(1)":       "/",
		"/account/signout":          "/",
		"/Account/SignIn?return=/x": "/",
		"/setup/x":                  "/",
		"/ä":                        "/",
		"/%zz":                      "/",
	} {
		v := w.visitor()
		v.post("/account/signin", "name", "ann", "password", annPassword, "return", back).leadsTo(want)
		v.do(v.request("GET", "/account/signin?return="+url.QueryEscape(back), nil)).leadsTo(want)
		v.post("/theme", "theme", "dark", "return", back).leadsTo(want)
	}
	v := w.signedIn("ann", annPassword)
	v.post("/account/signout", "return", "/account/apikeys").leadsTo("/")
	v.post("/account/signout", "return", "/connect").leadsTo("/connect")
}

func TestPublicGallerysSignInAddresses(t *testing.T) { // GAL-B20
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()
	v.do(v.request("GET", "/users/account/LogOn?ReturnUrl=%2Fpackages", nil)).leadsTo("/account/signin?return=%2Fpackages")
	v.signIn("ann", annPassword)
	cross := v.request("GET", "/users/account/LogOff", nil)
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	v.do(cross).is(http.StatusForbidden)
	v.get("/").says("summary", "ann")
	v.get("/users/account/LogOff").says("header", "Sign in")
}

// Requests that change something must come from the gallery's own pages.
// Browsers send no Sec-Fetch-Site over plain HTTP to other hosts, and nginx, by
// default, hands on its own upstream's name as the Host (ENG-4).
func TestForgedForms(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	tests := []struct {
		name    string
		url     string
		proxies []netip.Prefix
		host    string
		header  map[string]string
		want    int
	}{
		{name: "own page", header: map[string]string{"Sec-Fetch-Site": "same-origin"}, want: 303},
		{name: "a program, which sends neither", want: 303},
		{name: "another site", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, want: 403},
		{name: "another name of the site", header: map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.corp"}, want: 403},
		{name: "another site, old browser", header: map[string]string{"Origin": "https://evil.example"}, want: 403},
		{name: "no origin", header: map[string]string{"Origin": "null"}, want: 403},
		{name: "plain HTTP, own host", host: "packages.corp", header: map[string]string{"Origin": "http://packages.corp"}, want: 303},
		{name: "nginx's default Host, plain HTTP", host: "127.0.0.1:5050", header: map[string]string{"Origin": "http://packages.corp"}, want: 403},
		{name: "nginx's default Host, plain HTTP, url set", url: "http://packages.corp", host: "127.0.0.1:5050", header: map[string]string{"Origin": "http://packages.corp"}, want: 303},
		{name: "nginx's default Host, url set, another site", url: "http://packages.corp", host: "127.0.0.1:5050", header: map[string]string{"Origin": "http://evil.example"}, want: 403},
		{name: "forwarded host of a trusted proxy", proxies: loopback, host: "127.0.0.1:5050",
			header: map[string]string{"Origin": "http://packages.corp", "X-Forwarded-Host": "packages.corp"}, want: 303},
		{name: "forwarded host of anybody", host: "127.0.0.1:5050",
			header: map[string]string{"Origin": "http://packages.corp", "X-Forwarded-Host": "packages.corp"}, want: 403},
		{name: "sub-path, url set", url: "https://packages.corp/nuget", host: "packages.corp", header: map[string]string{"Origin": "https://packages.corp"}, want: 303},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := openWebsite(t, func(_ *gallery.Options, o *server.Options) { o.URL, o.TrustedProxies = tt.url, tt.proxies })
			v := w.visitor()
			for _, path := range []string{"/theme", "/setup/" + setupToken} {
				r := v.request("POST", path, url.Values{"theme": {"dark"}, "name": {"ann"}, "password": {annPassword}, "brand": {"x"}})
				r.Header.Del("Sec-Fetch-Site")
				r.Header.Del("Origin")
				for k, val := range tt.header {
					r.Header.Set(k, val)
				}
				if tt.host != "" {
					r.Host = tt.host
				}
				v.do(r).is(tt.want)
			}
			if made := w.AnyAccount(); made != (tt.want == 303) {
				t.Errorf("an account was made: %v", made)
			}
		})
	}
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()
	for name, change := range map[string]func(*http.Request){
		"multipart": func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") },
		"no type":   func(r *http.Request) { r.Header.Del("Content-Type") },
	} {
		r := v.request("POST", "/account/signin", url.Values{"name": {"ann"}, "password": {annPassword}})
		change(r)
		if got := v.do(r); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	r := v.request("POST", "/account/signin", url.Values{"name": {"ann"}, "password": {annPassword}})
	r.Header.Set("Content-Encoding", "gzip")
	v.do(r).is(http.StatusUnsupportedMediaType)
	v.post("/account/signin", "name", "ann", "password", strings.Repeat("x", 70_000)).is(http.StatusBadRequest)
	v.post("/theme", "theme", "mauve").is(http.StatusBadRequest)
}

func TestCookiesBehindTLS(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, func(_ *gallery.Options, o *server.Options) { o.URL = "https://packages.corp/nuget" })
	w.people()
	v := w.visitor()
	r := v.request("POST", "/nuget/account/signin", url.Values{"name": {"ann"}, "password": {annPassword}, "return": {"/packages"}})
	r.Header.Set("Origin", "https://packages.corp")
	in := v.do(r).leadsTo("/nuget/packages")
	cookie := in.header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Secure-nougat_session=") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "Path=/nuget/") || !strings.Contains(cookie, "HttpOnly") {
		t.Errorf("the cookie is %q", cookie)
	}
	if hsts := in.header.Get("Strict-Transport-Security"); hsts != "max-age=31536000" {
		t.Errorf("HSTS is %q", hsts)
	}
	page := v.get("/nuget/").is(http.StatusOK)
	page.Find("a[href], link[href], script[src], form[action], img[src]").Each(func(_ int, e *goquerySelection) {
		for _, name := range []string{"href", "src", "action"} {
			if to := e.AttrOr(name, ""); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/nuget/") {
				t.Errorf("%s is not below the base", to)
			}
		}
	})
}

func TestCookiesAtTheRootOfAHost(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, func(_ *gallery.Options, o *server.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	w.people()
	v := w.visitor()
	tls := func(method, path string, form url.Values, cookie string) *view {
		r := v.request(method, path, form)
		r.Host = "packages.corp"
		r.Header.Set("X-Forwarded-Proto", "https")
		if form != nil {
			r.Header.Set("Origin", "https://packages.corp")
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return v.do(r)
	}
	in := tls("POST", "/account/signin", url.Values{"name": {"ann"}, "password": {annPassword}}, "").leadsTo("/")
	cookie, attributes, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "__Host-nougat_session=") || !strings.Contains(attributes, "Secure") || !strings.Contains(attributes, "Path=/;") || strings.Contains(attributes, "Domain") {
		t.Errorf("the cookie is %s", in.header.Get("Set-Cookie"))
	}
	// One that another host of the domain may have set does not outweigh it.
	tls("GET", "/", nil, "nougat_session=planted; "+cookie).is(http.StatusOK).says("summary", "ann")
	out := tls("POST", "/account/signout", url.Values{}, cookie)
	if gone := out.header.Get("Set-Cookie"); !strings.HasPrefix(gone, "__Host-nougat_session=;") || !strings.Contains(gone, "Max-Age=0") {
		t.Errorf("signing out sets %s", gone)
	}
	tls("GET", "/account/apikeys", nil, cookie).is(http.StatusSeeOther)
}

// A gallery whose address is https may be set up from beside it, in the clear.
func TestSetUpInTheClearOfAnAddressWithTLS(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	v := w.visitor()
	v.post("/setup/"+setupToken, "name", "ann", "password", annPassword, "brand", "x", "url", "https://packages.corp").leadsTo("/connect")
	if got := v.get("/connect").is(http.StatusOK); !keyForm.MatchString(got.body) || !strings.Contains(got.body, "https://packages.corp/v3/index.json") {
		t.Errorf("the first key is lost:\n%s", got.body)
	}
}

func TestClosedGallery(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, closed)
	ann, _ := w.people()
	w.publish(ann, w.main, icon("Contoso.Icon", "1.0.0"))
	v := w.visitor()
	for _, path := range []string{"/", "/packages?q=x", "/packages/Contoso.Icon", "/packages/Contoso.Icon/1.0.0/license", "/connect", "/test/packages", "/packages/unknown"} {
		got := v.do(v.request("GET", path, nil)).is(http.StatusSeeOther)
		want := "/account/signin?return=" + url.QueryEscape(path)
		if path == "/" {
			want = "/account/signin"
		}
		got.leadsTo(want)
	}
	page := v.get("/").is(http.StatusOK).says("main", "for people with an account")
	if page.Find("form.search, nav.links").Length() != 0 {
		t.Error("the sign-in page of a closed gallery has links that lead nowhere")
	}
	for _, path := range []string{"/v3/index.json", "/v3/flat/contoso.icon/1.0.0/icon", "/v3/query?q=x"} {
		got := v.do(v.request("GET", path, nil))
		if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s answers %d; programs are never sent to a page", path, got.status)
		}
	}
	v.signIn("bob", bobPassword)
	own := v.get("/packages/contoso.icon").is(http.StatusOK)
	src := own.Find("img.tile").AttrOr("src", "")
	if got := v.get(src); got.status != http.StatusOK || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("the icon %q on a page answers %d", src, got.status)
	}
}

// hookedForm runs a function before the end of a form's body.
type hookedForm struct {
	io.Reader
	before func()
}

func (h *hookedForm) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if err == io.EOF && h.before != nil {
		h.before()
		h.before = nil
	}
	return n, err
}

// A session that ends after its visitor was let in, while the form still arrives:
// the form does nothing, and the answer asks to sign in again instead of greeting
// somebody who is not signed in any more.
func TestSessionEndsUnderAForm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end   func(w *website) error
		check func(t *testing.T, page *view)
	}{
		"the password is changed": {
			func(w *website) error {
				_, err := w.SetPassword(t.Context(), gallery.Operator(), "bob", "another long password", false)
				return err
			},
			func(t *testing.T, page *view) { page.leadsTo("/account/signin") },
		},
		"the account is locked": {
			func(w *website) error {
				_, err := w.SetLocked(t.Context(), gallery.Operator(), "bob", true)
				return err
			},
			func(t *testing.T, page *view) {
				page.is(http.StatusForbidden).says("main", "The account bob is locked.").says("header", "Sign in")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openWebsite(t, nil)
			w.people()
			v := w.signedIn("bob", bobPassword)
			r := v.request("POST", "/account/apikeys", url.Values{"name": {"late"}, "feed": {"main"}, "scopes": {"push"}, "days": {"90"}})
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = io.NopCloser(&hookedForm{strings.NewReader(string(body)), func() {
				if err := tt.end(w); err != nil {
					t.Error(err)
				}
			}})
			// The body is sent once the handler asks for it: the visitor is let in.
			r.ContentLength = -1
			r.Header.Set("Expect", "100-continue")
			v.client.Transport = &http.Transport{ExpectContinueTimeout: time.Minute}
			tt.check(t, v.do(r))
			keys, err := w.Keys(t.Context(), gallery.Operator())
			if err != nil || len(keys) != 0 {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
}
