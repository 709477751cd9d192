package server

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"nougat/gallery"
	"nougat/ui"
)

// An address is one public address of the gallery: what documents, links and
// commands begin with. Nothing changes it once others see it.
type address struct {
	base   string     // "https://packages.example.org/nuget"
	prefix string     // its path: "" or "/nuget"
	roots  []string   // the roots of the feeds, in their order
	keep   bool       // documents rendered for it may be kept
	key    addressKey // how requests name it; zero for those that are always kept

	vouched bool // somebody known uses it

	noKey fixed // the 401 that every read of a closed feed begins with
}

// A fixed answer is written again and again with the same bytes.
type fixed struct {
	reason string
	body   []byte
	length []string // Content-Length
}

// addressKey is what requests say of their own address.
type addressKey struct{ scheme, host, prefix string }

// PublicURL returns the public address that text means as documents begin with
// it: host in small letters, no slash at the end. The error is a sentence.
func PublicURL(text string) (string, error) {
	k, err := parseAddress(text)
	return k.scheme + "://" + k.host + k.prefix, err
}

func parseAddress(text string) (addressKey, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost(u.Host) || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return addressKey{}, fmt.Errorf("%q is not an address such as https://nuget.example.org or https://example.org/nuget.", text)
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	if strings.HasSuffix(prefix, "/index.json") {
		return addressKey{}, fmt.Errorf("%q is the address of a feed: the gallery's is what stands before /v3/index.json.", text)
	}
	if prefix != "" && !validPrefix(prefix) {
		return addressKey{}, fmt.Errorf("The path of %q is not plain: use letters, digits, - _ . and ~ between single slashes.", text)
	}
	return addressKey{u.Scheme, strings.ToLower(u.Host), prefix}, nil
}

func newAddress(scheme, host, prefix string, feeds []string) *address {
	a := &address{base: scheme + "://" + host + prefix, prefix: prefix}
	for i, name := range feeds {
		a.roots = append(a.roots, a.base+feedRoot(i, name))
	}
	a.noKey.reason = gallery.MsgNoCredentials(a.keysURL())
	a.noKey.body = []byte(a.noKey.reason + "\n")
	a.noKey.length = []string{strconv.Itoa(len(a.noKey.body))}
	return a
}

// feedRoot is where a feed is answered, below the base: the first, which is main,
// at the root itself, others under their names.
func feedRoot(i int, name string) string {
	if i == 0 {
		return ""
	}
	return "/" + name
}

// indexURL is the address of the service index below a feed's root, which clients
// take as their source.
func indexURL(root string) string { return root + "/v3/index.json" }

// keysURL is the page of API keys.
func (a *address) keysURL() string { return a.base + ui.Frame{}.KeysURL() }

// While no public address is configured, documents are kept for the listener's
// own addresses and for so many others, admitted after an authenticated request
// or so many requests without (ENG-4): a stranger who makes hosts up
// must not fill the cache. One that was admitted by requests alone gives its place
// to one that somebody known uses.
const (
	maxOtherAddresses = 4
	admitAfter        = 100
	maxAddressTries   = 64
	maxHostLength     = 255 + len(":65535")
	maxPrefixBytes    = 200
)

// addresses knows those that requests have named.
type addresses struct {
	// Set in init, then fixed.
	feeds    []string
	fallback *address // for answers to requests that name no address
	own      int      // how many are always kept

	kept atomic.Pointer[map[addressKey]*address] // never changed: replaced under mu

	mu    sync.Mutex
	tries map[addressKey]int // guarded by mu
}

func (all *addresses) init(feeds []string, listeners []net.Addr) {
	all.feeds = feeds
	all.tries = make(map[addressKey]int)
	kept := make(map[addressKey]*address)
	for _, l := range listeners {
		tcp, ok := l.(*net.TCPAddr)
		if !ok {
			continue
		}
		port := strconv.Itoa(tcp.Port)
		hosts := []string{tcp.IP.String()}
		if tcp.IP.IsLoopback() || tcp.IP.IsUnspecified() || tcp.IP == nil {
			hosts = []string{"127.0.0.1", "localhost", "::1"}
		}
		for _, h := range hosts {
			h = net.JoinHostPort(h, port)
			if port == "80" { // which clients leave out
				h = strings.TrimSuffix(h, ":80")
			}
			a := newAddress("http", h, "", feeds)
			a.keep = true
			kept[addressKey{"http", h, ""}] = a
			if all.fallback == nil {
				all.fallback = a
			}
		}
	}
	if all.fallback == nil {
		all.fallback = newAddress("http", "localhost", "", feeds)
	}
	all.own = len(kept)
	all.kept.Store(&kept)
}

// find returns the address of k, kept or made for this request.
func (all *addresses) find(k addressKey) *address {
	if a := (*all.kept.Load())[k]; a != nil {
		return a
	}
	a := newAddress(k.scheme, strings.ToLower(k.host), k.prefix, all.feeds)
	a.key = k
	if all.tried(k) {
		return all.admit(a, false)
	}
	return a
}

// tried counts a request for k and reports whether it has earned its place.
func (all *addresses) tried(k addressKey) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.full() {
		return false
	}
	if _, known := all.tries[k]; !known && len(all.tries) >= maxAddressTries {
		clear(all.tries)
	}
	all.tries[k]++
	return all.tries[k] >= admitAfter
}

// full reports whether so many others are kept as may be.
func (all *addresses) full() bool { return len(*all.kept.Load())-all.own >= maxOtherAddresses }

