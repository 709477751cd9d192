package ui

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// packageImages knows one image at the root of the package and one in docs.
func packageImages(p string) (string, bool) {
	switch p {
	case "logo.png", "docs/table.png", "docs/a b.png":
		return "/g/v3/flat/a/1.0.0/files/" + url.PathEscape(p), true
	case "evil.png":
		return "https://elsewhere.example/evil.png", true
	case "evil2.png":
		return "//elsewhere.example/evil.png", true
	}
	return "", false
}

// allowed are the elements that a rendered text may hold, each with its
// attributes.
var allowed = map[string]string{
	"p": "", "br": "", "hr": "", "em": "", "strong": "", "small": "", "del": "", "code": "", "pre": "", "blockquote": "", "ul": "", "ol": "start", "li": "",
	"table": "", "thead": "", "tbody": "", "tr": "", "th": "align", "td": "align", "div": "class", "a": "href rel title", "img": "src alt loading",
	"h2": "id", "h3": "id", "h4": "id", "h5": "id", "h6": "id",
}

// unsafe lists what a rendered text holds that it must not: it parses the HTML as
// a browser does, inside a section, and looks at every node.
func unsafe(text string) []string {
	var bad []string
	nodes, err := html.ParseFragment(strings.NewReader(text), &html.Node{Type: html.ElementNode, Data: "section", DataAtom: atom.Section})
	if err != nil {
		return []string{err.Error()}
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.CommentNode, html.DoctypeNode:
			bad = append(bad, "a comment or doctype: "+n.Data)
		case html.ElementNode:
			attributes, ok := allowed[n.Data]
			if !ok || n.Namespace != "" {
				bad = append(bad, "<"+n.Data+">")
			}
			for _, a := range n.Attr {
				if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") || a.Namespace != "" {
					bad = append(bad, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
				}
				bad = append(bad, unsafeValue(n.Data, a.Key, a.Val)...)
			}
			if n.Data == "a" && !strings.HasPrefix(attribute(n, "href"), "#") && attribute(n, "rel") != "noopener noreferrer nofollow" {
				bad = append(bad, fmt.Sprintf("a link with rel=%q", attribute(n, "rel")))
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	return bad
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func unsafeValue(element, key, value string) []string {
	ok := true
	switch key {
	case "href":
		u, err := url.Parse(value)
		ok = err == nil && (strings.HasPrefix(value, "#"+idPrefix) || (u.Scheme == "http" || u.Scheme == "https") && u.Host != "")
	case "src":
		ok = strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.HasPrefix(value, `/\`)
	case "id":
		ok = strings.HasPrefix(value, idPrefix)
	case "class":
		ok = value == "scroll"
	}
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("<%s %s=%q>", element, key, value)}
}

// attacks are texts that must come out harmless, and what must be left of them
// ("" for no matter).
var attacks = []struct{ name, source, holds string }{
	{"script", "<script>alert(1)</script>", ""},
	{"script in a line", "a <script>alert(1)</script> b", "a "},
	{"script in capitals", "<SCRIPT SRC=//x.example></SCRIPT>", ""},
	{"script split", "<scr<script>ipt>alert(1)</scr</script>ipt>", ""},
	{"script not closed", "<script>alert(1)", ""},
	{"script in a list", "- <script>alert(1)</script>", ""},
	{"script in a table", "| a |\n|---|\n| <script>alert(1)</script> |", "alert(1)"},
	{"script in a heading", "# <script>alert(1)</script> x", ""},
	{"script in code stays text", "`<script>alert(1)</script>`", "&lt;script&gt;"},
	{"script in a code block stays text", "```html\n<script>alert(1)</script>\n```", "&lt;script&gt;"},
	{"code block leaving its pre", "```\n</code></pre><script>alert(1)</script>\n```", "&lt;/code&gt;"},
	{"info string", "```\"><script>alert(1)</script>\nx\n```", "x"},
	{"info string with handler", "```x\" onmouseover=\"alert(1)\nx\n```", "x"},
	{"event handler", `<p onclick="alert(1)">x</p>`, ""},
	{"image with handler", `<img src=x onerror=alert(1)>`, ""},
	{"svg", `<svg onload=alert(1)><script>alert(1)</script></svg>`, ""},
	{"svg in a line", `x <svg/onload=alert(1)> y`, "x "},
	{"math", `<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>`, ""},
	{"style", "<style>*{display:none}</style>", ""},
	{"style attribute", `<b style="position:fixed">x</b>`, "x"},
	{"iframe", `<iframe src="javascript:alert(1)"></iframe>`, ""},
	{"object", `<object data="data:text/html,x"></object><embed src=x>`, ""},
	{"form", `<form action="https://x.example"><input name=password></form>`, ""},
	{"base", `<base href="https://x.example/">`, ""},
	{"meta", `<meta http-equiv=refresh content="0;url=https://x.example">`, ""},
	{"comment", "a <!-- b --> c", "a "},
	{"comment not closed", "<!-- <script>alert(1)</script>", ""},
	{"conditional comment", "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->", ""},
	{"cdata", "<![CDATA[<script>alert(1)</script>]]>", ""},
	{"processing instruction", `<?xml version="1.0"?><script>alert(1)</script>`, ""},
	{"template", "<template><script>alert(1)</script></template>", ""},
	{"noscript", `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, ""},
	{"textarea", `<textarea></textarea><script>alert(1)</script></textarea>`, ""},
	{"closing what the page opened", "</section></main></body></html>", ""},
	{"javascript link", "[x](javascript:alert(1))", "x"},
	{"javascript link in capitals", "[x](JaVaScRiPt:alert(1))", "x"},
	{"javascript with entity", "[x](javascript&#58;alert(1))", "x"},
	{"javascript with hex entity", "[x](&#x6A;avascript:alert(1))", "x"},
	{"javascript with named entity", "[x](javascript&colon;alert(1))", "x"},
	{"javascript with tab entity", "[x](java&Tab;script:alert(1))", "x"},
	{"javascript with newline entity", "[x](java&NewLine;script:alert(1))", "x"},
	{"javascript with two layers of entities", "[x](javascript&amp;#58;alert(1))", "x"},
	{"javascript with backslash", `[x](javascript\:alert(1))`, "x"},
	{"javascript with control character", "[x](\x01javascript:alert(1))", ""},
	{"javascript in angle brackets", "[x](<javascript:alert(1)>)", "x"},
	{"javascript in angle brackets with blank", "[x](< javascript:alert(1)>)", "x"},
	{"javascript by reference", "[x][y]\n\n[y]: javascript:alert(1)", "x"},
	{"javascript autolink", "<javascript:alert(1)>", "javascript:alert(1)"},
	{"javascript with percent", "[x](javascript%3Aalert(1))", "x"},
	{"javascript wide colon", "[x](javascript：alert(1))", "x"},
	{"vbscript", "[x](vbscript:msgbox(1))", "x"},
	{"data", "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)", "x"},
	{"file", "[x](file:///etc/passwd)", "x"},
	{"mail", "[x](mailto:a@b.example)", "x"},
	{"mail autolink", "<a@b.example>", "a@b.example"},
	{"protocol-relative link", "[x](//elsewhere.example)", "x"},
	{"backslashes for slashes", `[x](\\elsewhere.example)`, "x"},
	{"relative link", "[x](docs/guide.md)", "x"},
	{"absolute path", "[x](/account/apikeys)", "x"},
	{"link out of its attribute", `[x](https://a.example/"onmouseover="alert(1))`, "x"},
	{"title out of its attribute", `[x](https://a.example 'a" onmouseover="alert(1)')`, "x"},
	{"title with tag", `[x](https://a.example "</a><script>alert(1)</script>")`, "x"},
	{"fragment out of its attribute", `[x](#a"onclick="alert(1))`, "x"},
	{"link with credentials", "[x](https://user:pass@a.example)", "x"},
	{"link with host of other letters", "[x](https://аpple.example)", "x"},
	{"remote image", "![alt](https://elsewhere.example/a.png)", "alt"},
	{"remote image with credentials", "![alt](https://a:b@elsewhere.example/a.png)", "alt"},
	{"protocol-relative image", "![alt](//elsewhere.example/a.png)", "alt"},
	{"image with backslashes", `![alt](\\elsewhere.example\a.png)`, "alt"},
	{"image of backslash and slash", `![alt](/\elsewhere.example/a.png)`, "alt"},
	{"javascript image", "![alt](javascript:alert(1))", "alt"},
	{"data image", "![alt](data:image/svg+xml,<svg onload=alert(1)>)", "alt"},
	{"image out of the package", "![alt](../../../../account/apikeys)", "alt"},
	{"image that is not there", "![alt](missing.png)", "alt"},
	{"callback that leads elsewhere", "![alt](evil.png)", "alt"},
	{"callback that leads elsewhere without scheme", "![alt](evil2.png)", "alt"},
	{"alt out of its attribute", `![a" onerror="alert(1)](logo.png)`, ""},
	{"alt with tag", `![<script>alert(1)</script>](logo.png)`, ""},
	{"heading that takes an id of the page", "# main", "user-content-main"},
	{"heading attributes", "# x {#main onclick=alert(1)}", "<h2"},
	{"null byte", "a\x00<scr\x00ipt>alert(1)</script>", ""},
	{"not UTF-8", "a \xff\xfe <script\xff>alert(1)</script>", ""},
	{"overlong UTF-8", "\xc0\xbcscript\xc0\xbealert(1)", ""},
	{"byte order mark", "\ufeff# x", "<h2"},
	{"turned direction", "a \u202egpj.exe\u202c b", "a gpj.exe b"},
	{"emphasis over tags", "**<b>x**</b>", "x"},
	{"tags in emphasis", "*<img src=x onerror=alert(1)>*", ""},
	{"unclosed everything", "**_`[<a href=\"![", ""},
	{"footnote", "[^1]\n\n[^1]: <script>alert(1)</script>", ""},
	{"table with handler", "| a |\n|:-:|\n| <td onclick=alert(1)> |", ""},
	{"mutation", `<p><svg><style><a id="</style><img src=1 onerror=alert(1)>">`, ""},
	{"mutation in a line", "x <form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>", "x "},
	{"xss by link in link", "[a [b](javascript:alert(1)) c](https://a.example)", "b"},
	{"task", "- [ ] <input onfocus=alert(1) autofocus>", "☐"},
}

func TestMarkdownAttacks(t *testing.T) {
	for _, tt := range attacks {
		got, err := Markdown([]byte(tt.source), MarkdownOptions{Image: packageImages})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if bad := unsafe(string(got)); len(bad) > 0 {
			t.Errorf("%s: %q\nholds %v", tt.name, got, bad)
		}
		if !strings.Contains(string(got), tt.holds) {
			t.Errorf("%s: %q does not hold %q", tt.name, got, tt.holds)
		}
	}
}

// TestSecondWall: the sanitiser alone, without the first wall, lets nothing of
// the attacks through either.
func TestSecondWall(t *testing.T) {
	more := []string{`<a href="https://a.example">x</a>`, `<img src="https://a.example/x.png">`, `<img src="/x.png" srcset="https://a.example 2x">`, `<h2 id="main">x</h2>`,
		`<div class="note">x</div>`, `<td align="left" style="x">`, `<a href="#main">x</a>`, `<a href="/account">x</a>`, `<a href=" javascript:alert(1)">x</a>`, `<img src="/\a.example">`}
	for _, tt := range attacks {
		more = append(more, tt.source)
	}
	for _, source := range more {
		got := sanitizer().Sanitize(source)
		// The sanitiser keeps a link's address and adds no rel: that is the work of
		// the first wall.
		got = strings.ReplaceAll(got, `<a href="https://a.example">`, `<a href="https://a.example" rel="noopener noreferrer nofollow">`)
		if bad := unsafe(got); len(bad) > 0 {
			t.Errorf("%q became %q, which holds %v", source, got, bad)
		}
	}
}

func TestMarkdown(t *testing.T) {
	const rel = `rel="noopener noreferrer nofollow"`
	for _, tt := range []struct{ name, source, want string }{
		{"heading", "# One\n\n## Two & three", `<h2 id="user-content-one">One</h2>` + "\n" + `<h3 id="user-content-two--three">Two &amp; three</h3>` + "\n"},
		{"sixth heading", "# \n## \n### \n#### \n##### \n###### x", "<h2></h2>\n<h3></h3>\n<h4></h4>\n<h5></h5>\n<h6></h6>\n" + `<h6 id="user-content-x">x</h6>` + "\n"},
		{"no level is left out", "### a\n# b\n### c\n## d", `<h2 id="user-content-a">a</h2>` + "\n" + `<h2 id="user-content-b">b</h2>` + "\n" + `<h3 id="user-content-c">c</h3>` + "\n" + `<h3 id="user-content-d">d</h3>` + "\n"},
		{"same heading twice", "# x\n# x", `<h2 id="user-content-x">x</h2>` + "\n" + `<h2 id="user-content-x-1">x</h2>` + "\n"},
		{"heading of other letters", "# Über 日本", `<h2 id="user-content-über-日本">Über 日本</h2>` + "\n"},
		{"heading of signs", "# !!!", "<h2>!!!</h2>\n"},
		{"emphasis", "*a* **b** ~~c~~", "<p><em>a</em> <strong>b</strong> <del>c</del></p>\n"},
		{"link", `[x](https://a.example/?a=1&b=2 "t")`, `<p><a href="https://a.example/?a=1&amp;b=2" title="t" ` + rel + `>x</a></p>` + "\n"},
		{"fragment", "[x](#Quick-Start)", `<p><a href="#user-content-quick-start">x</a></p>` + "\n"},
		{"escaped fragment", "[x](#%C3%BCber)", `<p><a href="#user-content-%C3%BCber">x</a></p>` + "\n"},
		{"bare address", "see https://a.example/x.", `<p>see <a href="https://a.example/x" ` + rel + `>https://a.example/x</a>.</p>` + "\n"},
		{"www", "www.a.example", `<p><a href="http://www.a.example" ` + rel + `>www.a.example</a></p>` + "\n"},
		{"image", "![Logo](logo.png)", `<p><img src="/g/v3/flat/a/1.0.0/files/logo.png" alt="Logo" loading="lazy"></p>` + "\n"},
		{"image in a folder", "![](docs/table.png)", `<p><img src="/g/v3/flat/a/1.0.0/files/docs%2Ftable.png" alt="" loading="lazy"></p>` + "\n"},
		{"image with blank", "![x](docs/a%20b.png)", `<p><img src="/g/v3/flat/a/1.0.0/files/docs%2Fa%20b.png" alt="x" loading="lazy"></p>` + "\n"},
		{"image from the root", "![x](/logo.png?raw=true)", `<p><img src="/g/v3/flat/a/1.0.0/files/logo.png" alt="x" loading="lazy"></p>` + "\n"},
		{"image with backslash", `![x](docs\\table.png)`, `<p><img src="/g/v3/flat/a/1.0.0/files/docs%2Ftable.png" alt="x" loading="lazy"></p>` + "\n"},
		{"remote image", "![Build](https://ci.example/b.svg)", `<p><small><a href="https://ci.example/b.svg" title="An image elsewhere, which is not loaded" ` + rel + `>Build</a></small></p>` + "\n"},
		{"remote image without words", "![](https://ci.example/b.svg)", `<p><small><a href="https://ci.example/b.svg" title="An image elsewhere, which is not loaded" ` + rel + `>image</a></small></p>` + "\n"},
		{"badge", "[![Build](https://ci.example/b.svg)](https://ci.example)", `<p><a href="https://ci.example" ` + rel + `><small>Build</small></a></p>` + "\n"},
		{"alt with emphasis", "![a **b** `c`](logo.png)", `<p><img src="/g/v3/flat/a/1.0.0/files/logo.png" alt="a b c" loading="lazy"></p>` + "\n"},
		{"tasks", "- [x] a\n- [ ] b", "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>\n"},
		{"table", "| a | b |\n|---|--:|\n| 1 | 2 |", "<div class=\"scroll\"><table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table></div>\n"},
		{"code", "```csharp\na < b\n```", "<pre><code>a &lt; b\n</code></pre>\n"},
		{"list from 3", "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"quote", "> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"},
		{"details keep their text", "<details>\n<summary>More</summary>\n\ntext\n\n</details>", "<p>text</p>\n"},
		{"break", "a<br>b", "<p>ab</p>\n"},
	} {
		got, err := Markdown([]byte(tt.source), MarkdownOptions{Image: packageImages})
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.name, err, got, tt.want)
		}
	}
}

func TestMarkdownFolder(t *testing.T) {
	for source, want := range map[string]string{
		"![x](table.png)": "docs%2Ftable.png", "![x](./table.png)": "docs%2Ftable.png", "![x](../logo.png)": "logo.png", "![x](/logo.png)": "logo.png",
	} {
		got, err := Markdown([]byte(source), MarkdownOptions{Image: packageImages, Dir: "docs"})
		if err != nil || !strings.Contains(string(got), "files/"+want) {
			t.Errorf("%s became %s, want %s (%v)", source, got, want, err)
		}
	}
	got, err := Markdown([]byte("![x](logo.png)"), MarkdownOptions{})
	if err != nil || string(got) != "<p><small>x</small></p>\n" {
		t.Errorf("without a callback: %s, %v", got, err)
	}
}

// costly are texts that cost a parser far more than their length.
func costly(n int) map[string]string {
	return map[string]string{
		"quotes":         strings.Repeat(">", n),
		"quotes, spaced": strings.Repeat("> ", n/2),
		"lists":          strings.Repeat("- ", n/2),
		"numbered":       strings.Repeat("1. ", n/3),
		"quoted lists":   strings.Repeat("> - ", n/4),
		"open links":     strings.Repeat("[a](", n/4),
		"open links <":   strings.Repeat("[a](<b", n/6),
		"wide table":     strings.Repeat("|a", 2000) + "\n" + strings.Repeat("|-", 2000) + "\n" + strings.Repeat("|\n", n/2),
		"tall table":     strings.Repeat("|a", 60) + "\n" + strings.Repeat("|-", 60) + "\n" + strings.Repeat("|\n", n/2),
		"table no pipes": strings.Repeat("a|", 2000) + "b\n" + strings.Repeat("-|", 2000) + "-\n" + strings.Repeat("x\n", n/2),
		"definitions":    strings.Repeat("[a]:\n", n/5),
		"deep list":      deepList(n),
	}
}

func deepList(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

// TestMarkdownCost: what would take a parser seconds or gigabytes is found
// before it is parsed, and shown as plain text; ordinary texts are not.
func TestMarkdownCost(t *testing.T) {
	for name, source := range costly(markdownMaxBytes) {
		if !tooIntricate(source) {
			t.Errorf("%s is parsed", name)
		}
		got, err := Markdown([]byte(source), MarkdownOptions{})
		if err != nil || !strings.HasPrefix(string(got), "<pre>") {
			t.Errorf("%s: %v, begins with %.40q", name, err, got)
		}
	}
	list := strings.Repeat("- [#1234](https://git.example/issues/1234): a change, by [@ann](https://git.example/ann)\n", 1000)
	table := "|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n" + strings.Repeat("|1|2|3|4|5|6|\n", 2000)
	code := "```json\n" + strings.Repeat("[[1, 2], [3, 4]],\n", 2000) + "```\n"
	art := strings.Repeat(strings.Repeat(" ", 150)+"/\\__/\\\n", 20)
	for name, source := range map[string]string{"a long list of changes": list, "a long table": table, "code": code, "art": art, "definitions": strings.Repeat("[#1234]: https://git.example/issues/1234\n", 2000), "rules": strings.Repeat("* * *\n\n", 100)} {
		if tooIntricate(source) {
			t.Errorf("%s is not parsed", name)
		}
	}
}

// TestMarkdownMarks: beyond a bound, emphasis and brackets are text; no ordinary
// text has as many.
func TestMarkdownMarks(t *testing.T) {
	for name, source := range map[string]string{
		"emphasis": strings.Repeat("*a_ ", markdownMaxBytes/4), "strikethrough": strings.Repeat("*a~ ", markdownMaxBytes/4),
		"brackets": strings.Repeat("[", markdownMaxBytes/2) + strings.Repeat("]", markdownMaxBytes/2),
		"both":     strings.Repeat("**[", markdownMaxBytes/6) + strings.Repeat("]**", markdownMaxBytes/6),
	} {
		got, err := Markdown([]byte(source+" *b*"), MarkdownOptions{})
		if err != nil || strings.HasSuffix(string(got), "<em>b</em></p>\n") || strings.Count(string(got), "<em>")+strings.Count(string(got), "<strong>") > 10_000 {
			t.Errorf("%s: %v, %d bytes, ends with %q", name, err, len(got), got[max(0, len(got)-100):])
		}
	}
	for name, source := range map[string]string{
		"a long paragraph": strings.Repeat("*a* **b** ~~c~~ [d](e) ", 600), // "](" is bounded too
		"many paragraphs":  strings.Repeat(strings.Repeat("*a* **b** ~~c~~ [d] ", 20)+"\n\n", 600),
	} {
		got, err := Markdown([]byte(source+"*z*"), MarkdownOptions{})
		if err != nil || !strings.HasSuffix(string(got), "<em>z</em></p>\n") {
			t.Errorf("%s: %v, ends with %q", name, err, got[max(0, len(got)-100):])
		}
	}
}

func TestMarkdownLong(t *testing.T) {
	source := strings.Repeat("A line of text that is neither short nor long, ä.\n\n", 10_000)
	got, err := Markdown([]byte(source), MarkdownOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(got), "The package holds the whole.</em></p>\n") || !utf8.ValidString(string(got)) {
		t.Errorf("a text of %d bytes ends with %q", len(source), got[len(got)-100:])
	}
	if bad := unsafe(string(got)); len(bad) > 0 {
		t.Error(bad)
	}
	// One line without an end.
	if _, err := Markdown([]byte(strings.Repeat("ä", markdownMaxBytes)), MarkdownOptions{}); err != nil {
		t.Error(err)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, tt := range attacks {
		f.Add([]byte(tt.source))
	}
	f.Add([]byte(readme))
	for _, source := range costly(400) {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		got, err := Markdown(source, MarkdownOptions{Image: packageImages})
		if err != nil {
			t.Fatal(err)
		}
		if bad := unsafe(string(got)); len(bad) > 0 {
			t.Errorf("%q became %q, which holds %v", source, got, bad)
		}
		if !utf8.ValidString(string(got)) {
			t.Errorf("%q became invalid UTF-8", source)
		}
	})
}

func BenchmarkMarkdown(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Markdown([]byte(readme), MarkdownOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
