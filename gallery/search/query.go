package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"nougat/nuget"
)

// The bounds of a query. What goes beyond them is not looked at, so that no
// query costs more than some hundred microseconds a thousand packages.
const (
	maxQueryBytes = 4096
	maxQueryWords = 32 // words in all, and values in all
	maxQueryParts = 12 // of a word: one with more matches as a whole only
	maxPhrases    = 4  // that are looked for in the texts; the words of more count as single words
)

// A parsedQuery is a query in the language of PROTO-4.2: a package must
// match every clause. Without clauses it is every package.
type parsedQuery struct {
	clauses []clause

	// exact is the folded ID that the whole query spells, if it spells one
	// (R-SRCH-02); beginning is the whole query, folded, when it is one word
	// that an ID may begin with; ofID says that it is meant as that.
	exact, beginning string
	ofID             bool

	words, phrases int // read so far
}

// A clause is met by a package that has one of the values in one of the fields.
type clause struct {
	fields uint32
	values []queryValue
	filter bool // narrows and does not count for the score
}

// A queryValue is one of: words that are all required, a marked word, an ID, or
// the name of an owner, which becomes a marked word before the query runs.
type queryValue struct {
	words  []queryWord
	phrase bool // the words stand next to each other in one field
	marked string
	key    string
	owner  string
}

// A queryWord matches itself, or as all its parts when it has several. As a
// prefix it matches what begins with it, and its last part does.
type queryWord struct {
	whole  string
	parts  []string
	prefix bool
}

// Fields that a query may name beside those of postings: they are matched
// whole, by marked words or by the ID.
const (
	fieldPackageID = allFields + 1 + iota
	fieldVersion
	fieldOwner
)

// queryField returns the field that a query names, in any case.
func queryField(name string) (field uint32, known bool) {
	switch strings.ToLower(name) {
	case "id":
		return fieldID, true
	case "packageid":
		return fieldPackageID, true
	case "version":
		return fieldVersion, true
	case "title":
		return fieldTitle, true
	case "description":
		return fieldDescription, true
	case "summary":
		return fieldSummary, true
	case "tag", "tags":
		return fieldTags, true
	case "author", "authors":
		return fieldAuthors, true
	case "owner", "owners":
		return fieldOwner, true
	}
	return 0, false
}

// parseQuery reads a query. Every text is one; what has no meaning is dropped.
func parseQuery(text string) parsedQuery {
	var q parsedQuery
	var free []rawValue
	var fields []uint32 // in the order in which they come
	scoped := make(map[uint32][]rawValue)
	values := 0
	eachValue(bounded(text), func(v rawValue) bool {
		values++
		if v.field == "" {
			free = append(free, v)
		} else if field, known := queryField(v.field); known {
			if scoped[field] == nil {
				fields = append(fields, field)
			}
			scoped[field] = append(scoped[field], v)
		}
		return values < maxQueryWords
	})
	q.addFree(free)
	for _, field := range fields {
		q.addField(field, scoped[field])
	}
	if len(free) == 1 && len(fields) == 0 {
		q.setBeginning(free[0].text)
		q.ofID = strings.ContainsAny(q.beginning, ".-_")
	}
	return q
}

// parseBeginning reads the beginning of an ID: its words, all of them in the
// ID, the last one a prefix.
func parseBeginning(text string) parsedQuery {
	var q parsedQuery
	text = bounded(text)
	for _, word := range q.readWords(text) {
		q.clauses = append(q.clauses, clause{fields: fieldID, values: []queryValue{{words: []queryWord{word}}}})
	}
	if n := len(q.clauses); n > 0 {
		q.clauses[n-1].values[0].words[0].prefix = true
		q.setBeginning(text)
		q.ofID = true
	}
	return q
}

func (q *parsedQuery) setBeginning(text string) {
	q.beginning = nuget.FoldID(strings.TrimSpace(text))
	if nuget.ValidIDForm(q.beginning) {
		q.exact = q.beginning
	}
}

