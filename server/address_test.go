package server

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"nougat/gallery"
)

func TestValidHost(t *testing.T) {
	for host, want := range map[string]bool{
		"example.org": true, "example.org:8080": true, "EXAMPLE.org.": true, "10.0.0.1": true, "10.0.0.1:5050": true, "[::1]": true, "[::1]:80": true, "a_b-c": true, "localhost:1": true,
		"": false, "a:": false, ":80": false, "a:b": false, "a:80:90": false, "a:65535": true, "a:65536": false, "a:123456": false, "a:+1": false, "[::1]:65536": false, "[::1": false, "[::1]x": false, "[::1]:": false, "::1": false, "[fe80::1%25eth0]": false, "[10.0.0.1]": false,
		"a b": false, "a/b": false, "a\"b": false, "a<b": false, "a@b": false, "a,b": false, "b\u00fccher.example": false, "a?b": false, strings.Repeat("a", 300): false,
	} {
		if got := validHost(host); got != want {
			t.Errorf("validHost(%q) = %v", host, got)
		}
	}
}

func TestValidPrefix(t *testing.T) {
	for prefix, want := range map[string]bool{
		"/gallery": true, "/a/b": true, "/a-b_c.d~e": true,
		"": false, "/": false, "a": false, "/a/": false, "//a": false, "/a/../b": false, "/.": false, "/a b": false, "/a;b": false, "/a?b": false, "/a%20b": false, "/<": false,
		"/" + strings.Repeat("a", 300): false,
	} {
		if got := validPrefix(prefix); got != want {
			t.Errorf("validPrefix(%q) = %v", prefix, got)
		}
	}
}

func FuzzHostAndPrefix(f *testing.F) {
	f.Add("example.org:80", "/a/b")
	f.Add("[::1]:80", "//")
	f.Fuzz(func(t *testing.T, host, prefix string) {
		if validHost(host) && strings.ContainsAny(host, "/\\ \"'<>?#@,;\r\n") {
			t.Errorf("host %q is valid", host)
		}
		if validPrefix(prefix) && (strings.Contains(prefix, "//") || strings.ContainsAny(prefix, "\\ \"'<>?#@,;%\r\n")) {
			t.Errorf("prefix %q is valid", prefix)
		}
	})
}

var loopbackProxy = options(func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })

// the public address, in its order.
func TestPublicAddress(t *testing.T) {
	t.Parallel()
	sites := map[string]*testSite{}
	for how, change := range map[string]siteOptions{
		"own": {}, "proxy": loopbackProxy, "https://nuget.example.org": withURL("https://nuget.example.org"), "https://nuget.example.org/": withURL("https://nuget.example.org/"),
		"https://example.org/nuget/feeds": withURL("https://example.org/nuget/feeds"), "https://example.org/nuget": withURL("https://example.org/nuget"),
	} {
		sites[how] = start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true}, gallery.FeedOptions{Name: "team", OpenToRead: true}), change)
	}
	for name, c := range map[string]struct {
		how    string // a name of sites below
		path   string
		header []string
		want   string // begins the address of the flat container; ADDR is the listener
		status int
	}{
		"the request's own host":                  {"own", "/v3/index.json", nil, "http://ADDR/v3/", 200},
		"another host":                            {"own", "/v3/index.json", []string{"Host", "Nuget.Example.org:8080"}, "http://nuget.example.org:8080/v3/", 200},
		"forwarded headers of a stranger":         {"own", "/v3/index.json", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/x"}, "http://ADDR/v3/", 200},
		"forwarded headers of a proxy":            {"proxy", "/v3/index.json", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "nuget.example.org", "X-Forwarded-Prefix", "/feeds"}, "https://nuget.example.org/feeds/v3/", 200},
		"a chain of proxies":                      {"proxy", "/v3/index.json", []string{"X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "nuget.example.org, inner"}, "https://nuget.example.org/v3/", 200},
		"prefix that the proxy left on":           {"proxy", "/feeds/v3/index.json", []string{"X-Forwarded-Prefix", "/feeds/"}, "http://ADDR/feeds/v3/", 200},
		"prefix that the proxy left on, caps":     {"proxy", "/feeds/V3/INDEX.json", []string{"X-Forwarded-Prefix", "/feeds"}, "http://ADDR/feeds/v3/", 200},
		"a wrong prefix":                          {"proxy", "/v3/index.json", []string{"X-Forwarded-Prefix", "/a/../b"}, "", 400},
		"a wrong forwarded host":                  {"proxy", "/v3/index.json", []string{"X-Forwarded-Host", "a b"}, "", 400},
		"a forwarded scheme in capitals":          {"proxy", "/v3/index.json", []string{"X-Forwarded-Proto", "HTTPS", "X-Forwarded-Host", "Nuget.Example.org"}, "https://nuget.example.org/v3/", 200},
		"a wrong forwarded scheme":                {"proxy", "/v3/index.json", []string{"X-Forwarded-Proto", "gopher"}, "http://ADDR/v3/", 200},
		"configured":                              {"https://nuget.example.org", "/v3/index.json", nil, "https://nuget.example.org/v3/", 200},
		"configured, with a slash":                {"https://nuget.example.org/", "/v3/index.json", nil, "https://nuget.example.org/v3/", 200},
		"configured, another host asked":          {"https://nuget.example.org", "/v3/index.json", []string{"Host", "evil.example"}, "https://nuget.example.org/v3/", 200},
		"configured with a path, asked below it":  {"https://example.org/nuget/feeds", "/nuget/feeds/v3/index.json", nil, "https://example.org/nuget/feeds/v3/", 200},
		"configured with a path, asked at root":   {"https://example.org/nuget/feeds", "/v3/index.json", nil, "https://example.org/nuget/feeds/v3/", 200},
		"configured with a path, asked elsewhere": {"https://example.org/nuget/feeds", "/nuget/feedsx/v3/index.json", nil, "", 404},
		"configured with a path, another feed":    {"https://example.org/nuget", "/nuget/team/v3/index.json", nil, "https://example.org/nuget/team/v3/", 200},
		"another feed":                            {"own", "/team/v3/index.json", nil, "http://ADDR/team/v3/", 200},
		"another feed in another case":            {"own", "/Team/V3/index.json", nil, "http://ADDR/team/v3/", 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := sites[c.how].with(t)
			a := s.get(c.path, c.header...).is(c.status)
			if c.status != 200 {
				return
			}
			want := strings.ReplaceAll(c.want, "ADDR", s.addr) + "flat/"
			if got := a.json()["resources"].([]any)[0].(map[string]any)["@id"]; got != want {
				t.Errorf("flat container at %v, want %s", got, want)
			}
		})
	}
}

