package nuget

import (
	"strconv"
	"strings"
	"unicode"
)

// unlicensed is the expression of a package that grants no licence. It stands
// alone or not at all.
const unlicensed = "UNLICENSED"

// LicenceExpression is a licence expression in the grammar that NuGet's reader
// takes: SPDX identifiers with an optional "+", WITH, AND, OR and parentheses.
type LicenceExpression struct {
	// Text is the expression as given.
	Text string
	// IDs are the distinct identifiers in the order of the text, exceptions
	// included, without "+".
	IDs []string
	// Unlicensed is true for the expression UNLICENSED.
	Unlicensed bool

	licences []string // IDs without exceptions
	printed  string
}

// ParseLicence reads an expression. Identifiers and operators are told apart by
// letter case. An identifier that SPDX does not know parses; a deprecated one
// does not. The error is a *Problem with the code licence-expression and
// the wording of M-26; its Subject is the element of the text that is wrong.
func ParseLicence(text string) (LicenceExpression, error) {
	p := licenceParser{expression: LicenceExpression{Text: text}}
	if at, why := p.parse(strings.TrimFunc(text, unicode.IsSpace)); why != "" {
		return LicenceExpression{}, licenceProblem(at, quote(at)+" ("+why+")")
	}
	p.expression.printed = strings.Join(p.words, " ")
	p.collect()
	return p.expression, nil
}

// NotAllowed is the problem of identifiers that parse and that the caller
// refuses (M-26).
func NotAllowed(ids []string) *Problem {
	return licenceProblem(ids[0], printable(strings.Join(ids, ", "), 100))
}

func licenceProblem(subject, what string) *Problem {
	return newProblem(CodeLicenceExpression, subject, "The licence expression is not valid or uses an identifier not allowed here: "+what+".")
}

// NotApproved returns the identifiers of licences that neither the Open Source
// Initiative nor the Free Software Foundation approves, unknown ones among them
// (R-LIC-03). References and UNLICENSED are not among them.
func (e LicenceExpression) NotApproved() []string {
	var ids []string
	for _, id := range e.licences {
		if flags, _ := findLicence(id); !flags.osi && !flags.fsf && !isLicenceReference(id) && id != unlicensed {
			ids = append(ids, id)
		}
	}
	return ids
}

