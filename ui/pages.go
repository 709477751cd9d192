package ui

import (
	"html/template"
	"time"
)

// Page is what Render draws: one of the page structs of this package, by value.
type Page interface {
	// Template is the name of the page's template.
	Template() string
	// frame is Frame's, which each page embeds.
	frame() Frame
}

// HTML is markup that is safe to show as it is; only Markdown makes it.
type HTML = template.HTML

// Errors holds what is wrong with a form: a sentence for each field's name. The
// key "" is for the form as a whole.
type Errors map[string]string

// PackageRow is a package in a list.
type PackageRow struct {
	ID string
	// Version is the latest version that fits the question.
	Version string
	// IconURL is an address of this gallery; "" shows two letters instead.
	IconURL string
	// Description is plain text of any length; about 210 characters of it are
	// shown.
	Description string
	Owners      []string
	// Frameworks are short folder names (net8.0), oldest or most wanted first; at
	// most four are shown.
	Frameworks []string
	Tags       []string
	Downloads  int64
	// Updated is when Version was published.
	Updated time.Time
	// Type is the package type to show as a badge: "DotnetTool", "Template",
	// "MSBuildSdk", "McpServer"; "" or "Dependency" shows none.
	Type string
}

// SetupPage is the first run (UX-01): it makes the first administrator and
// settles the gallery's name, address and who may read. Its form ends on
// ConnectPage.
type SetupPage struct {
	Frame
	// Token is the one-time token of this page's address.
	Token string
	// Name is the administrator's name as typed before.
	Name string
	// SiteName is the gallery's name as typed before, or the default.
	SiteName string
	// URL is the public address as typed before, or as guessed from the request.
	URL string
	// Read is "anyone" or "signed-in".
	Read string
	// PasswordRule says in a sentence what a password must be.
	PasswordRule string
	// Fixed names the fields ("brand", "url", "read") that configuration file,
	// environment or command line decide: they are shown and cannot be changed.
	Fixed map[string]bool
	// Errors is keyed by name, password, brand, url, read.
	Errors Errors
}

// SignInPage asks for name and password (UX-02).
type SignInPage struct {
	Frame
	// Name is the name as typed before.
	Name string
	// Return is the path below the base to come back to, or "".
	Return string
	// Why says why the page is shown, when something else was asked for: "This
	// gallery is for signed-in people." or "".
	Why string
	// Errors is keyed by name, password.
	Errors Errors
}

// HomePage is the feed's first page (UX-03): search, totals, what is new.
type HomePage struct {
	Frame
	Packages  int64
	Versions  int64
	Downloads int64
	// Recent are the packages updated last, newest first, at most 10.
	Recent []PackageRow
	// Types are the package types to look at beside all; empty shows none.
	Types []string
	// Index is the absolute address of the feed's service index.
	Index string
}

// NewKey is an API key at the one moment its value is known.
type NewKey struct {
	// Value is the whole key, ngt_….
	Value string
	Name  string
	Feed  string
	// Expires is zero for a key that does not.
	Expires time.Time
	// MayPush says whether the key publishes; the push command is shown then.
	MayPush bool
}

// ConnectPage says how each client is connected to the feed (UX-03).
type ConnectPage struct {
	Frame
	// Client is the tab: one of the Client constants; "" or anything unknown is
	// ClientDotnet.
	Client string
	// Source is the name that the source gets on the reader's machine: letters,
	// digits, dots and dashes are best, blanks are allowed. "" is made from the
	// brand.
	Source string
	// Index is the absolute address of the service index. When it begins with
	// http:// the commands say --allow-insecure-connections.
	Index string
	// Push is the absolute address of the PackagePublish resource.
	Push string
	// Private says that reading needs credentials.
	Private bool
	// Key is the key made a moment ago, shown inside the push command; nil shows
	// a placeholder.
	Key *NewKey
	// JustSetUp changes the heading to "Your gallery is ready".
	JustSetUp bool
	// Example is the ID of a package here for the last command; "" shows a
	// placeholder.
	Example string
	// Patterns are the ID patterns that belong to this feed, such as "Contoso.*",
	// for the package source mapping; empty shows an example.
	Patterns []string
}

// The clients that ConnectPage knows, as its address names them (?client=).
const (
	ClientDotnet       = "dotnet"
	ClientNuGet        = "nuget"
	ClientVisualStudio = "visual-studio"
	ClientRider        = "rider"
	ClientPaket        = "paket"
	ClientConfig       = "config"
	ClientGitHub       = "github"
	ClientGitLab       = "gitlab"
)

