package nuget

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What a manifest's XML may hold. All but the depth only bound the memory
// and the time that a hostile one can take: no real manifest comes near them.
const (
	maxManifestDepth      = 64
	maxManifestElements   = 32768
	maxManifestAttributes = 64 // of one element
	maxManifestNamespaces = 64 // declared at one place in the tree
)

// element is an XML element of a manifest.
type element struct {
	name  string // without prefix
	space string // namespace
	scope string // the default namespace where the element stands
	// attributes are those without a prefix; declarations of namespaces are not among them.
	attributes []xml.Attr
	children   []*element
	// text is the element's own text. Text that is nothing but blanks between
	// two pieces of markup does not count, as in NuGet's reader.
	text string
}

// attribute returns the value of an attribute, or "" when it is absent.
func (e *element) attribute(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e *element) lookup(name string) (value string, ok bool) {
	for _, a := range e.attributes {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// parseManifestXML reads a document as strictly as .NET's reader does:
// encoding/xml alone lets too much pass. DTDs, and with them entities, are
// refused.
func parseManifestXML(document []byte) (*element, *Problem) {
	text, encoding, why := decodeManifest(document)
	if why != "" {
		return nil, manifestProblem("", why)
	}
	if declared := declaredEncoding(text); declared != "" && !encoding.is(declared) {
		return nil, manifestProblem("", "it is said to be encoded as "+quote(declared)+"; save it as UTF-8")
	}
	r := xmlReader{document: text, decoder: xml.NewDecoder(bytes.NewReader(text))}
	r.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	if why := r.read(); why != "" {
		return nil, manifestProblem("", why)
	}
	return r.root, nil
}

// manifestProblem returns a problem that says why the manifest is not valid (M-19): why is a clause
// without a full stop, in which text from outside is quoted.
func manifestProblem(subject, why string) *Problem {
	return newProblem(CodeManifest, subject, "The manifest is not valid: "+why+".")
}

// encoding lists the names, in lower case, that a declaration may give to the
// encoding that a document has.
type encoding []string

var (
	utf8Encoding  = encoding{"utf-8"}
	utf16Encoding = encoding{"utf-16", "utf-16le", "utf-16be"}
	latin1        = encoding{"iso-8859-1", "latin1"}
	ascii         = encoding{"us-ascii", "ascii"}
)

func (e encoding) is(label string) bool { return slices.Contains(e, FoldID(label)) }

// xmlDeclaration is what may stand between <?xml and ?>. Its one group that is
// not empty holds the encoding.
var xmlDeclaration = regexp.MustCompile(`^[ \t\r\n]*version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*$`)

// usualDeclaration is how almost every manifest begins, behind "<?xml".
const usualDeclaration = ` version="1.0" encoding="utf-8"`

// declaredEncoding returns the encoding that the declaration at the start of a
// document names, or "".
func declaredEncoding(document []byte) string {
	declaration, ok := bytes.CutPrefix(document, []byte("<?xml"))
	declaration, _, found := bytes.Cut(declaration[:min(len(declaration), 256)], []byte("?>"))
	if found && string(declaration) == usualDeclaration {
		return "utf-8"
	}
	if names := xmlDeclaration.FindSubmatch(declaration); ok && found && names != nil {
		return string(names[1]) + string(names[2])
	}
	return ""
}

// decodeManifest turns UTF-8, UTF-16 with a byte order mark, or what its
// declaration calls ISO-8859-1 or ASCII, into UTF-8 without a mark, and looks
// for what no XML document may hold.
func decodeManifest(document []byte) (text []byte, from encoding, why string) {
	from = utf8Encoding
	switch declared := declaredEncoding(document); {
	case bytes.HasPrefix(document, []byte("\xEF\xBB\xBF")):
		text = document[3:]
	case bytes.HasPrefix(document, []byte("\xFF\xFE\x00\x00")), bytes.HasPrefix(document, []byte("\x00\x00\xFE\xFF")):
		return nil, nil, "it is encoded as UTF-32; save it as UTF-8"
	case bytes.HasPrefix(document, []byte("\xFF\xFE")), bytes.HasPrefix(document, []byte("\xFE\xFF")):
		if text, why = decodeUTF16(document); why != "" {
			return nil, nil, why
		}
		from = utf16Encoding
	case latin1.is(declared):
		for _, c := range document {
			text = utf8.AppendRune(text, rune(c))
		}
		from = latin1
	case ascii.is(declared):
		if i := bytes.IndexFunc(document, func(c rune) bool { return c >= utf8.RuneSelf }); i >= 0 {
			return nil, nil, "it says that it is ASCII and is not; save it as UTF-8"
		}
		text, from = document, ascii
	default:
		text = document
	}
	if !utf8.Valid(text) {
		return nil, nil, "it is not valid UTF-8; save it as UTF-8"
	}
	for _, c := range string(text) {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return nil, nil, fmt.Sprintf("it holds the character U+%04X, which XML does not allow", c)
		}
	}
	if c, ok := surrogateReference(text); ok {
		return nil, nil, fmt.Sprintf("it refers to the character U+%04X, which XML does not allow", c)
	}
	return text, from, ""
}

// surrogateReference looks for the reference to half a surrogate pair, which
// encoding/xml takes for U+FFFD. All other references it checks itself.
func surrogateReference(text []byte) (c rune, ok bool) {
	for {
		_, rest, found := bytes.Cut(text, []byte("&#"))
		if !found {
			return 0, false
		}
		digits, base := rest, 10
		if bytes.HasPrefix(rest, []byte("x")) {
			digits, base = rest[1:], 16
		}
		number, _, _ := bytes.Cut(digits[:min(len(digits), 32)], []byte(";"))
		if n, err := strconv.ParseUint(string(number), base, 16); err == nil && utf16.IsSurrogate(rune(n)) {
			return rune(n), true
		}
		text = rest
	}
}

func decodeUTF16(document []byte) (text []byte, why string) {
	const broken = "it is not valid UTF-16; save it as UTF-8"
	if len(document)%2 != 0 {
		return nil, broken
	}
	low, high := 0, 1
	if document[0] == 0xFE {
		low, high = 1, 0
	}
	unit := func(i int) rune { return rune(document[i+high])<<8 | rune(document[i+low]) }
	text = make([]byte, 0, len(document)/2)
	for i := 2; i < len(document); i += 2 {
		c := unit(i)
		if utf16.IsSurrogate(c) {
			if i+2 >= len(document) {
				return nil, broken
			}
			i += 2
			if c = utf16.DecodeRune(c, unit(i)); c == utf8.RuneError {
				return nil, broken
			}
		}
		text = utf8.AppendRune(text, c)
	}
	return text, ""
}

// xmlReader builds the tree. It resolves namespaces and matches tags itself,
// over the raw tokens of encoding/xml.
type xmlReader struct {
	document []byte
	decoder  *xml.Decoder
	root     *element
	open     []openElement
	bindings []xml.Attr // prefix (empty for the default) and namespace, innermost last
	elements int
	spare    []element // not used yet
}

// openElement is an element whose end has not come.
type openElement struct {
	*element
	tag      xml.Name // as written
	text     []byte
	preserve bool // xml:space="preserve" is in force
	bindings int  // those in force outside
}

// read returns why the document is not valid, or "".
func (r *xmlReader) read() (why string) {
	for first := true; why == ""; first = false {
		start := r.decoder.InputOffset()
		token, err := r.decoder.RawToken()
		if err == io.EOF {
			switch {
			case len(r.open) > 0:
				return "the element " + quote(r.open[len(r.open)-1].name) + " is not closed"
			case r.root == nil:
				return "it holds no XML element"
			}
			return ""
		}
		if err != nil {
			return readError(err)
		}
		raw := r.document[start:r.decoder.InputOffset()]
		switch token := token.(type) {
		case xml.StartElement:
			if why = normalizeAttributes(&token, raw); why == "" {
				why = r.start(token)
			}
		case xml.EndElement:
			why = r.end(token)
		case xml.CharData:
			why = r.characters(token, raw)
		case xml.ProcInst:
			why = checkInstruction(token, raw, first)
		case xml.Directive:
			why = "it has a document type declaration (DTD), which is not allowed; remove it"
		}
	}
	return why
}

// checkInstruction says what is wrong with a processing instruction, of which the
// XML declaration is one that comes first.
func checkInstruction(token xml.ProcInst, raw []byte, first bool) (why string) {
	behind := raw[len("<?")+len(token.Target)]
	switch {
	case token.Target == "xml" && first && !xmlDeclaration.Match(token.Inst):
		return "its XML declaration is not well-formed"
	case token.Target == "xml" && first:
	case strings.EqualFold(token.Target, "xml"):
		return "something stands before its XML declaration"
	case strings.Contains(token.Target, ":"), strings.IndexByte(" \t\r\n?", behind) < 0:
		return "the processing instruction " + quote(token.Target) + " has no valid name"
	}
	return ""
}

// normalizeAttributes does to the attributes of a tag what encoding/xml leaves
// undone: values that are not apart are a fault, and a line end or a tab in one,
// unless it is escaped, means a blank.
func normalizeAttributes(tag *xml.StartElement, raw []byte) (why string) {
	wrapped := false
	for rest := raw; ; {
		i := bytes.IndexAny(rest, `"'`)
		if i < 0 {
			break
		}
		value, after, _ := bytes.Cut(rest[i+1:], rest[i:i+1])
		if len(after) == 0 || strings.IndexByte(" \t\r\n/>", after[0]) < 0 {
			return "the attributes of the element " + quote(tag.Name.Local) + " are not apart"
		}
		wrapped = wrapped || bytes.ContainsAny(value, "\t\r\n")
		rest = after
	}
	if !wrapped {
		return ""
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte(" "))
	for i, c := range raw {
		if c == '\t' || c == '\r' || c == '\n' {
			raw[i] = ' '
		}
	}
	if token, err := xml.NewDecoder(bytes.NewReader(raw)).RawToken(); err == nil {
		*tag = token.(xml.StartElement)
	}
	return ""
}

// readError says why encoding/xml gave up.
func readError(err error) (why string) {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Sprintf("line %d is not well-formed XML: %s", syntax.Line, quote(syntax.Msg))
	}
	return "it cannot be read: " + printable(strings.TrimPrefix(err.Error(), "xml: "), 120)
}

