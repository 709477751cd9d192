package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MarkdownOptions say where a text comes from.
type MarkdownOptions struct {
	// Image maps the path of an image inside the package ("docs/logo.png", clean,
	// relative to the root of the package) to an address of this gallery, which
	// begins with a single slash. When it is nil or says false, the alternative
	// text stands in the image's place.
	Image func(path string) (url string, ok bool)
	// Dir is the folder of the text inside the package, "" for its root: relative
	// image paths begin there.
	Dir string
}

// Limits of Markdown. What is above them is cut or shown as plain text, so that
// no text costs more than a fraction of a second.
const (
	markdownMaxBytes = 256 << 10
	// markdownMaxNesting bounds containers (quotes, lists) opened on one line.
	markdownMaxNesting = 32
	// markdownMaxIndent bounds the blanks before a list item.
	markdownMaxIndent = 200
	// markdownMaxCells bounds the cells of all tables; a row may leave cells out
	// that are then added.
	markdownMaxCells = 50_000
	// markdownMaxLinkWork bounds the sum of the squares of the number of "](" and
	// "]:" in each run of lines: looking for the end of a link is quadratic, and so
	// is taking the definitions of links out of a paragraph.
	markdownMaxLinkWork = 10_000_000
	// markdownMaxMarkWork bounds the sum, over all blocks, of half the square of
	// the number of marks (runs of * _ ~, brackets) in one: matching them is
	// quadratic, too. Marks beyond it are text.
	markdownMaxMarkWork = 20_000_000
)

// Markdown turns a readme or licence into HTML that is safe by two walls
// (R-MD-01 to R-MD-04). The first writes only what it means to: no raw HTML,
// links to http, https or a heading of the same text, images from inside the
// package. The second is an allow-list over the result.
//
// Remote images are not loaded: their alternative text links to them. A text
// above 256 KiB is cut at the end of a line; one that is too deeply nested is
// shown as plain text. An error is a fault of the program.
func Markdown(src []byte, opts MarkdownOptions) (HTML, error) {
	text := cleanText(src)
	whole := len(text) <= markdownMaxBytes
	if !whole {
		text = text[:markdownMaxBytes]
		if i := strings.LastIndexByte(text, '\n'); i > 0 {
			text = text[:i]
		}
		text = strings.ToValidUTF8(text, "")
	}
	var out bytes.Buffer
	if tooIntricate(text) {
		fmt.Fprintf(&out, "<pre>%s</pre>", template.HTMLEscapeString(text))
	} else {
		d := &document{opts: opts, ids: map[string]int{}, level: 1}
		md := goldmark.New(
			goldmark.WithParser(newParser()),
			goldmark.WithExtensions(
				extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
				extension.Linkify, extension.TaskList),
			goldmark.WithRendererOptions(renderer.WithNodeRenderers(
				util.Prioritized(d, 1), util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500))),
		)
		if err := md.Convert([]byte(text), &out); err != nil {
			return "", fmt.Errorf("rendering Markdown: %w", err)
		}
	}
	safe := sanitizer().SanitizeReader(&out)
	if safe == nil {
		return "", errors.New("rendering Markdown: the sanitizer wrote nothing")
	}
	if !whole {
		safe.WriteString("\n<p><em>The text is longer than is shown here. The package holds the whole.</em></p>\n")
	}
	return HTML(safe.String()), nil
}

// newParser returns goldmark's parser, with strikethrough, for one text.
func newParser() parser.Parser {
	m := new(marks)
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(markParser{parser.NewLinkParser(), m}, 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(markParser{parser.NewEmphasisParser(), m}, 500),
			util.Prioritized(markParser{extension.NewStrikethroughParser(), m}, 500)),
	)
}

// marks counts what is matched in one text.
type marks struct {
	block       ast.Node
	count, work int // in the block, in all
}

// more reports whether one more mark of a block may be matched.
func (m *marks) more(block ast.Node) bool {
	if m.block != block {
		m.block, m.count = block, 0
	}
	m.count++
	m.work += m.count
	return m.work <= markdownMaxMarkWork
}

// markParser keeps marks from a parser when there are too many.
type markParser struct {
	parser.InlineParser
	marks *marks
}

// Parse implements goldmark's parser.InlineParser.
func (p markParser) Parse(block ast.Node, r gtext.Reader, pc parser.Context) ast.Node {
	if !p.marks.more(block) {
		return nil
	}
	return p.InlineParser.Parse(block, r, pc)
}

// CloseBlock implements goldmark's parser.CloseBlocker.
func (p markParser) CloseBlock(block ast.Node, r gtext.Reader, pc parser.Context) {
	if c, ok := p.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(block, r, pc)
	}
}

