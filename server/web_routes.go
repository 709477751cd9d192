package server

import "net/http"

// pageRoutes is the part of the table that people look at. It is read before a
// server exists, to know which names a feed may not have.
func (s *Server) pageRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		// A feed's pages: home and Connect (UX-03), the list (UX-04), packages with
		// their versions (UX-05, UX-06), licences (UX-15).
		{Method: get, Path: "/", Rule: readPage, Handle: s.handleHome},
		{Method: get, Path: "/connect", Rule: readPage, Handle: s.handleConnect},
		{Method: get, Path: "/packages", Rule: readPage, Handle: s.handleSearchPage},
		{Method: get, Path: "/packages/:id", Rule: readPage, Handle: s.handlePackage},
		{Method: get, Path: "/packages/:id/latest", Rule: readPage, Handle: s.handleLatest},
		{Method: get, Path: "/packages/:id/latest/prerelease", Rule: readPage, Handle: s.handleLatestPrerelease},
		{Method: get, Path: "/packages/:id/:version", Rule: readPage, Handle: s.handlePackage},
		{Method: get, Path: "/packages/:id/:version/license", Rule: readPage, Handle: s.handleLicense},
		{Method: get, Path: "/packages/:id/:version/image/*", Rule: readPage, Handle: s.handleImage},
		{Method: post, Path: "/packages/:id/:version/unlist", Rule: accountPage, Handle: s.handleListing(false)},
		{Method: post, Path: "/packages/:id/:version/relist", Rule: accountPage, Handle: s.handleListing(true)},

		// The account's pages: signing in and out (UX-02), keys (UX-12). The public
		// gallery's addresses for signing in and out are in people's bookmarks and in
		// documents (GAL-B20).
		{Method: get, Path: "/account/signin", Rule: anyPage, Handle: s.handleSignInPage, Site: true},
		{Method: post, Path: "/account/signin", Rule: anyPage, Handle: s.handleSignIn, Site: true},
		{Method: post, Path: "/account/signout", Rule: anyPage, Handle: s.handleSignOut, Site: true},
		{Method: get, Path: "/users/account/logon", Rule: anyPage, Handle: s.handleLogOn, Site: true},
		{Method: get, Path: "/users/account/logoff", Rule: anyPage, Handle: s.handleLogOff, Site: true},
		{Method: get, Path: "/account", Rule: accountPage, Handle: s.handleAccount, Site: true},
		{Method: get, Path: "/account/apikeys", Rule: accountPage, Handle: s.handleKeys, Site: true},
		{Method: post, Path: "/account/apikeys", Rule: accountPage, Handle: s.handleNewKey, Site: true},
		{Method: post, Path: "/account/apikeys/:key/revoke", Rule: accountPage, Handle: s.handleRevokeKey, Site: true},

		// The site's own.
		{Method: get, Path: "/setup/:token", Rule: anyPage, Handle: s.handleSetUpPage, Site: true},
		{Method: post, Path: "/setup/:token", Rule: anyPage, Handle: s.handleSetUp, Site: true},
		{Method: post, Path: "/theme", Rule: anyPage, Handle: s.handleTheme, Site: true},
		{Method: get, Path: "/assets/:hash/:name", Rule: anyPage, Handle: s.handleAsset, Site: true},
		{Method: get, Path: "/favicon.ico", Rule: anyPage, Handle: s.handleFavicon, Site: true},
	}
}