// newElement makes elements a few at a time.
func (r *xmlReader) newElement() *element {
	if len(r.spare) == 0 {
		r.spare = make([]element, 8)
	}
	e := &r.spare[0]
	r.spare = r.spare[1:]
	return e
}

func (r *xmlReader) start(tag xml.StartElement) (why string) {
	r.elements++
	switch {
	case len(r.open) == 0 && r.root != nil:
		return "it has a second root element, " + quote(tag.Name.Local)
	case len(r.open) >= maxManifestDepth:
		return fmt.Sprintf("its elements are nested more than %d deep", maxManifestDepth)
	case r.elements > maxManifestElements:
		return fmt.Sprintf("it has more than %d elements", maxManifestElements)
	case len(tag.Attr) > maxManifestAttributes:
		return fmt.Sprintf("the element %s has more than %d attributes", quote(tag.Name.Local), maxManifestAttributes)
	}
	e := openElement{element: r.newElement(), tag: tag.Name, bindings: len(r.bindings)}
	if len(r.open) > 0 {
		e.preserve = r.open[len(r.open)-1].preserve
	}
	for _, a := range tag.Attr {
		prefix := a.Name.Local
		switch {
		case a.Name.Space == "xml" && a.Name.Local == "space":
			if space := strings.TrimSpace(a.Value); space == "preserve" || space == "default" {
				e.preserve = space == "preserve"
			} else {
				return "xml:space must be default or preserve, not " + quote(a.Value)
			}
			continue
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			prefix = ""
		case a.Name.Space != "xmlns":
			continue
		}
		if !mayBind(prefix, a.Value) {
			return fmt.Sprintf("the prefix %s cannot stand for the namespace %s", quote(prefix), quote(a.Value))
		}
		r.bindings = append(r.bindings, xml.Attr{Name: xml.Name{Local: prefix}, Value: a.Value})
	}
	if len(r.bindings) > maxManifestNamespaces {
		return fmt.Sprintf("it declares more than %d namespaces", maxManifestNamespaces)
	}
	e.name = tag.Name.Local
	e.scope, _ = r.namespace("")
	if !isLocalName(tag.Name) {
		return "the element " + quote(tag.Name.Space+":"+e.name) + " has no valid name"
	}
	var ok bool
	if e.space, ok = r.namespace(tag.Name.Space); !ok {
		return "the namespace prefix of the element " + quote(tag.Name.Space+":"+e.name) + " is not declared"
	}
	if why := r.attributes(e.element, tag.Attr); why != "" {
		return why
	}
	if len(r.open) == 0 {
		r.root = e.element
	} else {
		parent := r.open[len(r.open)-1]
		parent.children = append(parent.children, e.element)
	}
	r.open = append(r.open, e)
	return ""
}

