package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
	v3 "nougat/server/v3"
	"nougat/ui"
)

// Options says what a Server serves and what its settings are. Gallery and
// Pages are required.
type Options struct {
	Gallery *gallery.Gallery
	Pages   *ui.Renderer

	// URL is the public address, such as https://packages.example.org or one with
	// a path. Empty: every request's own address is used.
	URL string
	// Listeners are the addresses listened on. While URL is empty, documents for
	// them are kept (ENG-4).
	Listeners []net.Addr
	// TrustedProxies are the only peers whose forwarded headers are believed.
	TrustedProxies []netip.Prefix

	Brand      string        // site.name; "" is "nougat"
	Version    string        // of the program, for the foot of the pages; in no header
	SetupToken string        // the last segment of the set-up link; "" when there is none
	CacheBytes int64         // bound of the document cache; 0: 64 MiB
	Log        *slog.Logger  // nil: discarded
	Grace      time.Duration // how long Shutdown waits for running requests; 0: 30 s

	// Fixed holds the settings that file, environment or command line decide, and
	// which of them does. The set-up page shows them and cannot change them.
	Fixed map[string]string

	// Saved is called by the set-up page after site.name, url and access.read
	// were stored. It puts access.read in force and returns the brand and address
	// that hold now: file, environment and command line may outweigh what was
	// saved. Nil: what was saved holds.
	Saved func(saved map[string]string) (brand, url string)
}

// How long connections may take and how much of a head is read (ENG-4). There is
// no read or write timeout of net/http's: uploads and downloads have rules of
// their own (Q-32, body.go, conn.go).
const (
	headTimeout    = 15 * time.Second
	idleTimeout    = 180 * time.Second // .NET's pool keeps connections for 60
	maxHeadBytes   = 64 << 10
	shutdownGrace  = 30 * time.Second
	smallBodyLimit = 30 * time.Second // a request body that is not an upload is complete within this
)

// A Server answers HTTP for one gallery. Any number of goroutines, one a request,
// run its methods at once.
type Server struct {
	// Set in New, then fixed: what these point to locks itself.
	o         Options
	g         *gallery.Gallery
	log       *slog.Logger
	router    *router
	http      *http.Server
	docs      *docs.Docs
	v3        *v3.Docs
	web       *web     // what the pages keep in memory
	feedNames []string // in the gallery's order, main first
	patience  patience

	// Replaced as a whole by configure, in New and from the set-up page.
	live      atomic.Pointer[settings]
	crossSite atomic.Pointer[http.CrossOriginProtection]

	// Shared by the requests.
	addresses addresses    // locks itself
	calls     sync.Pool    // *call, each with one request at a time
	discards  slots        // for refused bodies that are read to their end
	sending   slots        // for downloads that hold a file open, while they are written
	answers   atomic.Int64 // bytes of large answers that are being sent

	stopping atomic.Bool // set by the first Shutdown
}

// settings is what the set-up page may change while the server runs. It is fixed
// once it is in force: a change makes new ones.
type settings struct {
	brand     string
	address   *address // of Options.URL; nil without one
	challenge []string // WWW-Authenticate
}

// New makes a server and fails on a wrong URL, on a feed whose name is the
// first segment of a route, and on a route without a rule.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = shutdownGrace
	}
	s := &Server{
		o:        o,
		g:        o.Gallery,
		log:      o.Log,
		docs:     docs.New(o.Gallery, o.CacheBytes),
		discards: newSlots(maxDiscards),
		sending:  newSlots(maxFilesSent()),
		patience: uploadPatience,
		web:      newWeb(),
	}
	s.v3 = v3.New(s.g, s.docs)
	for i, f := range o.Gallery.Feeds() {
		if i > 0 && ReservedFeedName(f.Name) {
			return nil, fmt.Errorf("a feed cannot be named %q: the gallery's own addresses begin with it; choose another name", f.Name)
		}
		s.feedNames = append(s.feedNames, f.Name)
	}
	s.calls.New = func() any { return new(call) }
	if err := s.configure(o.Brand, o.URL); err != nil {
		return nil, err
	}
	s.addresses.init(s.feedNames, o.Listeners)
	s.router = newRouter(s)
	if err := s.router.add(s.routes()); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeadBytes,
		ConnContext:       connContext,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// configure puts a brand and a public address in force.
func (s *Server) configure(brand, publicURL string) error {
	if brand == "" {
		brand = "nougat"
	}
	now := &settings{brand: brand, challenge: []string{`Basic realm="` + quotable(brand) + `"`}}
	cross := http.NewCrossOriginProtection()
	if publicURL != "" {
		k, err := parseAddress(publicURL)
		if err != nil {
			return err
		}
		now.address = newAddress(k.scheme, k.host, k.prefix, s.feedNames)
		now.address.keep = true
		if err := cross.AddTrustedOrigin(k.scheme + "://" + k.host); err != nil {
			return err
		}
	}
	s.live.Store(now)
	s.crossSite.Store(cross)
	return nil
}

// Serve answers the connections of l until Shutdown; it then returns nil. It may
// be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(newListener(l, maxConnections()))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops accepting, closes idle connections, and waits for running
// requests: at most Options.Grace and not longer than ctx; what still runs then
// is closed. A second call closes at once.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.stopping.Swap(true) {
		return s.http.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return s.http.Close()
	}
	return err
}

// Handler is the server without its connections, for tests: reason phrases and
// deadlines need Serve.
func (s *Server) Handler() http.Handler { return s }

// ServeHTTP takes the sub-path of the public address off, so that everything is
// answered with and without it, and lets the router find the route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a := s.live.Load().address; a != nil && a.prefix != "" {
		r = withoutPrefix(r, a.prefix)
	}
	s.router.ServeHTTP(w, r)
}

// errAnswered is returned by what has written the answer itself.
var errAnswered = errors.New("answered")

// brand is the name of the gallery.
func (s *Server) brand() string { return s.live.Load().brand }

// handleHealth answers a load balancer.
func (s *Server) handleHealth(c *call) error {
	return s.text(c, http.StatusOK, noStore, "ok")
}
