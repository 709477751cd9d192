package nuget

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

const nuspecSpace = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"

// requiredElements are those without which no manifest passes.
const requiredElements = `<id>A</id><version>1.0.0</version><authors>B</authors><description>C</description>`

// nuspecWith puts elements behind the required ones.
func nuspecWith(elements string) string { return nuspecOf(requiredElements + elements) }

func nuspecOf(elements string) string {
	return `<package xmlns="` + nuspecSpace + `"><metadata>` + elements + `</metadata></package>`
}

// wantProblems compares the texts of all problems, in order.
func wantProblems(t *testing.T, nuspec string, want ...string) {
	t.Helper()
	m, err := CheckManifest([]byte(nuspec))
	var got []string
	if err != nil {
		problems, ok := errors.AsType[Problems](err)
		if !ok || len(problems) == 0 || m != nil {
			t.Fatalf("%.200s: got %v and %v", nuspec, m, err)
		}
		for _, p := range problems {
			got = append(got, p.Text)
			checkSentence(t, p)
		}
		if problems.Error() != strings.Join(got, "\n") {
			t.Errorf("Error is %q", problems.Error())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%.300s\ngot\n  %s\nwant\n  %s", nuspec, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestWebAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.org":                    "https://example.org",
		"\n  HTTP://example.org:80/a b?x=1#y\t ": "HTTP://example.org:80/a b?x=1#y",
		"https://example.org/100%":               "https://example.org/100%25",
		"https://example.org/100%/%2F%2f%4":      "https://example.org/100%25/%2F%2f%254",
		"https://example.org/%%%":                "https://example.org/%25%25%25",
		"https://example.org/%zz%41%":            "https://example.org/%25zz%41%25",
		"":                                       "",
		"example.org":                            "",
		"//example.org/a":                        "",
		"ftp://example.org/":                     "",
		"javascript:alert(1)":                    "",
		"https:///a":                             "",
		"https://:443/a":                         "",
		"https://exa mple.org/":                  "",
	} {
		if got := WebAddress(text); got != want {
			t.Errorf("WebAddress(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCheckManifestXML(t *testing.T) {
	good := nuspecWith("")
	deep := func(n int) string { return nuspecWith(strings.Repeat("<x>", n) + strings.Repeat("</x>", n)) }
	many := func(n int) string { return nuspecWith("<x>" + strings.Repeat("<y/>", n) + "</x>") }
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return nuspecWith("<x" + b.String() + "/>")
	}
	const declaration = `<?xml version="1.0" encoding="utf-8"?>`
	for _, c := range []struct{ nuspec, why string }{
		{good, ""},
		{declaration + good, ""},
		{"\xEF\xBB\xBF" + declaration + "\r\n" + good + "\r\n", ""},
		{"\xEF\xBB\xBF" + good, ""},
		{`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + good, ""},
		{encode16(binary.LittleEndian, `<?xml version="1.0" encoding="utf-16"?>`+nuspecWith("<title>𝒳</title>")), ""},
		{encode16(binary.BigEndian, `<?xml version="1.0" encoding="UTF-16"?>`+good), ""},
		{encode16(binary.LittleEndian, good), ""},
		{"<!-- by hand --><?pi x?>" + good + "<!-- end -->\n", ""},
		{nuspecWith("<title><![CDATA[a < b]]> &amp; &#99;</title>"), ""},
		{strings.ReplaceAll(good, " xmlns=", " xmlns:x=\"y\" xml:lang=\"en\" x:a=\"1\" a=\"2\" xmlns="), ""},
		{deep(62), ""},
		{many(32000), ""},
		{attributes(64), ""},
		{nuspecWith(strings.Repeat(`<x xmlns="y">`, 60) + strings.Repeat("</x>", 60)), ""},

		{`<?xml version = '1.0' encoding='UTF-8' standalone='no' ?>` + good, ""},
		{strings.Replace(declaration, "utf-8", "ISO-8859-1", 1) + nuspecWith("<title>caf\xe9</title>"), ""},
		{strings.Replace(declaration, "utf-8", "us-ascii", 1) + good, ""},
		{strings.Replace(good, "<id>", "<id xml:space='default'\tx = 'y'>", 1), ""},

		{"", "it holds no XML element"},
		{"  <!-- only --> ", "it holds no XML element"},
		{"hello", "it has text outside its root element"},
		{good[:len(good)-3], "line 1 is not well-formed XML: unexpected EOF"},
		{strings.TrimSuffix(good, "</package>"), "the element package is not closed"},
		{" " + declaration + good, "something stands before its XML declaration"},
		{"<!-- x -->" + declaration + good, "something stands before its XML declaration"},
		{strings.Replace(good, "<id>", "<?xml version=\"1.0\"?><id>", 1), "something stands before its XML declaration"},
		{good + "<package/>", "it has a second root element, package"},
		{good + "more", "it has text outside its root element"},
		{good + "</package>", "the element package is closed but was never opened"},
		{strings.Replace(good, "</id>", "</Id>", 1), "the element id is closed by Id"},
		{strings.Replace(good, "<id>", `<id a="1" a="1">`, 1), "the element id has the attribute a twice"},
		{strings.Replace(good, "<id>", `<id xmlns:p="u" xmlns:q="u" p:a="1" q:a="2">`, 1), "the element id has the attribute a twice"},
		{strings.Replace(good, "<id>", "<p:id>", 1), "the namespace prefix of the element p:id is not declared"},
		{strings.Replace(good, "<id>", `<id p:a="">`, 1), "the namespace prefix of the attribute p:a of the element id is not declared"},
		{`<!DOCTYPE package [<!ENTITY a "b">]>` + good, "it has a document type declaration (DTD), which is not allowed; remove it"},
		{`<!DOCTYPE package SYSTEM "http://example.org/x.dtd">` + good, "it has a document type declaration (DTD), which is not allowed; remove it"},
		{nuspecWith("<title>&a;</title>"), "line 1 is not well-formed XML: invalid character entity &a;"},
		{nuspecWith("<title>&nbsp;</title>"), "line 1 is not well-formed XML: invalid character entity &nbsp;"},
		{nuspecWith("<title>&#0;</title>"), "line 1 is not well-formed XML: illegal character code U+0000"},
		{nuspecWith("<title>&#xD800;</title>"), "it refers to the character U+D800, which XML does not allow"},
		{nuspecWith("<title>&#56832;</title>"), "it refers to the character U+DE00, which XML does not allow"},
		{nuspecWith("<title>&#x110000;</title>"), "line 1 is not well-formed XML: invalid character entity &#x110000;"},
		{nuspecWith("<title>\x01</title>"), "it holds the character U+0001, which XML does not allow"},
		{nuspecWith("<!-- \x0b -->"), "it holds the character U+000B, which XML does not allow"},
		{nuspecWith("<!-- \uFFFE -->"), "it holds the character U+FFFE, which XML does not allow"},
		{nuspecWith("<title>caf\xe9</title>"), "it is not valid UTF-8; save it as UTF-8"},
		{nuspecWith("<!-- \xed\xa0\x80 -->"), "it is not valid UTF-8; save it as UTF-8"},
		{strings.Replace(declaration, "utf-8", "windows-1252", 1) + good, "it is said to be encoded as windows-1252; save it as UTF-8"},
		{strings.Replace(declaration, "utf-8", "utf-16", 1) + good, "it is said to be encoded as utf-16; save it as UTF-8"},
		{strings.Replace(declaration, "utf-8", "us-ascii", 1) + nuspecWith("<title>caf\xc3\xa9</title>"), "it says that it is ASCII and is not; save it as UTF-8"},
		{encode16(binary.LittleEndian, declaration+good), "it is said to be encoded as utf-8; save it as UTF-8"},
		// What encoding/xml takes and .NET's reader does not.
		{`<?xmlversion="1.0"?>` + good, "the processing instruction xmlversion has no valid name"},
		{`<?xml version="1.0"encoding="utf-8"?>` + good, "its XML declaration is not well-formed"},
		{`<?xml encoding="utf-8"?>` + good, "its XML declaration is not well-formed"},
		{nuspecWith("<?a:b c?>"), "the processing instruction a:b has no valid name"},
		{nuspecWith("<?a=b c?>"), "the processing instruction a has no valid name"},
		{good + "&#9;", "it has text outside its root element"},
		{good + "<![CDATA[ ]]>", "it has text outside its root element"},
		{strings.Replace(good, "<id>", `<id a="1"b='2'>`, 1), "the attributes of the element id are not apart"},
		{strings.Replace(good, "<id>", `<id xml:space="x">`, 1), "xml:space must be default or preserve, not x"},
		{strings.Replace(good, "<id>", `<id xmlns:p="">`, 1), `the prefix p cannot stand for the namespace ""`},
		{strings.Replace(good, "<id>", `<id xmlns:xml="q">`, 1), "the prefix xml cannot stand for the namespace q"},
		{strings.Replace(good, "<id>", `<id xmlns:xmlns="q">`, 1), "the prefix xmlns cannot stand for the namespace q"},
		{strings.Replace(good, "<id>", `<id xmlns:p="http://www.w3.org/2000/xmlns/">`, 1), "the prefix p cannot stand for the namespace http://www.w3.org/2000/xmlns/"},
		{strings.Replace(good, "<id>", `<id xmlns="http://www.w3.org/XML/1998/namespace">`, 1), `the prefix "" cannot stand for the namespace http://www.w3.org/XML/1998/namespace`},
		{strings.Replace(good, "<id>", `<id xmlns:p="u"><p:1/>`, 1), "the element p:1 has no valid name"},
		{`<?xml version="1.1"?>` + good, `it cannot be read: unsupported version "1.1"; only version 1.0 is supported`},
		{encode16(binary.LittleEndian, good) + "x", "it is not valid UTF-16; save it as UTF-8"},
		{encode16(binary.LittleEndian, good) + "\x00\xD8", "it is not valid UTF-16; save it as UTF-8"},
		{encode16(binary.BigEndian, good) + "\xD8\x00\x00a", "it is not valid UTF-16; save it as UTF-8"},
		{encode16(binary.LittleEndian, good)[2:], "it holds the character U+0000, which XML does not allow"},
		{"\xFF\xFE\x00\x00<\x00\x00\x00", "it is encoded as UTF-32; save it as UTF-8"},
		{deep(63), "its elements are nested more than 64 deep"},
		{many(33000), "it has more than 32768 elements"},
		{attributes(65), "the element x has more than 64 attributes"},
		{strings.Repeat(" ", 1<<20-len(good)) + good + " ", "it is larger than 1048576 bytes"},
		{nuspecWith(strings.Repeat(`<x xmlns="y" xmlns:y="y">`, 32) + strings.Repeat("</x>", 32)), "it declares more than 64 namespaces"},
		{"<package/>", "the element metadata is missing"},
		{"<package><Metadata/></package>", "the element metadata is missing"},
	} {
		if c.why == "" {
			wantProblems(t, c.nuspec)
		} else {
			wantProblems(t, c.nuspec, m19+c.why+".")
		}
	}
	wantProblems(t, strings.Repeat(" ", 1<<20-len(good))+good)
}

func encode16(order binary.AppendByteOrder, s string) string {
	b := order.AppendUint16(nil, 0xFEFF)
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func TestCheckManifestNamespaces(t *testing.T) {
	for _, year := range []string{"2010/07", "2011/08", "2011/10", "2012/06", "2013/01", "2013/05"} {
		space := "http://schemas.microsoft.com/packaging/" + year + "/nuspec.xsd"
		for _, nuspec := range []string{
			`<package xmlns="` + space + `"><metadata>` + requiredElements + `</metadata></package>`,
			`<package><metadata xmlns="` + space + `">` + requiredElements + `</metadata></package>`,
		} {
			if m, err := CheckManifest([]byte(nuspec)); err != nil || m.Namespace != space || m.Description != "C" {
				t.Errorf("%s: %v, %v", nuspec, m, err)
			}
		}
	}
	wantProblems(t, "<package><metadata>"+requiredElements+"</metadata></package>")
	wantProblems(t, `<p:package xmlns:p="`+nuspecSpace+`" xmlns="`+nuspecSpace+`"><metadata>`+requiredElements+`</metadata></p:package>`)
	wantProblems(t, `<p:package xmlns:p="`+nuspecSpace+`"><p:metadata><p:id>A</p:id></p:metadata></p:package>`,
		m19+"the element metadata has a namespace prefix; clients find it without one only.",
		"id is required.", "version is required.", "description is required.", "authors is required.")
	wantProblems(t, nuspecOf(strings.ReplaceAll(requiredElements, "<id>", `<id xmlns="other">`)), "id is required.")
	wantProblems(t, "<nuspec><metadata>"+requiredElements+"</metadata></nuspec>", m19+"its root element is nuspec and must be package.")
	wantProblems(t, "<package><metadata>"+requiredElements+"</metadata><metadata/></package>", m19+"the element metadata is there twice.")
	// Elements of other namespaces are not NuGet's.
	wantProblems(t, nuspecWith(`<x:dependencies xmlns:x="y"><x:dependency/></x:dependencies>`))
}

// R-PKG-03 to R-PKG-09: each text of exactly its longest length, and of one more.
func TestCheckManifestLimits(t *testing.T) {
	const web = "https://example.org/"
	limits := []struct {
		field string
		limit int
		text  string // how it begins
	}{
		{"description", 4000, ""}, {"authors", 4000, ""}, {"copyright", 4000, ""}, {"summary", 4000, ""}, {"tags", 4000, ""}, {"releaseNotes", 35000, ""}, {"title", 256, ""}, {"language", 20, ""},
		{"iconUrl", 4000, web}, {"projectUrl", 4000, web}, {"licenseUrl", 4000, web},
		{"repository type", 100, ""}, {"repository url", 4000, web}, {"repository branch", 4000, ""}, {"repository commit", 4000, ""},
		{"minClientVersion", 64, "1.0-"},
	}
	if len(limits) != len(manifestTexts) {
		t.Errorf("%d texts have a limit and %d are tried", len(manifestTexts), len(limits))
	}
	for _, l := range limits {
		nuspec := func(n int) string {
			text := l.text + strings.Repeat("x", n-len(l.text))
			if element, attribute, ok := strings.Cut(l.field, " "); ok {
				return nuspecWith("<" + element + " " + attribute + `="` + text + `"/>`)
			}
			if l.field == "minClientVersion" {
				return strings.Replace(nuspecWith(""), "<metadata>", `<metadata minClientVersion="`+text+`">`, 1)
			}
			element := "<" + l.field + ">" + text + "</" + l.field + ">"
			for _, required := range []string{"<description>C</description>", "<authors>B</authors>"} {
				if strings.HasPrefix(required, "<"+l.field+">") {
					return nuspecOf(strings.Replace(requiredElements, required, element, 1))
				}
			}
			return nuspecWith(element)
		}
		wantProblems(t, nuspec(l.limit))
		wantProblems(t, nuspec(l.limit+1), fmt.Sprintf("%s is longer than %d characters.", l.field, l.limit))
	}
	name := strings.Repeat("x", MaxIDLength)
	wantProblems(t, nuspecWith(`<packageTypes><packageType name="`+name+`"/></packageTypes>`))
	wantProblems(t, nuspecWith(`<packageTypes><packageType name="`+name+`x"/></packageTypes>`),
		m19+"the package type "+name[:61]+"... needs a name that has the form of an ID.")
}

func TestCheckManifestRules(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	dependency := func(attributes string) string {
		return "<dependencies><dependency " + attributes + "/></dependencies>"
	}
	var flattened strings.Builder
	for i := range 2978 { // "D001:(, ):" and a bar: 11 characters each, less one
		fmt.Fprintf(&flattened, `<dependency id="D%03X"/>`, i)
	}
	for _, c := range []struct {
		elements string
		problems []string
	}{
		{"", nil},

		// PROTO-12.2: elements twice, restricted names, text only
		{"<title>a</title><title>b</title>", []string{m19 + "the element title is there twice; keep one."}},
		{"<title>a</title><Title>b</Title>", []string{m19 + "the element Title is there twice; keep one."}},
		{"<dependencies/><dependencies/>", []string{m19 + "the element dependencies is there twice; keep one."}},
		{"<published>now</published>", []string{m19 + "the element published is not allowed: catalogs use its name; remove it."}},
		{"<dependencyGroups/>", []string{m19 + "the element dependencyGroups is not allowed: catalogs use its name; remove it."}},
		{"<verbatimVersion>1</verbatimVersion><custom>x</custom>", []string{m19 + "the element verbatimVersion is not allowed: catalogs use its name; remove it."}},
		{"<icon><b/></icon>", []string{m19 + "the element icon holds other elements and may hold text only."}},

		// R-PKG-03 to R-PKG-07
		{"<copyright>" + long(4000) + "</copyright><summary>" + long(4000) + "</summary><tags>" + long(4000) + "</tags><releaseNotes>" + long(35000) + "</releaseNotes><title>" + long(256) + "</title><language>" + long(20) + "</language>", nil},
		{"<copyright>" + long(4001) + "</copyright><summary>" + long(4001) + "</summary><tags>" + long(4001) + "</tags><releaseNotes>" + long(35001) + "</releaseNotes><title>" + long(257) + "</title><language>" + long(21) + "</language>", []string{
			"copyright is longer than 4000 characters.", "summary is longer than 4000 characters.", "tags is longer than 4000 characters.",
			"releaseNotes is longer than 35000 characters.", "title is longer than 256 characters.", "language is longer than 20 characters."}},
		{"<title>" + strings.Repeat("é", 256) + "</title>", nil},
		{"<title>" + strings.Repeat("😀", 128) + "</title>", nil},
		{"<title>" + strings.Repeat("😀", 128) + "x</title>", []string{"title is longer than 256 characters."}}, // as .NET counts
		{"<owners>" + long(9000) + "</owners>", nil},

		{"<packageTypes>" + strings.Repeat(`<packageType name="a"/>`, 100) + "</packageTypes>", nil},
		{"<packageTypes>" + strings.Repeat(`<packageType name="a"/>`, 101) + "</packageTypes>", []string{m19 + "it has 101 package types; at most 100 are allowed."}},
		{`<packageTypes><packageType name="a" version="1.` + strings.Repeat("0", 64) + `"/></packageTypes>`, []string{
			m19 + "the package type a has the version 1." + strings.Repeat("0", 59) + "...; write two to four numbers with dots."}},
		{`<repository branch="` + long(4000) + `" commit="` + long(4000) + `"/>`, nil},
		{`<repository branch="` + long(4001) + `" commit="` + long(4001) + `"/>`, []string{
			"repository branch is longer than 4000 characters.", "repository commit is longer than 4000 characters."}},

		// R-PKG-08
		{"<projectUrl>https://example.org/a b?x=100%</projectUrl><iconUrl>HTTP://example.org</iconUrl><licenseUrl> http://example.org:80/ </licenseUrl>", nil},
		{"<projectUrl></projectUrl>", nil},
		{"<projectUrl>ftp://example.org</projectUrl><iconUrl>javascript:alert(1)</iconUrl><licenseUrl>/licence.txt</licenseUrl>", []string{
			m19 + "iconUrl must be an absolute http or https address, not javascript:alert(1).",
			m19 + "projectUrl must be an absolute http or https address, not ftp://example.org.",
			m19 + "licenseUrl must be an absolute http or https address, not /licence.txt."}},
		{"<projectUrl>http:///path</projectUrl>", []string{m19 + "projectUrl must be an absolute http or https address, not http:///path."}},
		{"<projectUrl>http://:80/</projectUrl>", []string{m19 + "projectUrl must be an absolute http or https address, not http://:80/."}},
		{"<projectUrl>example.org</projectUrl>", []string{m19 + "projectUrl must be an absolute http or https address, not example.org."}},
		{"<iconUrl>http://example.org/" + long(4000) + "</iconUrl>", []string{"iconUrl is longer than 4000 characters."}},

		// R-PKG-09
		{`<repository type="` + long(100) + `" url="https://example.org"/>`, nil},
		{`<repository type="` + long(101) + `" url="https://example.org/` + long(4000) + `"/>`, []string{"repository type is longer than 100 characters.", "repository url is longer than 4000 characters."}},

		// R-PKG-12
		{`<packageTypes><packageType name="DotnetTool"/><packageType name=" My.Own " version="1.0"/></packageTypes>`, nil},
		{`<packageTypes/>`, nil},
		{`<packageTypes><packageType/><packageType name="a b"/><packageType name="A" version="1"/></packageTypes>`, []string{
			m19 + "the package type \"\" needs a name that has the form of an ID.",
			m19 + "the package type a b needs a name that has the form of an ID.",
			m19 + "the package type A has the version 1; write two to four numbers with dots."}},

		// M-27, whatever else is wrong
		{`<packageTypes><packageType name="symbolsPackage"/></packageTypes><title/><title/>`, []string{"This is a symbols package; send it to the symbol endpoint."}},

		// R-PKG-14
		{dependency(`id="X"`) + "", nil},
		{dependency(`id="X" version=""`), nil},
		{dependency(`id="X" version="[1.0, 2.0)"`), nil},
		{dependency(`id="Ünïcode_1.x-y" version="1"`), nil},
		{dependency(`id="` + long(128) + `" version="1.0-` + long(251) + `"`), nil},
		{dependency(`id="` + long(129) + `"`), []string{"The ID of the dependency " + long(61) + "... is longer than 128 characters."}},
		{dependency(`id="X" version="1.0-` + long(253) + `"`), []string{"The version of the dependency X is longer than 256 characters."}},
		{dependency(`version="1"`), []string{m19 + "a dependency for any framework has no id."}},
		{dependency(`id="a b" version="1"`), []string{m19 + "the dependency a b for any framework has no valid ID."}},
		{dependency(`id="X" version="1.*"`), []string{m19 + "the dependency X for any framework floats (1.*); a package names fixed versions."}},
		{dependency(`id="X" version="*"`), []string{m19 + "the dependency X for any framework floats (*); a package names fixed versions."}},
		{dependency(`id="X" version="1*"`), []string{m19 + "the dependency X for any framework floats (1*); a package names fixed versions."}},
		{dependency(`id="X" version="[1.0.*, 2.0)"`), []string{m19 + "the dependency X for any framework floats ([1.0.*, 2.0)); a package names fixed versions."}},
		{dependency(`id="X" version="1.0+abc"`), []string{m19 + "the dependency X for any framework has build metadata in its version 1.0+abc; leave the part from + on out."}},
		{dependency(`id="X" version="[1.0,2.0+abc]"`), []string{m19 + "the dependency X for any framework has build metadata in its version [1.0,2.0+abc]; leave the part from + on out."}},
		{dependency(`id="X" version="latest"`), []string{m19 + "the dependency X for any framework has the version latest, which is no version range."}},
		{dependency(`id="X" version="[2,1]"`), []string{m19 + "the dependency X for any framework has the version [2,1], which is no version range."}},

		// R-PKG-15
		{`<dependencies><dependency id="X"/><dependency id="Y"/></dependencies>`, nil},
		{`<dependencies><dependency id="X" version="1"/><dependency id="x" version="2"/></dependencies>`, []string{"The dependency x is listed twice for any framework."}},
		{`<dependencies><group targetFramework="net8.0"><dependency id="X"/><dependency id="X"/></group></dependencies>`, []string{"The dependency X is listed twice for net8.0."}},
		{`<dependencies><group targetFramework="net8.0"><dependency id="X"/></group><group targetFramework="net9.0"><dependency id="X"/></group></dependencies>`, nil},
		// A group makes clients ignore the flat list.
		{`<dependencies><dependency id="X"/><dependency id="X" version="bad"/><group/></dependencies>`, nil},

		// R-PKG-16
		{`<dependencies><group/><group targetFramework="net45"/><group targetFramework="net46"/></dependencies>`, nil},
		{`<dependencies><group targetFramework="net45"/><group targetFramework=".NETFramework4.5"/></dependencies>`, []string{m19 + "there are two dependency groups for net45; put their dependencies into one."}},
		{`<dependencies><group/><group targetFramework="any"/></dependencies>`, []string{m19 + "there are two dependency groups for any framework; put their dependencies into one."}},

		// R-PKG-17
		{"<dependencies>" + flattened.String() + "</dependencies>", nil},
		{"<dependencies>" + flattened.String() + `<dependency id="DFFF"/></dependencies>`, []string{"dependencies is longer than 32767 characters."}},

		// R-PKG-18
		{`<dependencies><group targetFramework="nonsense"><dependency id="X"/></group></dependencies>`, []string{m19 + "a dependency group has the target framework nonsense, which is not known."}},
		{`<frameworkReferences><group targetFramework="net8.0"><frameworkReference name="Microsoft.AspNetCore.App"/></group></frameworkReferences>`, nil},
		{`<frameworkReferences><group targetFramework="nonsense"/><group><frameworkReference/></group></frameworkReferences>`, []string{
			m19 + "a group of frameworkReferences has the target framework nonsense, which is not known.",
			m19 + "a group of frameworkReferences has no targetFramework.",
			m19 + "a frameworkReference for \"\" has no name."}},
		{`<references><group><reference file="a.dll"/></group><group targetFramework="net45"/></references>`, nil},
		{`<references><group targetFramework="net4bad"/></references>`, []string{m19 + "a group of references has the target framework net4bad, which is not known."}},
		{`<frameworkAssemblies><frameworkAssembly assemblyName="System.Xml" targetFramework="net45, net46"/><frameworkAssembly assemblyName="System"/></frameworkAssemblies>`, nil},
		{`<frameworkAssemblies><frameworkAssembly assemblyName="System.Xml" targetFramework="net45, nonsense"/></frameworkAssemblies>`, []string{m19 + "a frameworkAssembly has the target framework nonsense, which is not known."}},
		{`<contentFiles><files include="any/any/*" buildAction="None" flatten="True" copyToOutput="false"/></contentFiles>`, nil},
		{`<contentFiles><files/><files include="**" flatten="yes"/></contentFiles>`, []string{
			m19 + "an element files of contentFiles has no attribute include.",
			m19 + "flatten of the contentFiles ** must be true or false, not yes."}},

		// booleans
		{"<requireLicenseAcceptance>false</requireLicenseAcceptance><developmentDependency> True </developmentDependency><serviceable>1</serviceable>", nil},
		{"<requireLicenseAcceptance>no</requireLicenseAcceptance><developmentDependency/><serviceable>2</serviceable>", []string{
			m19 + "requireLicenseAcceptance must be true or false, not no.",
			m19 + "developmentDependency must be true or false, not \"\".",
			m19 + "serviceable must be true or false, not 2."}},
		// Clients that install by packages.config fail on digits here.
		{"<developmentDependency>1</developmentDependency>", []string{m19 + "developmentDependency must be true or false, not 1."}},
		{"<requireLicenseAcceptance>true</requireLicenseAcceptance>", []string{m19 + "requireLicenseAcceptance is true but no licence is given; add an element license."}},
		{`<requireLicenseAcceptance>true</requireLicenseAcceptance><license type="file">l.txt</license>`, nil},
		{"<requireLicenseAcceptance>true</requireLicenseAcceptance><licenseUrl>https://example.org</licenseUrl>", nil},

		// R-LIC-01
		{`<license type="EXPRESSION" version="1.0.0"> MIT </license>`, nil},
		{`<license type="expression">No Such Grammar</license>`, nil}, // R-LIC-03 is the caller's
		{`<license type="file">` + long(500) + `</license>`, nil},
		{`<license type="file">` + long(501) + `</license>`, []string{"license is longer than 500 characters."}},
		{`<license type="expression"/>`, []string{m19 + "the element license is empty."}},
		{`<license>MIT</license>`, []string{m19 + "the element license has the type \"\"; it must be expression or file."}},
		{`<license type="url">MIT</license>`, []string{m19 + "the element license has the type url; it must be expression or file."}},
		{`<license type="expression" version="2.0.0">MIT</license>`, []string{m19 + "the element license has the version 2.0.0; only 1.0.0 is known."}},
		{`<license type="expression" version="1.0">MIT</license>`, []string{m19 + "the element license has the version 1.0; only 1.0.0 is known."}},
		{`<license type="expression">MIT<b/></license>`, []string{m19 + "the element license holds other elements and may hold text only."}},

		// R-LIC-04
		{`<license type="file">a.txt</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>`, nil},
		{`<license type="expression">MIT OR (Apache-2.0+)</license><licenseUrl>https://licenses.nuget.org/MIT%20OR%20(Apache-2.0+)</licenseUrl>`, nil},
		{`<license type="expression">MIT OR (Zlib)</license><licenseUrl>https://licenses.nuget.org/MIT%20OR%20%28Zlib%29</licenseUrl>`, nil},
		{`<license type="expression">MIT</license><licenseUrl/>`, nil},
		{`<license type="file">a.txt</license><licenseUrl>https://example.org/licence</licenseUrl>`, []string{m19 + "beside a licence file, licenseUrl must be absent or https://aka.ms/deprecateLicenseUrl."}},
		{`<license type="expression">MIT OR Zlib</license><licenseUrl>https://licenses.nuget.org/MIT+OR+Zlib</licenseUrl>`, []string{m19 + "beside a licence expression, licenseUrl must be absent or https://licenses.nuget.org/MIT%20OR%20Zlib."}},
		{`<license type="expression">MIT OR Zlib</license><licenseUrl>https://licenses.nuget.org/MIT OR Zlib</licenseUrl>`, []string{m19 + "beside a licence expression, licenseUrl must be absent or https://licenses.nuget.org/MIT%20OR%20Zlib."}},
		{`<license type="expression">MIT</license><licenseUrl>https://licenses.nuget.org/Zlib</licenseUrl>`, []string{m19 + "beside a licence expression, licenseUrl must be absent or https://licenses.nuget.org/MIT."}},
		{`<license type="expression">MIT</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>`, []string{m19 + "beside a licence expression, licenseUrl must be absent or https://licenses.nuget.org/MIT."}},

		// R-LIC-06
		{"<licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>", []string{m19 + "the licenseUrl https://aka.ms/deprecateLicenseUrl stands for an element license, which is missing."}},
		{"<licenseUrl>https://licenses.nuget.org/MIT</licenseUrl>", nil},
	} {
		wantProblems(t, nuspecWith(c.elements), c.problems...)
	}
}

func TestCheckManifestIdentity(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	const rule = " is not allowed: letters, digits and _ with single . or - between, at most 100 characters."
	const version = " is not a valid version, or is longer than 64 characters."
	for _, c := range []struct {
		id, version string
		problems    []string
	}{
		{"A", "1.0.0", nil},
		{"con", "1", nil},
		{"A_b.C-d.9", " 1.02.0.4-Beta.1+meta ", nil},
		{long(100), "1.0.0", nil},
		{long(100), "1.0.0-" + long(54), nil},
		{long(100), "1.0.0-" + long(55), []string{"id with version is longer than 160 characters."}},
		{"A", "1.0.0-" + long(58), nil},
		{long(101), "1.0.0", []string{"The ID " + long(61) + "..." + rule}},
		{"", "", []string{"id is required.", "version is required."}},
		{"$id$", "1.0.0", []string{"The ID $id$" + rule}},
		{" A", "1.0.0", []string{"The ID \" A\"" + rule}},
		{"A..B", "1.0.0", []string{"The ID A..B" + rule}},
		{"Ünïcode", "1.0.0", []string{"The ID Ünïcode" + rule}},
		{"a/b", "x", []string{"The ID a/b" + rule, "The version x" + version}},
		{"A\nB\u202E", "1.0.0", []string{`The ID A\u{A}B\u{202E}` + rule}},
		{"A", "$version$", []string{"The version $version$" + version}},
		{"A", "1.0.0-" + long(59), []string{"The version 1.0.0-" + long(55) + "..." + version}},
		{"A", "1.0.0-01", []string{"The version 1.0.0-01" + version}},
		{"A", strings.Repeat("0", 64) + "1.0.0", []string{"The version " + strings.Repeat("0", 61) + "..." + version}},
	} {
		wantProblems(t, nuspecOf("<id>"+c.id+"</id><version>"+c.version+"</version><authors>B</authors><description>C</description>"), c.problems...)
	}
	// All at once, in the order of the catalogue and not of the document.
	wantProblems(t, nuspecOf(`<title>`+long(300)+`</title><dependencies><dependency id="!"/></dependencies><authors> </authors><version>x</version><listed/>`),
		m19+"the element listed is not allowed: catalogs use its name; remove it.",
		"id is required.", "The version x"+version, "description is required.", "authors is required.", "title is longer than 256 characters.",
		m19+"the dependency ! for any framework has no valid ID.")
	_, err := CheckManifest([]byte(nuspecWith("<x>" + strings.Repeat("<y/>", 3) + "</x>" + strings.Repeat("<listed/>", 5000))))
	if problems, ok := errors.AsType[Problems](err); !ok || len(problems) != 100 {
		t.Errorf("%d problems", len(problems))
	}
	wantProblems(t, strings.Replace(nuspecWith(""), "<metadata>", `<metadata minClientVersion="2.12">`, 1))
	wantProblems(t, strings.Replace(nuspecWith(""), "<metadata>", `<metadata minClientVersion="">`, 1), m19+"the minClientVersion \"\" is not a version.")
}

func TestCheckManifestWarnings(t *testing.T) {
	const hidden = "The repository's address is not shown: it must begin with "
	for _, c := range []struct {
		elements string
		warnings []string
	}{
		{"", nil},
		{`<repository type="git" url="https://example.org/x.git"/>`, nil},
		{`<repository type="GIT" url="git://example.org/x.git"/>`, nil},
		{`<repository type="git"/>`, nil},
		{`<repository type="git" url="http://example.org"/>`, []string{hidden + "https:// or git://, not http://example.org."}},
		{`<repository type="git" url="git@example.org:a/b.git"/>`, []string{hidden + "https:// or git://, not git@example.org:a/b.git."}},
		{`<repository type="svn" url="git://example.org"/>`, []string{hidden + "https://, not git://example.org."}},
		{"<title>caf\u00e9</title>", nil},
		{"<title>cafe\u0301</title>", []string{"The manifest holds text that is not in Unicode's normalization form C; searches may not find it."}},
	} {
		m, err := CheckManifest([]byte(nuspecWith(c.elements)))
		if err != nil || !slices.Equal(m.Warnings, c.warnings) {
			t.Errorf("%s: %v, %q", c.elements, err, m.Warnings)
		}
	}
}

func TestReadManifest(t *testing.T) {
	got, err := ReadManifest([]byte(`<?xml version="1.0"?>
<package xmlns="` + nuspecSpace + `">
  <metadata minClientVersion=" 2.12 ">
    <id>Contoso.Tools</id>
    <version>1.2.0-Beta+5</version>
    <title> Tools </title>
    <Title>second</Title>
    <authors>A, B</authors>
    <owners>O</owners>
    <description><!-- not this -->Line
two<![CDATA[ <b>]]></description>
    <summary> </summary>
    <releaseNotes>Notes &amp; more</releaseNotes>
    <language>en-US</language>
    <tags>a,b;c` + "\t" + `d  e</tags>
    <projectUrl>https://example.org</projectUrl>
    <icon>images\i.png</icon>
    <readme>docs/r.md</readme>
    <license type="Expression">  MIT </license>
    <requireLicenseAcceptance>TRUE</requireLicenseAcceptance>
    <developmentDependency>true</developmentDependency>
    <repository type="git" url="u" branch="b" commit="c" />
    <packageTypes><packageType name=" DotnetTool " version="1.0"/><packageType/></packageTypes>
    <dependencies>
      <dependency id="Ignored"/>
      <group targetFramework=".NETFramework4.5">
        <dependency id="X" version="1.0" exclude="build, Analyzers,,build" include=""/>
        <dependency id="x" version="1.0.0" exclude="Analyzers,Build"/>
        <dependency id="Y" version="bad"/>
        <dependency version="1"/>
      </group>
      <group targetFramework="nonsense"/>
      <group/>
    </dependencies>
    <frameworkReferences><group targetFramework="net8.0"><frameworkReference name="A"/><frameworkReference name="a"/></group></frameworkReferences>
    <frameworkAssemblies><frameworkAssembly assemblyName="S" targetFramework="net45, net46"/><frameworkAssembly assemblyName="T"/></frameworkAssemblies>
    <published>ignored</published>
  </metadata>
  <files><file src="x"/></files>
</package>`))
	if err != nil {
		t.Fatal(err)
	}
	framework := func(s string) Framework { return mustFramework(t, s) }
	r, err := ParseRange("1.0")
	if err != nil {
		t.Fatal(err)
	}
	want := &Manifest{
		ID: "Contoso.Tools", Title: " Tools ", Authors: "A, B", Owners: "O", Description: "Line\ntwo <b>", ReleaseNotes: "Notes & more", Language: "en-US",
		Tags: []string{"a", "b", "c", "d", "e"}, RawTags: "a,b;c\td  e", ProjectURL: "https://example.org", Icon: `images\i.png`, Readme: "docs/r.md",
		MinClientVersion: "2.12", License: &License{"expression", "MIT", "1.0.0"}, RequireLicenseAcceptance: true, DevelopmentDependency: true,
		Repository: &Repository{"git", "u", "b", "c"}, PackageTypes: []PackageType{{"DotnetTool", "1.0"}},
		DependencyGroups: []DependencyGroup{
			{framework("net45"), ".NETFramework4.5", []Dependency{{ID: "X", Range: r, Exclude: "Analyzers,build"}, {ID: "Y"}}},
			{framework("unsupported"), "nonsense", nil}, {},
		},
		FrameworkReferences: []FrameworkReferenceGroup{{framework("net8.0"), []string{"A"}}},
		FrameworkAssemblies: []FrameworkAssembly{{"S", []Framework{framework("net45"), framework("net46")}}, {"T", []Framework{{}}}},
		Namespace:           nuspecSpace,
	}
	want.Version, _ = ParseVersion("1.2.0-Beta+5")
	sameVersion := cmp.Comparer(func(a, b Version) bool { return a.Full() == b.Full() && a.Original() == b.Original() })
	sameRange := cmp.Comparer(func(a, b Range) bool { return a.String() == b.String() })
	sameFramework := cmp.Comparer(func(a, b Framework) bool { return a == b })
	if diff := cmp.Diff(want, got, sameVersion, sameRange, sameFramework); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if !got.IsSemVer2() || !got.HasType("dotnettool") || got.HasType("Dependency") {
		t.Error("IsSemVer2 or HasType")
	}
}

func TestReadManifestLenient(t *testing.T) {
	read := func(metadata string) *Manifest {
		t.Helper()
		m, err := ReadManifest([]byte(nuspecOf(metadata)))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := read("<id>first</id><id>second</id><version>1</version><licenseUrl>x</licenseUrl><license type='other'>x</license><dependencies><dependency id='D' version='1.*'/></dependencies>")
	if m.ID != "first" || m.Version.String() != "1.0.0" || m.License != nil || m.Authors != "" || len(m.Types()) != 1 || !m.HasType("dependency") || m.Repository != nil || m.IsSemVer2() {
		t.Errorf("%+v", m)
	}
	if g := m.DependencyGroups; len(g) != 1 || !g[0].Framework.IsAny() || g[0].Dependencies[0].Range.String() != "[1.*, )" {
		t.Errorf("%+v", g)
	}
	if m := read("<id>A</id><version>1</version><dependencies><dependency id='D' version='[1.0.0-a.1]'/></dependencies>"); !m.IsSemVer2() {
		t.Error("a SemVer 2 bound does not count")
	}
	// NuspecReader looks for framework assemblies in the root's namespace.
	old, err := ReadManifest([]byte(`<package><metadata xmlns="` + nuspecSpace + `"><id>A</id><version>1</version><frameworkAssemblies><frameworkAssembly assemblyName="S"/></frameworkAssemblies></metadata></package>`))
	if err != nil || old.FrameworkAssemblies != nil {
		t.Errorf("%+v, %v", old, err)
	}
	for nuspec, want := range map[string]string{
		"<package/>":                               m19 + "the element metadata is missing.",
		nuspecOf("<version>1</version>"):           "id is required.",
		nuspecOf("<id>A</id>"):                     "The version \"\" is not a valid version, or is longer than 64 characters.",
		nuspecOf("<id>A</id><version>x</version>"): "The version x is not a valid version, or is longer than 64 characters.",
		"<!DOCTYPE a>" + nuspecWith(""):            m19 + "it has a document type declaration (DTD), which is not allowed; remove it.",
	} {
		m, err := ReadManifest([]byte(nuspec))
		if p, ok := errors.AsType[*Problem](err); !ok || p.Text != want || m != nil {
			t.Errorf("%s: got %v, want %s", nuspec, err, want)
		}
	}
}

// Where blanks count, and what stands for nothing, is as NuGet's reader has it.
func TestReadManifestBlanks(t *testing.T) {
	m, err := ReadManifest([]byte(nuspecWith("<title><![CDATA[ ]]></title><summary xml:space='preserve'> </summary><owners> <!-- none --> </owners>" +
		"<requireLicenseAcceptance> true</requireLicenseAcceptance>" +
		"<repository branch='a\r\nb\tc&#10;d' />" +
		"<frameworkAssemblies><frameworkAssembly assemblyName='A' /><frameworkAssembly assemblyName='B' targetFramework=' , net45,,' /></frameworkAssemblies>" +
		"<frameworkReferences><group><frameworkReference name='C' /></group></frameworkReferences>")))
	if err != nil {
		t.Fatal(err)
	}
	if m.Title != " " || m.Summary != " " || m.Owners != "" {
		t.Errorf("title, summary and owners are %q, %q, %q", m.Title, m.Summary, m.Owners)
	}
	if m.RequireLicenseAcceptance {
		t.Error("clients take true for true without blanks only")
	}
	if branch := m.Repository.Branch; branch != "a b c\nd" {
		t.Errorf("the branch is %q", branch)
	}
	var assemblies []string
	for _, a := range m.FrameworkAssemblies {
		for _, f := range a.Frameworks {
			assemblies = append(assemblies, a.Name+" "+f.String())
		}
	}
	if want := []string{"A any", "B unsupported", "B net45"}; !slices.Equal(assemblies, want) {
		t.Errorf("framework assemblies are %q, want %q", assemblies, want)
	}
	if f := m.FrameworkReferences[0].Framework; !f.IsUnsupported() {
		t.Errorf("a framework reference without framework is for %s", f)
	}
}

func FuzzCheckManifest(f *testing.F) {
	for _, seed := range []string{
		"", goodNuspec, nuspecWith(""), nuspecOf(""), encode16(binary.LittleEndian, goodNuspec), "\xEF\xBB\xBF" + goodNuspec,
		nuspecWith(`<dependencies><group targetFramework="net45"><dependency id="X" version="[1.0,2)"/></group></dependencies>`),
		nuspecWith(`<license type="file">a</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>`),
		nuspecWith(`<x:a xmlns:x="y" x:b=""/><frameworkAssemblies><frameworkAssembly targetFramework="a,,b"/></frameworkAssemblies>`),
		nuspecWith(`<repository type="git" url="x"/><packageTypes><packageType name="x"/></packageTypes>`),
		"<a><!DOCTYPE x></a>", "<?xml version='1.0' encoding='x'?><a/>", "<a b='1' b='2'/>", "<?a?><a b='\r\n\t'\nc=''/>", "<a b='1'c='2'/>",
		"<?xml version='1.0' encoding='latin1' standalone='no'?><a xml:space='preserve' xmlns:p=''>\xe9</a>", "<a><![CDATA[ ]]></a>&#9;",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, nuspec []byte) {
		checked, err := CheckManifest(nuspec)
		for _, p := range problemsOf(err) {
			checkSentence(t, p)
		}
		read, readErr := ReadManifest(nuspec)
		for _, p := range problemsOf(readErr) {
			checkSentence(t, p)
		}
		if err != nil {
			return
		}
		if readErr != nil {
			t.Fatalf("taken, but cannot be read: %v", readErr)
		}
		if checked.ID != read.ID || !checked.Version.Equal(read.Version) || len(checked.DependencyGroups) != len(read.DependencyGroups) {
			t.Errorf("%+v and %+v", checked, read)
		}
		if _, err := ParseID(string(checked.ID)); err != nil {
			t.Error(err)
		}
		for _, g := range checked.DependencyGroups {
			for _, d := range g.Dependencies {
				if d.Range.IsFloating() || d.Range.HasMetadata() || !ValidIDForm(d.ID) {
					t.Errorf("dependency %+v is taken", d)
				}
			}
		}
		checked.IsSemVer2()
	})
}