// SearchPage lists packages (UX-04). The words asked for are Frame.Query.
type SearchPage struct {
	Frame
	Rows []PackageRow
	// Total counts all answers, on all pages.
	Total int
	// Type is the package type that was chosen, "" for all.
	Type string
	// Types are the types to choose from beside "all"; empty shows no choice.
	Types []TypeChoice
	// Prerelease says whether prerelease versions are shown; the page's default
	// is true (R-SRCH-03).
	Prerelease bool
	// Sort is one of the Sort constants, "" is SortRelevance.
	Sort string
	// Page counts from 1; Pages is how many there are.
	Page, Pages int
	// Near are packages with similar IDs, for a question without an answer.
	Near []PackageRow
	// JSON is the address of the feed's own answer to the question, "" when there
	// is none.
	JSON string
}

// TypeChoice is a package type to filter by.
type TypeChoice struct {
	// Type is the name as in a nuspec: Dependency, DotnetTool, Template,
	// MSBuildSdk, McpServer.
	Type string
	// Count is how many packages of this type answer the question; below 0 no
	// count is shown.
	Count int
}

// The orders of SearchPage, as its address names them (?sort=).
const (
	SortRelevance = "relevance"
	SortDownloads = "downloads"
	SortRecent    = "recent"
)

// PackagePage shows one version of a package (UX-05, UX-06).
type PackagePage struct {
	Frame
	// ID is written as the latest release writes it; Version is the normalized
	// version that is shown, as its author wrote the letters.
	ID, Version string
	// IconURL is an address of this gallery; "" shows two letters instead.
	IconURL string
	// Summary is the nuspec's. It stands under the heading, cut when long; where
	// it is empty, the first paragraph of Description.
	Summary string
	// Description is the nuspec's, plain text, shown when there is no readme.
	Description string
	// Chips are short framework names beside the heading; at most six are shown.
	Chips []string

	// Missing is the version that was asked for and is not here; Version is shown
	// in its place. "" when the page shows what was asked for.
	Missing string
	// Unlisted says that this version is unlisted.
	Unlisted bool
	// Prerelease says that this version is one.
	Prerelease bool
	// SemVer2 says that this version needs a client that knows SemVer 2.
	SemVer2 bool
	// LatestStable and LatestPrerelease are the highest listed versions of each
	// kind, "" for none; the page says when they are above Version.
	LatestStable     string
	LatestPrerelease string
	// Newer says that LatestStable is above Version; NewerPrerelease that
	// LatestPrerelease is above both Version and LatestStable.
	Newer, NewerPrerelease bool
	// MinClient is the lowest client version that the nuspec asks for, or "".
	MinClient string

	// Types are the package types as in the nuspec; none means Dependency. They
	// decide the tabs of the install box.
	Types []string
	// DevelopmentDependency changes the PackageReference that is shown.
	DevelopmentDependency bool
	// Tab is the install tab (?tab=), Show the body tab (?show=); unknown values
	// show the first.
	Tab, Show string

	// Readme is what Markdown made of the readme, "" when there is none.
	Readme HTML
	// ReleaseNotes are plain text.
	ReleaseNotes string
	Dependencies []DependencyGroup
	// Frameworks are the frameworks that the package supports, by product.
	Frameworks []FrameworkGroup
	// Versions are those of this page of the versions table, highest first. The
	// server may leave it empty unless Show is ShowVersions.
	Versions []VersionRow
	// VersionCount counts all versions that the reader may see.
	VersionCount int
	// VersionsPage counts from 1; VersionsPages is how many there are.
	VersionsPage, VersionsPages int
	// CanManage shows Unlist and Relist, and the owners' wording.
	CanManage bool

	// Downloads are those of all versions, VersionDownloads of this one.
	Downloads, VersionDownloads int64
	// PerDay is the average number of downloads a day (R-STA-02), below 0 is not
	// shown.
	PerDay int64
	// Published is when this version was pushed, also of an unlisted one.
	Published time.Time
	Licence   Licence
	// Size is that of the .nupkg in bytes.
	Size int64
	// SHA512 is the hash of the .nupkg in base64, as lock files write it.
	SHA512 string
	// ProjectURL is as given in the nuspec; anything but http and https is not
	// shown.
	ProjectURL string
	Repository Repository
	// DownloadURL is the address of the .nupkg.
	DownloadURL string
	Owners      []string
	Authors     string
	Tags        []string
	Copyright   string
}

// The body tabs of PackagePage, as its address names them (?show=).
const (
	ShowReadme       = "readme"
	ShowDependencies = "dependencies"
	ShowVersions     = "versions"
	ShowNotes        = "notes"
	ShowFrameworks   = "frameworks"
)

