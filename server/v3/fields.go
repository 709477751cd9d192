package v3

import (
	"net/url"
	"time"

	"nougat/gallery"
)

// unlistedTime is the publishing time that clients take for "unlisted" (Q-50,
// T-12).
var unlistedTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// publishedOf is the push of a listed version, and 1900 of an unlisted one.
func publishedOf(h *gallery.Head) time.Time {
	if h.Listed {
		return h.Published
	}
	return unlistedTime
}

// segment escapes what a nuspec may hold in the ID of a dependency.
func segment(s string) string {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return url.PathEscape(s)
		}
	}
	return s
}
