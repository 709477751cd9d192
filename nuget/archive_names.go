package nuget

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxEntryName is the longest name of an entry, in characters (PROTO-12.1).
const maxEntryName = 260

// windowsDevices are names that Windows gives to no file, in any letter case and
// with any extension. Its documentation counts the superscript digits too.
var windowsDevices = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"com¹": true, "com²": true, "com³": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
	"lpt¹": true, "lpt²": true, "lpt³": true,
}

// isBidiControl reports whether c changes the direction of the text around it,
// which lets a name look like another one.
func isBidiControl(c rune) bool {
	switch {
	case c == 0x061C, c == 0x200E, c == 0x200F, 0x202A <= c && c <= 0x202E, 0x2066 <= c && c <= 0x2069:
		return true
	}
	return false
}

// entryNameFault says why the name of an entry is not allowed (PROTO-12.1,
// Q-34), or returns "". What clients unpack is the name with its escapes
// replaced, so that is what the rules look at.
func entryNameFault(stored string) (why string) {
	name := unescapeName(stored)
	if name == "" {
		return "it is empty"
	}
	if len(stored) > maxEntryName && (characters(stored) > maxEntryName || characters(name) > maxEntryName) {
		return fmt.Sprintf("it is longer than %d characters", maxEntryName)
	}
	for _, c := range name {
		switch {
		case unicode.IsControl(c):
			return fmt.Sprintf("it holds the control character U+%04X", c)
		case isBidiControl(c):
			return fmt.Sprintf("it holds U+%04X, which changes the direction of text", c)
		case c == ':':
			return "it holds a colon"
		}
	}
	if name[0] == '/' || name[0] == '\\' {
		return "it is an absolute path"
	}
	if strings.Contains(name, `\\`) {
		return `it holds \\`
	}
	file := false
	for segment := range strings.FieldsFuncSeq(name, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == ".." {
			return "it leads out of the package"
		}
		if segment == "." {
			continue
		}
		file = true
		if last, _ := utf8.DecodeLastRuneInString(segment); last == '.' || unicode.IsSpace(last) {
			return "a part of it ends in a dot or a blank"
		}
		stem, _, _ := strings.Cut(segment, ".")
		if stem = strings.TrimRight(stem, " "); len(stem) < 9 && windowsDevices[strings.ToLower(stem)] {
			return quote(stem) + " is a device on Windows"
		}
	}
	if !file {
		return "it names no file"
	}
	return ""
}

// unescapeName replaces %xx where the bytes are UTF-8, as .NET does when it
// unpacks; other escapes stay.
func unescapeName(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		if n, width := unescapeRune(name[i:]); width > 0 {
			b.WriteRune(n)
			i += width
			continue
		}
		b.WriteByte(name[i])
		i++
	}
	return b.String()
}

// unescapeRune reads the character that begins with the escape at the start of
// s. Width is 0 when there is none.
func unescapeRune(s string) (c rune, width int) {
	var encoded [utf8.UTFMax]byte
	for n := 0; n < len(encoded) && len(s) >= width+3 && s[width] == '%'; n++ {
		high, low := unhex(s[width+1]), unhex(s[width+2])
		if high < 0 || low < 0 {
			break
		}
		encoded[n] = byte(high<<4 | low)
		width += 3
		if utf8.FullRune(encoded[:n+1]) {
			if c, size := utf8.DecodeRune(encoded[:n+1]); c != utf8.RuneError || size > 1 {
				return c, width
			}
			break
		}
	}
	return 0, 0
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// cleanName returns the path at which clients unpack an entry: escapes
// replaced, forward slashes, no empty and no "." parts. A folder keeps its
// slash at the end.
func cleanName(stored string) string {
	if isCleanName(stored) {
		return stored
	}
	name := strings.ReplaceAll(unescapeName(stored), `\`, "/")
	folder := strings.HasSuffix(name, "/") || strings.HasSuffix(name, "/.")
	segments := strings.FieldsFunc(name, func(c rune) bool { return c == '/' })
	kept := segments[:0]
	for _, segment := range segments {
		if segment != "." {
			kept = append(kept, segment)
		}
	}
	name = strings.Join(kept, "/")
	if folder {
		name += "/"
	}
	return name
}

// isCleanName is quick, and true for nearly all names.
func isCleanName(name string) bool {
	before := byte('/')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '%', c == '\\', before == '/' && (c == '/' || c == '.'):
			return false
		}
		before = name[i]
	}
	return true
}

// foldName returns what two clean names have in common when they would be one
// file on some system: their form without letter case in normal form C, a
// folder without its slash.
func foldName(clean string) string {
	clean = strings.TrimSuffix(clean, "/")
	for i := range len(clean) {
		if clean[i] >= utf8.RuneSelf {
			return norm.NFC.String(cases.Fold().String(norm.NFC.String(clean)))
		}
	}
	return FoldID(clean)
}
