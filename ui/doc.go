// Package ui draws the pages of the gallery: every page is a struct whose
// fields say what it shows, and this room turns it into HTML. It holds all the
// wording, the style, the one script, and the rendering of Markdown.
//
// It must never decide what may happen, read a store, or speak HTTP: the
// server fills a page and sends what Render writes. It imports no other room.
//
// # How a page is answered
//
// The server fills the struct of the page (its embedded Frame first), calls
// Renderer.Render with a buffer, and sends the bytes as text/html; charset=utf-8
// with ContentSecurityPolicy. Nothing that Render writes refers to another host
// but links that a person may follow.
//
// # Addresses and forms
//
// Links are built from Frame.Base and Frame.FeedRoot by the URL methods of
// Frame, and nowhere else. Every form posts to one of these addresses, with
// these fields (all forms are same-origin; the server checks that with
// net/http's CrossOriginProtection, so there is no token):
//
//	POST {base}/setup/{token}                        name password brand url read
//	POST {base}/account/signin                       name password return
//	POST {base}/account/signout                      return
//	POST {base}/theme                                theme ("", "light", "dark") return
//	POST {base}/account/apikeys                      name days feed scopes (repeated) packages
//	POST {base}/account/apikeys/{key id}/revoke
//	POST {root}/packages/{id}/{version}/unlist       page
//	POST {root}/packages/{id}/{version}/relist       page
//
// {base} is Frame.Base and {root} is Frame.Base + Frame.FeedRoot. "return" is a
// path below the base that begins with one slash; the server must check that
// before it redirects there. "page" is the page of the versions table to come
// back to, at {root}/packages/{id}?show=versions&page={page}; without it the
// form was on the version's own page, and comes back to that.
//
// These are read with GET:
//
//	{root}/                               HomePage
//	{root}/packages                       SearchPage   q type prerel sort page
//	{root}/packages/{id}                  PackagePage  tab show page
//	{root}/packages/{id}/{version}        PackagePage  tab show page
//	{root}/packages/{id}/{version}/license  LicensePage
//	{root}/connect                        ConnectPage  client
//	{base}/account/apikeys                KeysPage
//	{base}/account/signin                 SignInPage   return
//	{base}/setup/{token}                  SetupPage
//	{base}/assets/{hash}/{name}           Renderer.Asset
package ui