// bounded returns as much of a text as is looked at.
func bounded(text string) string {
	if len(text) <= maxQueryBytes {
		return text
	}
	n := maxQueryBytes
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// addFree adds what stands without a field: each word and each phrase is a
// clause, and the last word is a prefix.
func (q *parsedQuery) addFree(values []rawValue) {
	last := -1 // clause whose word is the last of the query
	for _, v := range values {
		found := q.readWords(v.text)
		if v.quoted && len(found) > 0 {
			q.addClause(queryValue{words: found, phrase: q.mayPhrase(found)})
			last = -1
			continue
		}
		for _, word := range found {
			last = q.addClause(queryValue{words: []queryWord{word}})
		}
	}
	if last >= 0 {
		q.clauses[last].values[0].words[0].prefix = true
	}
}

// addClause adds a clause for one value in any field, unless there is one like
// it, and returns its number.
func (q *parsedQuery) addClause(v queryValue) int {
	for i, c := range q.clauses {
		if sameWords(c.values[0], v) {
			return i
		}
	}
	q.clauses = append(q.clauses, clause{fields: textFields, values: []queryValue{v}})
	return len(q.clauses) - 1
}

func sameWords(a, b queryValue) bool {
	return a.phrase == b.phrase && slices.EqualFunc(a.words, b.words, func(x, y queryWord) bool {
		return x.whole == y.whole && slices.Equal(x.parts, y.parts)
	})
}

// addField adds the clause of one field: any of its values.
func (q *parsedQuery) addField(field uint32, values []rawValue) {
	c := clause{fields: min(field, allFields)}
	for _, v := range values {
		text := strings.TrimSpace(v.text)
		switch field {
		case fieldPackageID:
			c.values = append(c.values, queryValue{key: nuget.FoldID(text)})
		case fieldOwner:
			c.values = append(c.values, queryValue{owner: text})
		case fieldVersion:
			if version, err := nuget.ParseVersion(text); err == nil {
				text = version.String()
			}
			c.values = append(c.values, queryValue{marked: markVersion + nuget.FoldID(text)})
		case fieldTags:
			for tag := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || unicode.IsSpace(c) }) {
				if q.words < maxQueryWords {
					q.words++
					c.values = append(c.values, queryValue{marked: markTag + foldWhole(tag)})
				}
			}
		default:
			words := q.readWords(text)
			if len(words) == 0 {
				continue
			}
			if field == fieldID && !v.quoted {
				words[len(words)-1].prefix = true
			}
			c.values = append(c.values, queryValue{words: words, phrase: v.quoted && q.mayPhrase(words)})
		}
	}
	if len(c.values) > 0 {
		q.clauses = append(q.clauses, c)
	}
}

// mayPhrase reports whether the words are a phrase that is still looked for.
func (q *parsedQuery) mayPhrase(words []queryWord) bool {
	if len(words) > 1 {
		q.phrases++
	}
	return len(words) > 1 && q.phrases <= maxPhrases
}

// readWords returns the words of a text, as far as the query may have more.
func (q *parsedQuery) readWords(text string) []queryWord {
	var words []queryWord
	var w wordCutter
	w.each(text, func(word []byte, cuts []int) {
		if q.words >= maxQueryWords {
			return
		}
		q.words++
		read := queryWord{whole: string(word)}
		if len(cuts) > 0 && len(cuts) < maxQueryParts {
			eachPart(word, cuts, func(part []byte) { read.parts = append(read.parts, string(part)) })
		}
		words = append(words, read)
	})
	return words
}

// A rawValue is a word or a phrase of a query, with the field before it.
type rawValue struct {
	field, text string
	quoted      bool
}

// eachValue calls f for each word and phrase of a query until f returns false.
// White space ends a word, "…" is a phrase (also without its end), and a colon
// makes the word before it the field of the next word or phrase. An empty
// phrase takes the field away. AND, OR and NOT mean nothing when they stand
// alone.
func eachValue(text string, f func(rawValue) bool) {
	field := ""
	emit := func(s string, quoted bool) bool {
		if strings.TrimSpace(s) == "" || !quoted && field == "" && isOperator(s) {
			field = ""
			return true
		}
		v := rawValue{field, s, quoted}
		field = ""
		return f(v)
	}
	for text != "" {
		switch text[0] {
		case '"':
			phrase, rest, _ := strings.Cut(text[1:], `"`)
			text = rest
			if !emit(phrase, true) {
				return
			}
		case ':':
			text = text[1:]
		default:
			end := strings.IndexFunc(text, func(c rune) bool { return c == ':' || c == '"' || unicode.IsSpace(c) })
			if end < 0 {
				end = len(text)
			}
			word, rest := text[:end], text[end:]
			if word == "" { // at a blank
				_, size := utf8.DecodeRuneInString(rest)
				text = rest[size:]
				continue
			}
			text = rest
			if strings.HasPrefix(rest, ":") {
				field, text = word, rest[1:]
				continue
			}
			if !emit(word, false) {
				return
			}
		}
	}
}

func isOperator(word string) bool {
	return strings.EqualFold(word, "AND") || strings.EqualFold(word, "OR") || strings.EqualFold(word, "NOT")
}
