package server

import (
	"net/http"
	"slices"
	"strings"

	v3 "nougat/server/v3"
)

// A rule says who may ask for a route and what is looked up before its handler
// runs. Every route has one; a route without fails the start.
type rule uint8

const (
	noRule rule = iota

	// Addresses that programs read. They are answered with documents, text or
	// problem+json, never with a redirect or a page (PROTO-13.18).

	anyone    // nothing is looked at: the health probe, and answers that only name an address
	readIndex // the service index: as readFeed, but a key without package:read passes
	readFeed  // who may read the feed; nothing is looked at while it is open to read
	publish   // push, unlist, relist: who asks is settled by the handler, since a refusal is written early

	// Addresses that people look at. A session is looked up when its cookie came;
	// requests that change something must come from the gallery's own pages.

	anyPage     // assets, sign-in, set-up: never refused
	readPage    // pages of a feed: without the right to read, redirected to sign-in
	accountPage // pages of an account: without a session, redirected to sign-in
)

// isPage reports whether people look at it.
func (r rule) isPage() bool { return r >= anyPage }

// A handler answers a request, or returns why not: serve renders what it returns.
type handler func(c *call) error

// A route is one row of the table.
type route struct {
	Method string // GET stands for HEAD as well
	// Path begins with a slash. Segments that begin with a colon are parameters
	// (param), and * at the end takes the rest. Letter case of the others is
	// ignored, and so is a slash at the end.
	Path   string
	Rule   rule
	Handle handler
	// Site is set for addresses that belong to the site: they are answered at the
	// root alone. All others are answered for every feed, at its root.
	Site bool
}

// routes is the table of everything that is answered.
func (s *Server) routes() []route {
	const get, put, post, del = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	api := []route{
		{Method: get, Path: "/api/health-probe", Rule: anyone, Handle: s.handleHealth, Site: true}, // for load balancers

		// The feed's index, packages, metadata, search and autocomplete (PROTO-1 to PROTO-5).
		{Method: get, Path: "/v3/index.json", Rule: readIndex, Handle: s.handleServiceIndex},
		{Method: get, Path: "/v3/flat/:id/index.json", Rule: readFeed, Handle: s.handleFlatIndex},
		{Method: get, Path: "/v3/flat/:id/:version/:file", Rule: readFeed, Handle: s.handleFlatFile},
		{Method: get, Path: "/v3/reg/:id/index.json", Rule: readFeed, Handle: s.registrationIndex(v3.Plain)},
		{Method: get, Path: "/v3/reg/:id/page/:lower/:upper", Rule: readFeed, Handle: s.registrationPage(v3.Plain)},
		{Method: get, Path: "/v3/reg/:id/:leaf", Rule: readFeed, Handle: s.registrationLeaf(v3.Plain)},
		{Method: get, Path: "/v3/reg-gz/:id/index.json", Rule: readFeed, Handle: s.registrationIndex(v3.Gzip)},
		{Method: get, Path: "/v3/reg-gz/:id/page/:lower/:upper", Rule: readFeed, Handle: s.registrationPage(v3.Gzip)},
		{Method: get, Path: "/v3/reg-gz/:id/:leaf", Rule: readFeed, Handle: s.registrationLeaf(v3.Gzip)},
		{Method: get, Path: "/v3/reg-gz-semver2/:id/index.json", Rule: readFeed, Handle: s.registrationIndex(v3.SemVer2)},
		{Method: get, Path: "/v3/reg-gz-semver2/:id/page/:lower/:upper", Rule: readFeed, Handle: s.registrationPage(v3.SemVer2)},
		{Method: get, Path: "/v3/reg-gz-semver2/:id/:leaf", Rule: readFeed, Handle: s.registrationLeaf(v3.SemVer2)},
		{Method: get, Path: "/v3/query", Rule: readFeed, Handle: s.handleSearch},
		{Method: get, Path: "/v3/autocomplete", Rule: readFeed, Handle: s.handleAutocomplete},
		{Method: get, Path: "/v3/catalog/index.json", Rule: readFeed, Handle: s.handleCatalogIndex},
		{Method: get, Path: "/v3/catalog/:page", Rule: readFeed, Handle: s.handleCatalogPage},
		{Method: get, Path: "/v3/catalog/data/:folder/:leaf", Rule: readFeed, Handle: s.handleCatalogLeaf},

		// Push (PROTO-6.1), unlist and relist (PROTO-6.2), at their two addresses.
		{Method: put, Path: "/v3/package", Rule: publish, Handle: s.handlePush},
		{Method: del, Path: "/v3/package/:id/:version", Rule: publish, Handle: s.handleUnlist},
		{Method: post, Path: "/v3/package/:id/:version", Rule: publish, Handle: s.handleRelist},
		{Method: put, Path: "/api/v2/package", Rule: publish, Handle: s.handlePush},
		{Method: del, Path: "/api/v2/package/:id/:version", Rule: publish, Handle: s.handleUnlist},
		{Method: post, Path: "/api/v2/package/:id/:version", Rule: publish, Handle: s.handleRelist},

		// Helpers that clients of V2 know: a package's bytes, and short lists of IDs
		// and versions (PROTO-6.2, Q-55).
		{Method: get, Path: "/api/v2/package/:id", Rule: readFeed, Handle: s.handleDownload},
		{Method: get, Path: "/api/v2/package/:id/:version", Rule: readFeed, Handle: s.handleDownload},
		{Method: get, Path: "/api/v2/package-ids", Rule: readFeed, Handle: s.handlePackageIDs},
		{Method: get, Path: "/api/v2/package-versions/:id", Rule: readFeed, Handle: s.handlePackageVersions},

		// Addresses that people take for the feed's (PROTO-13.19); what
		// V2 clients ask below any address is found by looksV2 (unrouted.go).
		{Method: get, Path: "/index.json", Rule: anyone, Handle: s.handleWrongAddress},
		{Method: get, Path: "/v3", Rule: anyone, Handle: s.handleWrongAddress},
		{Method: get, Path: "/nuget", Rule: anyone, Handle: s.handleWrongAddress},
		{Method: get, Path: "/api/v2", Rule: anyone, Handle: s.handleWrongAddress},
	}
	return append(api, s.pageRoutes()...)
}

// laterRoutes are first segments that routes of later versions begin with: a feed
// of that name would hide them.
var laterRoutes = []string{
	"admin", "help", "organization", "organizations", "policies", "profiles", "stats", "symbols", "users", "badge", "feeds",
	"metrics", "status", "healthz", "well-known", "robots", "favicon", "sitemap", "signin", "signout", "login", "logout",
}

// ReservedFeedName reports whether a feed must not have this name, because it is
// the first segment of a route.
func ReservedFeedName(name string) bool {
	for _, rt := range new(Server).routes() {
		first, _, _ := strings.Cut(rt.Path[1:], "/")
		if strings.EqualFold(first, name) {
			return true
		}
	}
	return slices.Contains(laterRoutes, strings.ToLower(name))
}