// DependencyGroup is what a package needs on one framework.
type DependencyGroup struct {
	// Framework is the short folder name, "" for any framework.
	Framework string
	// Packages may be empty: this framework needs nothing.
	Packages []Dependency
}

// Dependency is one package that another needs.
type Dependency struct {
	ID string
	// Range is printed for people: "≥ 1.2.0", "≥ 1.0.0 and < 2.0.0".
	Range string
	// Here says that this feed has the package; it is a link then.
	Here bool
}

// FrameworkGroup lists the frameworks of one product, such as ".NET" or ".NET
// Standard".
type FrameworkGroup struct {
	Product    string
	Frameworks []FrameworkChip
}

// FrameworkChip is one framework that can use the package.
type FrameworkChip struct {
	// Name is the short folder name.
	Name string
	// Computed says that the package holds nothing for it, but that it is
	// compatible with something the package holds.
	Computed bool
}

// VersionRow is one version in the versions table.
type VersionRow struct {
	Version   string
	Downloads int64
	Published time.Time
	Size      int64
	Unlisted  bool
	// PushedBy is shown to owners only; "" is not shown.
	PushedBy string
}

// Licence is what the nuspec says about it, in its own text and not printed anew
//
type Licence struct {
	// Expression is an SPDX expression, or "".
	Expression string
	// File says that the package holds a licence file; its page shows it.
	File bool
	// URL is an outdated licenseUrl, used when there is nothing better; anything
	// but http and https is not shown.
	URL string
}

// Repository is where the source is, as given in the nuspec.
type Repository struct {
	// URL is shown as a link when it is http or https.
	URL    string
	Type   string
	Branch string
	Commit string
}

// LicensePage shows a version's licence (UX-15).
type LicensePage struct {
	Frame
	ID, Version string
	Licence     Licence
	// File is the path of the licence file in the package.
	File string
	// Text is the licence file when it is plain text.
	Text string
	// Markup is the licence file when it is Markdown.
	Markup HTML
}

// KeysPage lists, makes and revokes API keys (UX-12).
type KeysPage struct {
	Frame
	Keys []KeyRow
	// New is the key made a moment ago, nil when none was: its value is in this
	// answer and in no other.
	New *NewKey
	// Form holds what was typed before, or the defaults.
	Form KeyForm
	// Errors is keyed by name, days, feed, scopes, packages.
	Errors Errors
	// Feeds are the names of the feeds a key may be for; with one, no choice is
	// shown.
	Feeds []string
	// Days are the lifetimes to choose from; 0 is "never" (R-KEY-09).
	Days []int
	// Source, Index and Private are those of ConnectPage, for the feed of New.
	Source  string
	Index   string
	Private bool
}

// KeyForm is the form that makes a key.
type KeyForm struct {
	Name string
	Days int
	Feed string
	// Scopes holds push, pushversion, unlist, read.
	Scopes []string
	// Packages are patterns, divided by blanks, commas or lines.
	Packages string
}

// KeyRow is one key in the list.
type KeyRow struct {
	// ID is the public part: 8 characters.
	ID   string
	Name string
	Feed string
	// Scopes holds push, pushversion, unlist, read.
	Scopes   []string
	Packages []string
	Created  time.Time
	// Expires is zero for a key that does not.
	Expires time.Time
	// LastUsed is zero for a key that was never used.
	LastUsed time.Time
	// LastClient and LastAddr say what used it and from where (R-KEY-13).
	LastClient, LastAddr string
	Revoked              bool
}

// ErrorPage is the answer to a question that has no better one (UX-19). The
// functions below make it with the right words.
type ErrorPage struct {
	Frame
	Status int
	// Heading is the answer, as plain text.
	Heading string
	// Text says why, and what to do, a paragraph each.
	Text []string
	// Action is the one thing to do next, or nil.
	Action *Action
	// Near are packages that may have been meant.
	Near []PackageRow
	// CacheHint adds how to see a package that was published a moment ago.
	CacheHint bool
	// RequestID is found in the server's log; "" is not shown.
	RequestID string
}

// Action is a link shown as a button.
type Action struct {
	Label string
	URL   string
}

// Template implements Page.
func (SetupPage) Template() string   { return "setup" }
func (SignInPage) Template() string  { return "signin" }
func (HomePage) Template() string    { return "home" }
func (ConnectPage) Template() string { return "connect" }
func (SearchPage) Template() string  { return "search" }
func (PackagePage) Template() string { return "package" }
func (LicensePage) Template() string { return "license" }
func (KeysPage) Template() string    { return "keys" }
func (ErrorPage) Template() string   { return "error" }