const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// mayBind reports whether a prefix may be declared for a namespace. Those of XML
// itself are not to be had, and only the default namespace can be none.
func mayBind(prefix, space string) bool {
	return prefix != "xmlns" && (prefix == "xml") == (space == xmlNamespace) && space != xmlnsNamespace && (prefix == "" || space != "")
}

// isLocalName reports whether the part of a name behind its prefix can stand
// there. encoding/xml looks at the name as a whole.
func isLocalName(name xml.Name) bool {
	c, _ := utf8.DecodeRuneInString(name.Local)
	return !strings.Contains(name.Local, ":") && (name.Space == "" || c == '_' || isLetter(c))
}

// attributes checks the attributes of e and keeps those without a prefix.
func (r *xmlReader) attributes(e *element, attributes []xml.Attr) (why string) {
	resolved := make([]xml.Name, 0, maxManifestAttributes)
	for _, a := range attributes {
		name := a.Name
		if name.Space != "" && name.Space != "xmlns" {
			var ok bool
			if name.Space, ok = r.namespace(name.Space); !ok {
				return fmt.Sprintf("the namespace prefix of the attribute %s of the element %s is not declared", quote(a.Name.Space+":"+name.Local), quote(e.name))
			}
		}
		for _, other := range resolved {
			if other == name {
				return fmt.Sprintf("the element %s has the attribute %s twice", quote(e.name), quote(name.Local))
			}
		}
		resolved = append(resolved, name)
		if !isLocalName(a.Name) {
			return fmt.Sprintf("the element %s has the attribute %s, which is not a name", quote(e.name), quote(name.Local))
		}
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			e.attributes = append(e.attributes, a)
		}
	}
	return ""
}