// admit keeps an address from now on, if there is room, and returns what is kept. For one
// that is vouched for there is room where another is not.
func (all *addresses) admit(a *address, vouched bool) *address {
	all.mu.Lock()
	defer all.mu.Unlock()
	kept := maps.Clone(*all.kept.Load())
	if have := kept[a.key]; have != nil {
		if have.vouched || !vouched {
			return have
		}
	} else if all.full() {
		var out *address
		for _, other := range kept {
			if other.key != (addressKey{}) && !other.vouched {
				out = other
			}
		}
		if !vouched || out == nil {
			return a
		}
		delete(kept, out.key)
	}
	delete(all.tries, a.key)
	admitted := *a
	admitted.keep, admitted.vouched = true, vouched
	kept[a.key] = &admitted
	all.kept.Store(&kept)
	return &admitted
}

// addressOf finds out the public address of a request: the configured one, else
// what a trusted proxy forwarded, else the request's own Host.
func (s *Server) addressOf(r *http.Request) (*address, error) {
	if a := s.live.Load().address; a != nil {
		if !validHost(r.Host) && r.Host != "" {
			return nil, badHost()
		}
		return a, nil
	}
	k := addressKey{scheme: "http", host: r.Host}
	if r.TLS != nil {
		k.scheme = "https"
	}
	if s.fromProxy(r) {
		if p := strings.ToLower(forwarded(r, "X-Forwarded-Proto")); p == "http" || p == "https" {
			k.scheme = p
		}
		if h := forwarded(r, "X-Forwarded-Host"); h != "" {
			k.host = h
		}
		if p := strings.TrimRight(forwarded(r, "X-Forwarded-Prefix"), "/"); p != "" {
			if !validPrefix(p) {
				return nil, &gallery.Error{Kind: gallery.Invalid, Msg: "The header X-Forwarded-Prefix is not a plain path that begins with a slash."}
			}
			k.prefix = p
		}
	}
	if k.host == "" { // HTTP/1.0
		return s.addresses.fallback, nil
	}
	if a := (*s.addresses.kept.Load())[k]; a != nil {
		return a, nil
	}
	if !validHost(k.host) {
		return nil, badHost()
	}
	return s.addresses.find(k), nil
}

func badHost() error {
	return &gallery.Error{Kind: gallery.Invalid, Msg: "The header Host, or X-Forwarded-Host of a trusted proxy, is not a host name or address with an optional port."}
}

// fromProxy reports whether the request came through a proxy that is believed.
func (s *Server) fromProxy(r *http.Request) bool {
	if len(s.o.TrustedProxies) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && s.trusted(peer.Addr())
}

func (s *Server) trusted(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range s.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddr is the address of who asks: the peer, or behind trusted proxies
// the last address in X-Forwarded-For that is not one of them.
func (s *Server) clientAddr(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	a := peer.Addr()
	if len(s.o.TrustedProxies) > 0 && s.trusted(a) {
		chain := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		for i := len(chain) - 1; i >= 0; i-- {
			text := strings.TrimSpace(chain[i])
			hop, err := netip.ParseAddr(text)
			if err != nil { // some proxies write the port, too
				withPort, err := netip.ParseAddrPort(text)
				if err != nil {
					break
				}
				hop = withPort.Addr()
			}
			if a = hop; !s.trusted(hop) {
				break
			}
		}
	}
	return a.Unmap().String()
}

// forwarded is the first value of a header that a chain of proxies may have
// added to.
func forwarded(r *http.Request, name string) string {
	v := r.Header[name]
	if len(v) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(v[0], ",")
	return strings.TrimSpace(first)
}

// validHost reports whether h is host[:port]: a name, an IPv4 address, or an
// IPv6 address in brackets.
func validHost(h string) bool {
	if h == "" || len(h) > maxHostLength {
		return false
	}
	name, port := h, ""
	if h[0] == '[' {
		end := strings.IndexByte(h, ']')
		if end < 0 {
			return false
		}
		if a, err := netip.ParseAddr(h[1:end]); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		name, port = "", h[end+1:]
		if port == "" {
			return true
		}
		if port[0] != ':' || port == ":" {
			return false
		}
		port = port[1:]
	} else if i := strings.IndexByte(h, ':'); i >= 0 {
		name, port = h[:i], h[i+1:]
		if port == "" {
			return false
		}
	}
	if h[0] != '[' && name == "" {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil && port != "" {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// validPrefix reports whether p is a path such as /gallery or /a/b: it ends up
// in addresses and in the path of cookies.
func validPrefix(p string) bool {
	if p == "" || p[0] != '/' || len(p) > maxPrefixBytes {
		return false
	}
	for _, segment := range strings.Split(p[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
		for i := range len(segment) {
			c := segment[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0) {
				return false
			}
		}
	}
	return true
}

// withoutPrefix returns r with prefix taken off its path, or r as it is when its
// path does not lie below it.
func withoutPrefix(r *http.Request, prefix string) *http.Request {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok || path != "" && path[0] != '/' {
		return r
	}
	raw := r.URL.RawPath
	if raw != "" {
		if raw, ok = strings.CutPrefix(raw, prefix); !ok {
			return r
		}
	}
	if path == "" {
		path = "/"
	}
	return withPath(r, path, raw)
}

// withPath is r with another path.
func withPath(r *http.Request, path, raw string) *http.Request {
	r2, u := *r, *r.URL
	u.Path, u.RawPath = path, raw
	r2.URL = &u
	return &r2
}