// cleanText makes valid UTF-8 without a byte order mark, and without the control
// characters that turn the direction of what follows.
func cleanText(src []byte) string {
	text := strings.TrimPrefix(strings.ToValidUTF8(string(src), "\uFFFD"), "\uFEFF")
	return strings.Map(func(r rune) rune {
		if r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, text)
}

// tooIntricate finds texts that would cost the parser far more than their
// length: deep nesting, tables of a few bytes with millions of cells, thousands
// of unclosed links or of definitions of links.
func tooIntricate(text string) bool {
	var links, linkWork, columns, cells int
	for line := range strings.Lines(text) {
		nesting, indent := opening(line)
		if nesting > markdownMaxNesting || nesting > 0 && indent > markdownMaxIndent {
			return true
		}
		if strings.TrimSpace(line) == "" {
			linkWork += links * links
			links, columns = 0, 0
			continue
		}
		links += strings.Count(line, "](") + strings.Count(line, "]:")
		cells += columns
		if strings.Trim(line, "|:- >\t\r\n") == "" {
			columns = max(columns, strings.Count(line, "|")+1)
		}
		if cells > markdownMaxCells || columns > markdownMaxCells/100 || linkWork+links*links > markdownMaxLinkWork {
			return true
		}
	}
	return false
}

// opening counts the containers that a line may open and the blanks before its
// text.
func opening(line string) (nesting, indent int) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ':
			indent++
		case c == '\t':
			indent += 4
		case c == '>', c == '-', c == '+', c == '*':
			if c != '>' && i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' && line[i+1] != '\n' {
				return nesting, indent
			}
			nesting++
		case c >= '0' && c <= '9', c == '.', c == ')':
			// Part of a numbered item; "1. 1. 1. " counts once for each full stop.
			if c == '.' || c == ')' {
				nesting++
			}
		default:
			return nesting, indent
		}
	}
	return nesting, indent
}

// document renders the nodes whose HTML must be ours. One is made for each text.
type document struct {
	opts  MarkdownOptions
	ids   map[string]int
	level int // of the last heading; before the first that of the page
}

// idPrefix keeps a text's anchors apart from the page's own.
const idPrefix = "user-content-"

// RegisterFuncs implements goldmark's renderer.NodeRenderer.
func (d *document) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, d.heading)
	r.Register(ast.KindLink, d.link)
	r.Register(ast.KindAutoLink, d.autoLink)
	r.Register(ast.KindImage, d.image)
	r.Register(ast.KindRawHTML, nothing)
	r.Register(ast.KindHTMLBlock, nothing)
	r.Register(east.KindTaskCheckBox, taskCheckBox)
	r.Register(east.KindTable, table)
}

func nothing(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkSkipChildren, nil
}

func table(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString("<div class=\"scroll\"><table>\n")
	} else {
		_, _ = w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}

func taskCheckBox(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		if n.(*east.TaskCheckBox).IsChecked {
			_, _ = w.WriteString("☑ ")
		} else {
			_, _ = w.WriteString("☐ ")
		}
	}
	return ast.WalkContinue, nil
}

// heading writes headings one level down, since the page has its own h1, and
// without leaving levels out, with an anchor made as GitHub makes it.
func (d *document) heading(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		fmt.Fprintf(w, "</h%d>\n", d.level)
		return ast.WalkContinue, nil
	}
	d.level = min(n.(*ast.Heading).Level+1, d.level+1, 6)
	fmt.Fprintf(w, "<h%d", d.level)
	if id := anchor(nodeText(n, src)); id != "" {
		d.ids[id]++
		if again := d.ids[id] - 1; again > 0 {
			id += "-" + strconv.Itoa(again)
		}
		fmt.Fprintf(w, ` id="%s%s"`, idPrefix, template.HTMLEscapeString(id))
	}
	_ = w.WriteByte('>')
	return ast.WalkContinue, nil
}

// anchor makes the fragment of a heading: small letters, digits, - and _.
func anchor(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(text)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// plain is what text means, with its escapes and entities resolved.
func plain(raw []byte) string {
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(raw))))
}

// destination is what the address of a link or image means.
func destination(raw []byte) string { return strings.TrimSpace(plain(raw)) }

// safeLink is the address a link may have (R-MD-02), or "".
func safeLink(dest string) string {
	if fragment, ok := strings.CutPrefix(dest, "#"); ok {
		if f, err := url.PathUnescape(fragment); err == nil {
			fragment = f
		}
		if fragment = anchor(fragment); fragment == "" {
			return ""
		}
		return "#" + idPrefix + fragment
	}
	return webURL(dest)
}