// namespace resolves a prefix; the empty one stands for the default namespace.
func (r *xmlReader) namespace(prefix string) (space string, ok bool) {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].Name.Local == prefix {
			return r.bindings[i].Value, true
		}
	}
	if prefix == "xml" {
		return xmlNamespace, true
	}
	return "", prefix == ""
}

func (r *xmlReader) end(tag xml.EndElement) (why string) {
	if len(r.open) == 0 {
		return "the element " + quote(tag.Name.Local) + " is closed but was never opened"
	}
	e := &r.open[len(r.open)-1]
	if e.tag != tag.Name {
		return fmt.Sprintf("the element %s is closed by %s", quote(e.name), quote(tag.Name.Local))
	}
	e.element.text = string(e.text)
	r.bindings = r.bindings[:e.bindings]
	r.open = r.open[:len(r.open)-1]
	return ""
}

// characters adds to the text of the innermost element. Blanks alone count when
// they are CDATA, or where xml:space says so.
func (r *xmlReader) characters(text xml.CharData, raw []byte) (why string) {
	const blanks = " \t\r\n"
	if len(r.open) == 0 {
		if len(bytes.Trim(raw, blanks)) > 0 {
			return "it has text outside its root element"
		}
		return ""
	}
	cdata := bytes.HasPrefix(raw, []byte("<![CDATA["))
	if e := &r.open[len(r.open)-1]; cdata || e.preserve || len(bytes.Trim(text, blanks)) > 0 {
		e.text = append(e.text, text...)
	}
	return ""
}
