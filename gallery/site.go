package gallery

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rules about the site as a whole, which configuration, set-up and pages share.

// maxSiteName is how long the gallery's name may be, in characters.
const maxSiteName = 60

// SiteName returns a name for the gallery (site.name) as it is kept: blanks at
// the ends are dropped and several in a row are one. It is Invalid, under the
// field "brand", when nothing is left, when it is longer than 60 characters or
// when a character of it cannot be printed.
func SiteName(text string) (string, error) {
	name := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }), " ")
	switch {
	case name == "":
		return "", &Error{Kind: Invalid, Field: "brand", Msg: "Give the gallery a name."}
	case utf8.RuneCountInString(name) > maxSiteName:
		return "", &Error{Kind: Invalid, Field: "brand", Msg: "The name is longer than 60 characters. Choose a shorter one."}
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", &Error{Kind: Invalid, Field: "brand", Msg: "The name holds a character that cannot be printed. Leave it out."}
	}
	return name, nil
}

// IsLoopback reports whether a host, a name or an address, can be reached from
// this machine alone. A name other than localhost is not looked up: it counts
// as public.
func IsLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