func withURL(u string) siteOptions { return options(func(o *Options) { o.URL = u }) }

func TestWrongURL(t *testing.T) {
	for _, u := range []string{"nuget.example.org", "ftp://example.org", "https://", "https://a b", "https://example.org/a/../b", "https://example.org/?q", "https://u:p@example.org", "https://example.org/#x", "https://example.org//a", "https://example.org/?", "https://example.org:65536", "https://example.org/v3/index.json", "https://b\u00fccher.example"} {
		if _, err := PublicURL(u); err == nil {
			t.Errorf("PublicURL(%q) is no error", u)
		}
		if err := new(Server).configure("", u); err == nil {
			t.Errorf("the public address %q is taken", u)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://Nuget.Example.ORG": "https://nuget.example.org", "HTTP://a:80/": "http://a:80", "https://a/B/c//": "https://a/B/c", "https://[::1]:8443/x": "https://[::1]:8443/x",
	} {
		if got, err := PublicURL(text); err != nil || got != want {
			t.Errorf("PublicURL(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// M-01 and M-40 lead to the address that the request came to.
func TestMessagesNameTheAddressOfTheRequest(t *testing.T) {
	t.Parallel()
	s := start(t, closed(), loopbackProxy)
	const want = "https://nuget.example.org/feeds/account/apikeys."
	outside := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "nuget.example.org", "X-Forwarded-Prefix", "/feeds"}
	with := func(more ...string) []string { return append(slices.Clone(outside), more...) }
	data := pack{id: "Foo", version: "1.0.0"}.nupkg(t)
	for what, a := range map[string]*answer{
		"read":   s.get("/v3/index.json", outside...),
		"push":   s.do("PUT", "/v3/package", bytes.NewReader(data), outside...),
		"unlist": s.do("DELETE", "/v3/package/Foo/1.0.0", nil, outside...),
	} {
		if a.is(401); a.reason != "No API key or password was sent. Create a key at "+want {
			t.Errorf("%s: %s", what, a.reason)
		}
	}
	ends := s.newKey(gallery.NewKey{Days: 3, HasDays: true})
	for what, a := range map[string]*answer{
		"read": s.get("/v3/index.json", with("Authorization", basic("x", ends))...).is(200),
		"push": s.do("PUT", "/v3/package", bytes.NewReader(data), with("X-NuGet-ApiKey", ends)...).is(201),
	} {
		if all := a.header["X-Nuget-Warning"]; len(all) == 0 || !strings.HasSuffix(all[len(all)-1], " Replace it at "+want) {
			t.Errorf("%s: %q", what, all)
		}
	}
}

// A Host that is none is 400, with a public address and without.
func TestHostHeader(t *testing.T) {
	t.Parallel()
	for _, s := range []*testSite{start(t), start(t, withURL("https://nuget.example.org"))} {
		for _, host := range []string{"a@b", "a,b", "a:b", "a_b:80:80", "\"><script>"} {
			a := s.raw("GET /v3/index.json HTTP/1.1\r\nHost: "+host+"\r\n\r\n", 1)[0].is(400)
			if strings.Contains(string(a.body), host) {
				t.Errorf("the body repeats the host %q", host)
			}
		}
		s.raw("GET /v3/index.json HTTP/1.0\r\n\r\n", 1)[0].is(200) // HTTP/1.0 has none
	}
}

// Nothing rendered for one Host is given to another, and a stranger who makes
// hosts up does not fill the cache.
func TestDocumentsOfManyHosts(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Foo", version: "1.0.0"})
	const path = "/v3/reg/foo/index.json"
	tags := map[string]bool{}
	for i := range 20 {
		host := fmt.Sprintf("host-%d.example", i)
		for range 3 {
			a := s.get(path, "Host", host).is(200)
			if !strings.Contains(string(a.body), "http://"+host+"/v3/") || strings.Contains(string(a.body), s.addr) {
				t.Fatalf("%s got %.200s", host, a.body)
			}
			tags[a.header.Get("ETag")] = true
		}
	}
	if len(tags) != 20 {
		t.Errorf("%d ETags of 20 hosts", len(tags))
	}
	kept := func() int { return len(*s.server.addresses.kept.Load()) }
	own := kept()
	for range 2 * admitAfter {
		s.get(path, "Host", "often.example").is(200)
	}
	if kept() != own+1 {
		t.Errorf("%d addresses are kept, want one more than %d", kept(), own)
	}
	for i := range 10 { // an authenticated request vouches for its host, but not for any number
		s.do("DELETE", "/v3/package/Foo/1.0.0", nil, "X-NuGet-ApiKey", s.key, "Host", fmt.Sprintf("known-%d.example", i)).is(204)
	}
	if kept() != own+maxOtherAddresses {
		t.Errorf("%d addresses are kept, want %d", kept(), own+maxOtherAddresses)
	}
}

// A stranger who asks often cannot keep the gallery's true address out.
func TestVouchedHostsComeFirst(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Foo", version: "1.0.0"})
	kept := func(host string) bool { return (*s.server.addresses.kept.Load())[addressKey{"http", host, ""}] != nil }
	for i := range maxOtherAddresses {
		for range admitAfter {
			s.get("/v3/index.json", "Host", fmt.Sprintf("evil-%d.example", i)).is(200)
		}
	}
	if !kept("evil-0.example") {
		t.Fatal("a host that is asked often is not kept")
	}
	use := func(host string) {
		s.do("DELETE", "/v3/package/Foo/1.0.0", nil, "X-NuGet-ApiKey", s.key, "Host", host).is(204)
	}
	use("evil-3.example") // is true after all
	for i := range maxOtherAddresses - 1 {
		use(fmt.Sprintf("true-%d.example", i))
	}
	for _, host := range []string{"evil-3.example", "true-0.example", "true-1.example", "true-2.example"} {
		if !kept(host) {
			t.Errorf("%s is not kept", host)
		}
	}
	use("late.example")
	if kept("late.example") || len(*s.server.addresses.kept.Load()) != s.server.addresses.own+maxOtherAddresses {
		t.Errorf("%d addresses are kept", len(*s.server.addresses.kept.Load()))
	}
}

func TestClientAddr(t *testing.T) {
	s := &Server{o: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:999", "198.51.100.7", "192.0.2.1"},
		{"10.0.0.1:999", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:999", "203.0.113.9, 198.51.100.7, 10.2.3.4", "198.51.100.7"},
		{"10.0.0.1:999", "", "10.0.0.1"},
		{"10.0.0.1:999", "nonsense", "10.0.0.1"},
		{"10.0.0.1:999", "203.0.113.9, 198.51.100.7:4711", "198.51.100.7"},
		{"10.0.0.1:999", "[2001:db8::1]:4711", "2001:db8::1"},
		{"10.0.0.1:999", "nonsense, 198.51.100.7", "198.51.100.7"},
		{"[::1]:999", "2001:db8::1", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:999", "198.51.100.7", "198.51.100.7"},
		{"[::ffff:192.0.2.1]:999", "198.51.100.7", "192.0.2.1"},
		{"10.0.0.1:999", "10.1.1.1, 10.1.1.2", "10.1.1.1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.clientAddr(r); got != c.want {
			t.Errorf("%s forwarding %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestListenersAreKept(t *testing.T) {
	var all addresses
	all.init([]string{"main"}, []net.Addr{&net.TCPAddr{IP: net.IPv4zero, Port: 80}, &net.TCPAddr{IP: net.ParseIP("192.0.2.5"), Port: 5050}})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "192.0.2.5:5050"} {
		if a := all.find(addressKey{"http", host, ""}); !a.keep {
			t.Errorf("%s is not kept", host)
		}
	}
}
