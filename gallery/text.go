package gallery

import (
	"strings"
	"unicode"
)

// cut shortens text from outside to n bytes at most, at a character's start.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
