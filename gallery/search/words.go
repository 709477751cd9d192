package search

import (
	"unicode"
	"unicode/utf8"
)

// maxWord is how many bytes of a word count, in the packages as in queries. An
// ID has at most 100.
const maxWord = 128

// A wordCutter cuts text into words, the same way for packages and for queries
// (PROTO-4.2, R-SRCH-02). A word is a run of letters, digits and marks;
// everything else, '_' included, separates words. Its zero value is ready.
type wordCutter struct {
	word []byte
	cuts []int
}

// The classes of characters. A word has parts: it is cut where the class
// changes, except between a capital and the small letters after it.
const (
	separator = iota
	small     // also letters without case
	capital
	digit
	ideograph // each is a part of its own: such scripts write no spaces
	mark      // belongs to the letter before it
)

// each calls f for every word of text, in order: the word in lower case, and
// the offsets in it where its second and later parts begin; none for a word of
// one part. Foo2Bar is "foo2bar" with cuts 3 and 4, HTTPServer "httpserver"
// with a cut at 4. f must copy what it keeps.
func (w *wordCutter) each(text string, f func(word []byte, cuts []int)) {
	w.word, w.cuts = w.word[:0], w.cuts[:0]
	var before, last int // classes of the two characters before this one
	start := 0           // of the last character, in word
	for i := 0; i <= len(text); {
		class, c, size := separator, rune(0), 1
		if i < len(text) {
			class, c, size = classify(text, i)
		}
		i += size
		if class == separator {
			if len(w.word) > 0 {
				f(w.word, w.cuts)
				w.word, w.cuts = w.word[:0], w.cuts[:0]
			}
			before, last, start = separator, separator, 0
			continue
		}
		if class == mark {
			if class = last; class == separator {
				class = small
			}
		} else if at := len(w.word); at > 0 && at < maxWord {
			switch {
			case class == small && last == capital:
				if before == capital {
					w.cuts = append(w.cuts, start)
				}
			case class != last || class == ideograph:
				w.cuts = append(w.cuts, at)
			}
		}
		before, last, start = last, class, len(w.word)
		if len(w.word)+utf8.UTFMax <= maxWord {
			w.word = utf8.AppendRune(w.word, c)
		}
	}
}

// ascii is the class of each byte below 0x80.
var ascii = func() (classes [utf8.RuneSelf]uint8) {
	for b := range classes {
		switch {
		case 'a' <= b && b <= 'z':
			classes[b] = small
		case 'A' <= b && b <= 'Z':
			classes[b] = capital
		case '0' <= b && b <= '9':
			classes[b] = digit
		}
	}
	return classes
}()

// classify returns the class of the character at i, the character in lower
// case, and its length.
func classify(text string, i int) (class int, lower rune, size int) {
	if b := text[i]; b < utf8.RuneSelf {
		class = int(ascii[b])
		if class == capital {
			b += 'a' - 'A'
		}
		return class, rune(b), 1
	}
	return classifyWide(text[i:])
}

func classifyWide(text string) (class int, lower rune, size int) {
	c, size := utf8.DecodeRuneInString(text)
	switch {
	case c == utf8.RuneError:
		return separator, 0, size
	case unicode.IsUpper(c), unicode.IsTitle(c):
		return capital, unicode.ToLower(c), size
	case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return ideograph, c, size
	case unicode.IsLetter(c):
		return small, unicode.ToLower(c), size
	case unicode.IsDigit(c):
		return digit, c, size
	case unicode.IsMark(c):
		return mark, c, size
	}
	return separator, 0, size
}

// eachPart calls f for each part of a word that each gave with cuts.
func eachPart(word []byte, cuts []int, f func(part []byte)) {
	start := 0
	for _, at := range cuts {
		f(word[start:at])
		start = at
	}
	f(word[start:])
}

// hasPhrase reports whether the words, in lower case, stand next to each other
// in text. It sees the words that each does, without copying them.
func hasPhrase(text string, words []queryWord) bool {
	for i := skip(text, 0, false); i < len(text); {
		at, met := i, true
		for n := 0; met && n < len(words); n++ {
			if n > 0 {
				at = skip(text, at, false)
			}
			at, met = skipWord(text, at, words[n].whole)
		}
		if met {
			return true
		}
		i = skip(text, skip(text, i, true), false)
	}
	return false
}

// skip returns where a run of characters of words, or of separators, ends.
func skip(text string, i int, words bool) int {
	for i < len(text) {
		size := 1
		class := separator
		if b := text[i]; b < utf8.RuneSelf {
			class = int(ascii[b])
		} else {
			class, _, size = classifyWide(text[i:])
		}
		if words != (class != separator) {
			break
		}
		i += size
	}
	return i
}

// skipWord returns where the word at i ends if it is that word, and else false.
func skipWord(text string, i int, word string) (end int, same bool) {
	for rest := word; rest != ""; {
		if i == len(text) {
			return i, false
		}
		class, c, size := classify(text, i)
		want, n := utf8.DecodeRuneInString(rest)
		if class == separator || c != want {
			return i, false
		}
		i, rest = i+size, rest[n:]
	}
	if end = skip(text, i, true); end > i {
		return end, len(word)+utf8.UTFMax > maxWord // it was cut off
	}
	return end, true
}