// References returns the identifiers LicenseRef-…, which name a licence of the
// author's own.
func (e LicenceExpression) References() []string {
	var ids []string
	for _, id := range e.licences {
		if isLicenceReference(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Print returns the expression as NuGet prints it back. That loses parentheses,
// and with them meaning: show Text.
func (e LicenceExpression) Print() string { return e.printed }

func isLicenceReference(id string) bool {
	name, ok := strings.CutPrefix(id, "LicenseRef-")
	return ok && name != ""
}

// licenceToken is the kind of a token. Operators come first, from the one that
// binds most.
type licenceToken int

const (
	tokenWith licenceToken = iota
	tokenAnd
	tokenOr
	tokenOpen
	tokenClose
	tokenIdentifier
)

func (t licenceToken) isOperator() bool { return t <= tokenOr }

// mayFollow reports whether t may stand after the token before. Operators are
// not asked: their operands are counted when they are applied.
func (t licenceToken) mayFollow(before licenceToken) bool {
	if t == tokenClose {
		return before == tokenIdentifier || before == tokenClose
	}
	return before.isOperator() || before == tokenOpen
}

// licenceParser turns infix order into operands and operators on two stacks.
type licenceParser struct {
	expression LicenceExpression
	operators  []licenceToken
	operands   []licenceOperand
	before     licenceToken
	started    bool
	words      []string // the printed form
}

// licenceOperand is an identifier that has not been looked up yet, or, when id
// is empty, the result of an operator.
type licenceOperand struct{ id string }

// parse reads trimmed text. A reason that is not empty says why it is no
// expression, and at is the element that it speaks of.
func (p *licenceParser) parse(text string) (at, why string) {
	if text == "" {
		return text, "it is empty"
	}
	for _, c := range text {
		if !isLicenceChar(c) && !unicode.IsSpace(c) && c != '+' && c != '(' && c != ')' {
			return text, "it may hold letters, digits, '.', '-', '+', blanks and parentheses"
		}
	}
	for field := range strings.SplitSeq(text, " ") {
		if at, why = p.field(field); why != "" {
			return at, why
		}
	}
	for len(p.operators) > 0 {
		if p.operators[len(p.operators)-1] == tokenOpen {
			return text, "a parenthesis is not closed"
		}
		if at, why = p.apply(); why != "" {
			return at, why
		}
	}
	if len(p.operands) != 1 {
		return text, "an identifier is missing"
	}
	if last := p.operands[0]; last.id != "" {
		if at, why = p.licence(last.id, true); why != "" {
			return at, why
		}
	}
	return "", ""
}

// field reads what stands between two blanks: parentheses, one word, and
// parentheses.
func (p *licenceParser) field(field string) (at, why string) {
	word := strings.TrimLeft(field, "()")
	opening := field[:len(field)-len(word)]
	word = strings.TrimRight(word, "()")
	for i := range len(opening) {
		if at, why = p.parenthesis(opening[i]); why != "" {
			return at, why
		}
	}
	if word != "" {
		if at, why = p.word(word); why != "" {
			return at, why
		}
	}
	// NuGet reads the parentheses behind a word from the right.
	for closing := field[len(opening)+len(word):]; closing != ""; closing = closing[:len(closing)-1] {
		if at, why = p.parenthesis(closing[len(closing)-1]); why != "" {
			return at, why
		}
	}
	return "", ""
}

func (p *licenceParser) parenthesis(c byte) (at, why string) {
	if c == '(' {
		if p.started && !tokenOpen.mayFollow(p.before) {
			return "(", "an operator is missing before it"
		}
		p.operators = append(p.operators, tokenOpen)
		p.before, p.started = tokenOpen, true
		return "", ""
	}
	if !p.started || !tokenClose.mayFollow(p.before) {
		return ")", "an identifier is missing before it"
	}
	for len(p.operators) > 0 && p.operators[len(p.operators)-1] != tokenOpen {
		if at, why = p.apply(); why != "" {
			return at, why
		}
	}
	if len(p.operators) == 0 {
		return ")", "no parenthesis was opened"
	}
	p.operators = p.operators[:len(p.operators)-1]
	p.before = tokenClose
	return "", ""
}

func (p *licenceParser) word(word string) (at, why string) {
	token := classifyLicence(word)
	if token == tokenIdentifier {
		if p.started && !token.mayFollow(p.before) {
			return word, "an operator is missing before it; operators are AND, OR, WITH"
		}
		p.operands = append(p.operands, licenceOperand{word})
		p.words = append(p.words, word)
	} else {
		if n := len(p.operators); n > 0 && p.operators[n-1] != tokenOpen && token >= p.operators[n-1] {
			if at, why = p.apply(); why != "" {
				return at, why
			}
		}
		p.operators = append(p.operators, token)
		p.words = append(p.words, [...]string{"WITH", "AND", "OR"}[token])
	}
	p.before, p.started = token, true
	return "", ""
}

// classifyLicence tells an operator from an identifier. NuGet parses the word
// as a member of an enumeration, which lets its number stand for its name.
func classifyLicence(word string) licenceToken {
	switch word = strings.TrimFunc(word, unicode.IsSpace); word {
	case "WITH":
		return tokenWith
	case "AND":
		return tokenAnd
	case "OR":
		return tokenOr
	}
	if n, err := strconv.ParseInt(word, 10, 32); err == nil && n >= 0 && licenceToken(n).isOperator() {
		return licenceToken(n)
	}
	return tokenIdentifier
}

// apply takes an operator and its two operands from the stacks and puts their
// result there.
func (p *licenceParser) apply() (at, why string) {
	operator := p.operators[len(p.operators)-1]
	p.operators = p.operators[:len(p.operators)-1]
	n := len(p.operands)
	if n < 2 {
		return p.expression.Text, "an identifier is missing"
	}
	left, right := p.operands[n-2], p.operands[n-1]
	p.operands = append(p.operands[:n-2], licenceOperand{})
	if operator == tokenWith {
		if left.id == "" || right.id == "" {
			return p.expression.Text, "WITH stands between a licence and an exception"
		}
		if at, why = p.licence(left.id, false); why != "" {
			return at, why
		}
		return p.exception(right.id)
	}
	for _, operand := range []licenceOperand{left, right} {
		if operand.id != "" {
			if at, why = p.licence(operand.id, false); why != "" {
				return at, why
			}
		}
	}
	return "", ""
}

// licence takes an identifier for a licence. alone is true when it is the whole
// expression.
func (p *licenceParser) licence(word string, alone bool) (at, why string) {
	id := word
	flags, known := findLicence(id)
	if !known {
		if id = strings.TrimSuffix(word, "+"); id != word {
			flags, known = findLicence(id)
		}
	}
	// The pattern that NuGet holds unknown identifiers against ends in $, which
	// lets a line feed follow.
	switch form := strings.TrimSuffix(id, "\n"); {
	case known && flags.exception:
		return word, "it is an exception and stands after WITH"
	case known && flags.deprecated:
		return word, "it is deprecated by SPDX; use its successor, such as -only or -or-later"
	case known:
	case form == "" || strings.ContainsFunc(form, func(c rune) bool { return !isLicenceChar(c) }):
		return word, "it may hold letters, digits, '.' and '-'"
	case id == unlicensed && (id != word || !alone):
		return word, "it stands alone"
	}
	return "", ""
}

func (p *licenceParser) exception(id string) (at, why string) {
	switch flags, known := findLicence(id); {
	case !known:
		return id, "it is no exception that SPDX knows"
	case !flags.exception:
		return id, "it is a licence and cannot stand after WITH"
	case flags.deprecated:
		return id, "it is deprecated by SPDX"
	}
	return "", ""
}

// collect notes the identifiers of an expression that is valid: its words are
// identifiers and operators by turns.
func (p *licenceParser) collect() {
	seen := make(map[string]bool)
	for i := 0; i < len(p.words); i += 2 {
		id := p.words[i]
		if _, known := findLicence(id); !known {
			id = strings.TrimSuffix(id, "+")
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		p.expression.IDs = append(p.expression.IDs, id)
		if i == 0 || p.words[i-1] != "WITH" {
			p.expression.licences = append(p.expression.licences, id)
		}
	}
	p.expression.Unlicensed = p.expression.printed == unlicensed
}

func isLicenceChar(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-'
}