func (d *document) link(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	link := n.(*ast.Link)
	href := safeLink(destination(link.Destination))
	switch {
	case href == "":
	case entering:
		openLink(w, href, string(link.Title))
	default:
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func openLink(w util.BufWriter, href, title string) {
	fmt.Fprintf(w, `<a href="%s"`, template.HTMLEscapeString(href))
	if title != "" {
		fmt.Fprintf(w, ` title="%s"`, template.HTMLEscapeString(title))
	}
	if !strings.HasPrefix(href, "#") {
		_, _ = w.WriteString(` rel="noopener noreferrer nofollow"`)
	}
	_ = w.WriteByte('>')
}

func (d *document) autoLink(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	link := n.(*ast.AutoLink)
	label := template.HTMLEscapeString(string(link.Label(src)))
	href := ""
	if link.AutoLinkType == ast.AutoLinkURL {
		href = safeLink(string(link.URL(src)))
	}
	if href == "" {
		_, _ = w.WriteString(label)
		return ast.WalkContinue, nil
	}
	openLink(w, href, "")
	_, _ = w.WriteString(label + "</a>")
	return ast.WalkContinue, nil
}

// image shows an image from inside the package; of any other it shows the
// alternative text, as a link where that is not inside a link.
func (d *document) image(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	image := n.(*ast.Image)
	dest, alt := destination(image.Destination), nodeText(n, src)
	if address := d.packageImage(dest); address != "" {
		fmt.Fprintf(w, `<img src="%s" alt="%s" loading="lazy">`, template.HTMLEscapeString(address), template.HTMLEscapeString(alt))
		return ast.WalkSkipChildren, nil
	}
	if alt == "" {
		alt = "image"
	}
	// Small, because many readmes begin with a row of badges.
	_, _ = w.WriteString("<small>")
	if href := webURL(dest); href != "" && !insideLink(n) {
		openLink(w, href, "An image elsewhere, which is not loaded")
		_, _ = w.WriteString(template.HTMLEscapeString(alt) + "</a>")
	} else {
		_, _ = w.WriteString(template.HTMLEscapeString(alt))
	}
	_, _ = w.WriteString("</small>")
	return ast.WalkSkipChildren, nil
}

// packageImage is this gallery's address of an image inside the package, or "".
func (d *document) packageImage(dest string) string {
	u, err := url.Parse(strings.ReplaceAll(dest, `\`, "/"))
	if err != nil || d.opts.Image == nil || u.IsAbs() || u.Host != "" || u.Path == "" {
		return ""
	}
	p := path.Join(d.opts.Dir, u.Path)
	if strings.HasPrefix(u.Path, "/") {
		p = path.Clean(u.Path)
	}
	p = strings.TrimPrefix(p, "/")
	if p == "" || p == "." || p == ".." || strings.HasPrefix(p, "../") {
		return ""
	}
	address, ok := d.opts.Image(p)
	if !ok || !ownPath.MatchString(address) {
		return ""
	}
	return address
}

func insideLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink {
			return true
		}
	}
	return false
}

// nodeText is the text inside a node without its markup.
func nodeText(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch c := c.(type) {
		case *ast.Text:
			b.WriteString(plain(c.Value(src)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(src))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

var (
	ownPath    = regexp.MustCompile(`^/(?:[^/\\].*)?$`)
	linkTarget = regexp.MustCompile(`^(?:https?://[^\s]+|#` + idPrefix + `[^\s]+)$`)
	linkRel    = regexp.MustCompile(`^noopener noreferrer nofollow$`)
	headingID  = regexp.MustCompile(`^` + idPrefix + `[\p{L}\p{N}_-]+$`)
	cellAlign  = regexp.MustCompile(`^(?:left|center|right)$`)
	plainText  = regexp.MustCompile(`^[^<>]*$`)
)

// sanitizer is the second wall: an allow-list that knows nothing of how the
// first one works.
var sanitizer = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "em", "strong", "small", "del", "code", "pre", "blockquote",
		"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("id").Matching(headingID).OnElements("h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(cellAlign).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^scroll$`)).OnElements("div")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https")
	p.AllowAttrs("href").Matching(linkTarget).OnElements("a")
	p.AllowAttrs("rel").Matching(linkRel).OnElements("a")
	p.AllowAttrs("src").Matching(ownPath).OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("alt").Matching(plainText).OnElements("img")
	p.AllowAttrs("title").Matching(plainText).OnElements("a")
	return p
})
