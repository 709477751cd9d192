package ui

import (
	"net/url"
	"strings"
	"time"
)

// Frame is what every page shows around its own content (UX-00). Each page
// struct embeds it. The frame shows only links that lead somewhere.
type Frame struct {
	// Title names the document in the browser's tab, before the brand. A page
	// that knows its own heading fills it in when it is empty.
	Title string
	// Brand is the gallery's name (site.name); "" is "nougat".
	Brand string
	// Base is the path under which the gallery is served, without a slash at its
	// end: "" or "/gallery".
	Base string
	// Feed is the name of the feed shown, such as "main".
	Feed string
	// FeedRoot is the path of the feed's pages below Base, without a slash at its
	// end: "" for main, "/test" for the feed "test".
	FeedRoot string
	// TestFeed puts the stripe of a test feed over the page and changes the
	// favicon.
	TestFeed bool
	// Feeds are the feeds that the reader may see, for the footer. With fewer
	// than two, no choice is shown.
	Feeds []FeedLink
	// User is who is signed in, nil for nobody.
	User *UserLink
	// CanSignIn shows "Sign in" when nobody is signed in. False before the first
	// account exists.
	CanSignIn bool
	// Bare leaves out the search box and the links: for set-up, and for signing
	// in to a gallery that nobody reads unasked.
	Bare bool
	// Query is the text in the search box.
	Query string
	// Theme is "" (as the system), "light" or "dark", pinned by a cookie.
	Theme string
	// Notice is said once on top of the page, as plain text: the answer to what
	// was just done, such as "3.2.0 is unlisted."
	Notice string
	// Version is the program's version, shown in the footer; "" is not shown.
	Version string
	// Path is path and query of this page below Base, such as
	// "/packages/A?show=versions". It marks the current link, and signing in, out
	// and choosing a theme come back to it with a GET.
	Path string
	// Now is the time the page is drawn; expiry is coloured by it.
	Now time.Time
}

// UserLink is the account that is signed in.
type UserLink struct {
	Name  string
	Admin bool
}

// FeedLink is a feed and the path of its pages below the base ("" for main).
type FeedLink struct {
	Name string
	Root string
}

func (f Frame) frame() Frame { return f }

// Root is the path of the feed's pages: Base + FeedRoot, "" at the top.
func (f Frame) Root() string { return f.Base + f.FeedRoot }

// At says whether this page lies at path below the feed's root, or under it.
func (f Frame) At(path string) bool {
	here, _, _ := strings.Cut(f.Path, "?")
	rest, ok := strings.CutPrefix(here, f.FeedRoot+path)
	return ok && (rest == "" || rest[0] == '/')
}

// HomeURL is the address of the feed's home page.
func (f Frame) HomeURL() string { return f.Root() + "/" }

// PackagesURL is the address of the search page, without a question.
func (f Frame) PackagesURL() string { return f.Root() + "/packages" }

// SearchURL is the address of the search page that answers q.
func (f Frame) SearchURL(q string) string {
	return f.PackagesURL() + "?q=" + url.QueryEscape(q)
}

// PackageURL is the address of a package's page; with version "" that of its
// latest version.
func (f Frame) PackageURL(id, version string) string {
	u := f.PackagesURL() + "/" + url.PathEscape(id)
	if version != "" {
		u += "/" + url.PathEscape(version)
	}
	return u
}

// LicenseURL is the address of the page that shows a version's licence.
func (f Frame) LicenseURL(id, version string) string {
	return f.PackageURL(id, version) + "/license"
}

// ListingURL is where a form posts to unlist (act "unlist") or relist ("relist")
// a version.
func (f Frame) ListingURL(id, version, act string) string {
	return f.PackageURL(id, version) + "/" + act
}

// ConnectURL is the address of the Connect page.
func (f Frame) ConnectURL() string { return f.Root() + "/connect" }

// KeysURL is the address of the page of API keys.
func (f Frame) KeysURL() string { return f.Base + "/account/apikeys" }

// RevokeURL is where a form posts to revoke the key with this ID.
func (f Frame) RevokeURL(keyID string) string {
	return f.KeysURL() + "/" + url.PathEscape(keyID) + "/revoke"
}

// SignInURL is the address of the sign-in page, which comes back to this page.
func (f Frame) SignInURL() string {
	u := f.Base + "/account/signin"
	if f.Path != "" && f.Path != "/" && !strings.HasPrefix(f.Path, "/account/sign") {
		u += "?return=" + url.QueryEscape(f.Path)
	}
	return u
}

// SignOutURL is where the form that signs out posts.
func (f Frame) SignOutURL() string { return f.Base + "/account/signout" }

// ThemeURL is where the form that pins a theme posts.
func (f Frame) ThemeURL() string { return f.Base + "/theme" }
