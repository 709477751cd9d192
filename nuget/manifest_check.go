package nuget

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Limits of a manifest, in characters (UTF-16 units, as .NET counts) where no
// other unit is named.
const (
	maxManifest            = 1 << 20 // bytes
	maxVersion             = 64      // a version with its metadata (R-PKG-02)
	maxIDAndVersion        = 160
	maxDependencyID        = 128 // an ID that is only read may be longer than a new one (R-PKG-14)
	maxDependencyRange     = 256
	maxDependenciesText    = 32767 // all of them as V2 writes them (R-PKG-17)
	maxPackageTypes        = 100   // every list of packages shows them (R-PKG-12)
	maxLicence             = 500   // the text of the element (R-LIC-01)
	maxProblems            = 100   // a manifest has no more than these reported
	licenceFileURL         = "https://aka.ms/deprecateLicenseUrl"
	licenceExpressionsURL  = "https://licenses.nuget.org/"
	licenceGrammar         = "1.0.0"
	typeSymbols            = "SymbolsPackage"
	dependencyFrameworkAny = "any framework"
)

// manifestTexts are the texts with a longest length (R-PKG-03 to R-PKG-09).
var manifestTexts = []struct {
	field    string
	limit    int
	required bool
	read     func(*Manifest) string
}{
	{"description", 4000, true, func(m *Manifest) string { return m.Description }},
	{"authors", 4000, true, func(m *Manifest) string { return m.Authors }},
	{"copyright", 4000, false, func(m *Manifest) string { return m.Copyright }},
	{"summary", 4000, false, func(m *Manifest) string { return m.Summary }},
	{"tags", 4000, false, func(m *Manifest) string { return m.RawTags }},
	{"iconUrl", 4000, false, func(m *Manifest) string { return m.IconURL }},
	{"projectUrl", 4000, false, func(m *Manifest) string { return m.ProjectURL }},
	{"licenseUrl", 4000, false, func(m *Manifest) string { return m.LicenseURL }},
	{"releaseNotes", 35000, false, func(m *Manifest) string { return m.ReleaseNotes }},
	{"title", 256, false, func(m *Manifest) string { return m.Title }},
	{"language", 20, false, func(m *Manifest) string { return m.Language }},
	{"repository type", 100, false, func(m *Manifest) string { return m.repository().Type }},
	{"repository url", 4000, false, func(m *Manifest) string { return m.repository().URL }},
	{"repository branch", 4000, false, func(m *Manifest) string { return m.repository().Branch }},
	{"repository commit", 4000, false, func(m *Manifest) string { return m.repository().Commit }},
	{"minClientVersion", maxVersion, false, func(m *Manifest) string { return m.MinClientVersion }},
}

// textElements hold text and no elements (PROTO-12.2); <license> is asked with
// its other rules (R-LIC-01).
var textElements = []string{
	"id", "version", "title", "authors", "owners", "description", "summary", "releaseNotes", "copyright", "language", "tags",
	"projectUrl", "iconUrl", "licenseUrl", "icon", "readme", "requireLicenseAcceptance", "developmentDependency", "serviceable",
}

// booleanElements are xs:boolean, but for developmentDependency: clients that
// install by packages.config fail on digits there.
var booleanElements = map[string][]string{
	"requireLicenseAcceptance": {"true", "false", "1", "0"},
	"developmentDependency":    {"true", "false"},
	"serviceable":              {"true", "false", "1", "0"},
}

// restrictedElements would collide with the names that a catalog writes itself
// (PROTO-12.2).
var restrictedElements = []string{
	"created", "dependencyGroups", "isPrerelease", "lastEdited", "listed", "packageEntries", "packageHash",
	"packageHashAlgorithm", "packageSize", "published", "supportedFrameworks", "verbatimVersion",
}

// CheckManifest reads the nuspec of a push and holds it against all rules that
// need nothing else: its XML, its elements (PROTO-12.2, R-PKG-01 to
// R-PKG-18) and its licence (R-LIC-01, R-LIC-04, R-LIC-06); a symbols package is
// refused first (M-27). The error is Problems: all of them, up to 100, in this
// order. What it accepts may still have Warnings.
//
// Left to the caller: files that the manifest names, whether a licence
// expression parses and is approved (R-LIC-03), and minClientVersion's ceiling.
func CheckManifest(nuspec []byte) (*Manifest, error) {
	if len(nuspec) > maxManifest {
		return nil, Problems{manifestProblem("", fmt.Sprintf("it is larger than %d bytes", maxManifest))}
	}
	d, problem := parseNuspec(nuspec)
	if problem != nil {
		return nil, Problems{problem}
	}
	c := manifestCheck{nuspec: d, m: d.manifest()}
	if c.m.HasType(typeSymbols) {
		return nil, Problems{newProblem(CodeSymbols, typeSymbols, "This is a symbols package; send it to the symbol endpoint.")}
	}
	c.structure()
	c.identity()
	c.texts()
	c.minClientVersion()
	c.packageTypes()
	c.dependencies()
	c.frameworks()
	c.contentFiles()
	c.booleans()
	c.license()
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	c.warn(nuspec)
	return c.m, nil
}

func requiredProblem(field string) *Problem {
	return newProblem(CodeRequired, field, field+" is required.")
}

func versionProblem(version string) *Problem {
	return newProblem(CodeVersion, "version",
		fmt.Sprintf("The version %s is not a valid version, or is longer than %d characters.", quote(version), maxVersion))
}

// manifestCheck gathers what is wrong with a manifest.
type manifestCheck struct {
	nuspec
	m        *Manifest
	problems Problems
}

func (c *manifestCheck) add(p *Problem) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, p)
	}
}

// fault adds a problem that begins "The manifest is not valid" (M-19). The
// arguments must be quoted.
func (c *manifestCheck) fault(code Code, subject, format string, arguments ...any) {
	p := manifestProblem(subject, fmt.Sprintf(format, arguments...))
	p.Code = code
	c.add(p)
}

// tooLong adds a problem when text has more than limit characters (M-23).
func (c *manifestCheck) tooLong(field, text string, limit int) bool {
	if len(text) <= limit || characters(text) <= limit {
		return false
	}
	c.add(newProblem(CodeTooLong, field, fmt.Sprintf("%s is longer than %d characters.", field, limit)))
	return true
}

// characters counts as .NET does: those outside the basic plane are two.
func characters(s string) (n int) {
	for _, c := range s {
		n++
		if c > 0xFFFF {
			n++
		}
	}
	return n
}

func (c *manifestCheck) structure() {
	if c.root.name != "package" {
		c.fault(CodeManifest, "package", "its root element is %s and must be package", quote(c.root.name))
	}
	if c.metadata.space != c.metadata.scope {
		c.fault(CodeManifest, "metadata", "the element metadata has a namespace prefix; clients find it without one only")
	}
	for _, e := range c.root.children {
		if e.name == "metadata" && e != c.metadata {
			c.fault(CodeManifest, "metadata", "the element metadata is there twice")
		}
	}
	seen := make(map[string]bool)
	for _, e := range c.metadata.children {
		// NuGet's reader finds some elements in any letter case.
		if key := strings.ToLower(e.name); seen[key] {
			c.fault(CodeManifest, e.name, "the element %s is there twice; keep one", quote(e.name))
		} else {
			seen[key] = true
		}
		for _, name := range restrictedElements {
			if e.name == name {
				c.fault(CodeManifest, name, "the element %s is not allowed: catalogs use its name; remove it", name)
			}
		}
		for _, name := range textElements {
			if e.name == name && len(e.children) > 0 {
				c.fault(CodeManifest, name, "the element %s holds other elements and may hold text only", name)
			}
		}
	}
}

func (c *manifestCheck) identity() {
	id, version := c.text("id"), c.text("version")
	if id == "" {
		c.add(requiredProblem("id"))
	} else if _, err := ParseID(id); err != nil {
		c.add(newProblem(CodeID, "id", fmt.Sprintf(
			"The ID %s is not allowed: letters, digits and _ with single . or - between, at most %d characters.", quote(id), MaxIDLength)))
	}
	full := c.m.Version.Full()
	switch {
	case version == "":
		c.add(requiredProblem("version"))
	case c.m.Version.IsZero(), characters(full) > maxVersion, characters(strings.TrimSpace(version)) > maxVersion:
		c.add(versionProblem(version))
	default:
		c.tooLong("id with version", id+full, maxIDAndVersion)
	}
}

func (c *manifestCheck) texts() {
	for _, t := range manifestTexts {
		text := t.read(c.m)
		if t.required && strings.TrimSpace(text) == "" {
			c.add(requiredProblem(t.field))
		}
		c.tooLong(t.field, text, t.limit)
		if strings.HasSuffix(t.field, "Url") && text != "" && WebAddress(text) == "" {
			c.fault(CodeManifest, t.field, "%s must be an absolute http or https address, not %s", t.field, quote(text))
		}
	}
}

// WebAddress is text as clients can read it when it is an absolute http or https
// address, else "".
func WebAddress(text string) string {
	u, address := parseAddress(text)
	if u == nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return address
}

// parseAddress reads an absolute address with a host, and returns it as it is to
// be written: like .NET's Uri, and unlike url.Parse, it passes over blanks around
// it and takes a percent sign that begins no escape for itself. u is nil when
// text is no such address.
func parseAddress(text string) (u *url.URL, address string) {
	text = strings.TrimSpace(text)
	var b strings.Builder
	for i := range len(text) {
		b.WriteByte(text[i])
		if text[i] == '%' && !(i+2 < len(text) && isHexDigit(text[i+1]) && isHexDigit(text[i+2])) {
			b.WriteString("25")
		}
	}
	address = b.String()
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, ""
	}
	return u, address
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func (c *manifestCheck) minClientVersion() {
	if text, ok := c.metadata.lookup("minClientVersion"); ok {
		if _, err := ParseVersion(text); err != nil {
			c.fault(CodeManifest, "minClientVersion", "the minClientVersion %s is not a version", quote(text))
		}
	}
}

func (c *manifestCheck) packageTypes() {
	types := c.grandchildren("packageTypes", "packageType")
	if len(types) > maxPackageTypes {
		c.fault(CodeManifest, "packageTypes", "it has %d package types; at most %d are allowed", len(types), maxPackageTypes)
		return
	}
	for _, e := range types {
		name := strings.TrimSpace(e.attribute("name"))
		if !ValidIDForm(name) || characters(name) > MaxIDLength {
			c.fault(CodeManifest, "packageType", "the package type %s needs a name that has the form of an ID", quote(name))
		}
		if text, ok := e.lookup("version"); ok {
			if _, ok := parseSystemVersion(text); !ok || len(text) > maxVersion {
				c.fault(CodeManifest, "packageType", "the package type %s has the version %s; write two to four numbers with dots", quote(name), quote(text))
			}
		}
	}
}

func (c *manifestCheck) dependencies() {
	groups := c.grandchildren("dependencies", "group")
	if len(groups) == 0 {
		c.dependencyList(c.grandchildren("dependencies", "dependency"), dependencyFrameworkAny)
	}
	seen := make(map[string]bool)
	for _, group := range groups {
		text := group.attribute("targetFramework")
		framework := dependencyFrameworkAny
		if f, ok := c.framework("dependency group", text); ok {
			if !f.IsAny() {
				framework = f.String()
			}
			if seen[f.String()] {
				c.fault(CodeDependency, "group", "there are two dependency groups for %s; put their dependencies into one", quote(framework))
			}
			seen[f.String()] = true
		} else {
			framework = text
		}
		c.dependencyList(group.elements("dependency", c.metadata.scope), framework)
	}
	if flattenedLength(c.m.DependencyGroups) > maxDependenciesText {
		c.add(newProblem(CodeTooLong, "dependencies", fmt.Sprintf("dependencies is longer than %d characters.", maxDependenciesText)))
	}
}

// flattenedLength is the length of id:range:framework, joined by bars, which is
// how V2 writes dependencies. A group without dependencies is written too.
func flattenedLength(groups []DependencyGroup) int {
	length := 0
	for _, g := range groups {
		framework := 0
		if !g.Framework.IsAny() {
			framework = len(g.Framework.String())
		}
		for _, d := range g.Dependencies {
			length += characters(d.ID) + len(d.Range.String()) + framework + 3
		}
		if len(g.Dependencies) == 0 {
			length += framework + 3
		}
	}
	return max(0, length-1)
}

func (c *manifestCheck) dependencyList(elements []*element, framework string) {
	seen := make(map[string]bool, len(elements))
	for _, e := range elements {
		id := e.attribute("id")
		switch {
		case id == "":
			c.fault(CodeDependency, "dependency", "a dependency for %s has no id", quote(framework))
			continue
		case !ValidIDForm(id):
			c.fault(CodeDependency, id, "the dependency %s for %s has no valid ID", quote(id), quote(framework))
		default:
			c.tooLong("The ID of the dependency "+quote(id), id, maxDependencyID)
		}
		if key := FoldID(id); seen[key] {
			c.add(newProblem(CodeDuplicateDependency, id, fmt.Sprintf("The dependency %s is listed twice for %s.", quote(id), quote(framework))))
		} else {
			seen[key] = true
		}
		c.dependencyRange(id, framework, e.attribute("version"))
	}
}

func (c *manifestCheck) dependencyRange(id, framework, text string) {
	if text == "" || c.tooLong("The version of the dependency "+quote(id), text, maxDependencyRange) {
		return
	}
	r, err := ParseFixedRange(text)
	switch {
	case err == nil && r.HasMetadata():
		c.fault(CodeDependency, id, "the dependency %s for %s has build metadata in its version %s; leave the part from + on out", quote(id), quote(framework), quote(text))
	case err != nil && strings.Contains(text, "*"):
		c.fault(CodeDependency, id, "the dependency %s for %s floats (%s); a package names fixed versions", quote(id), quote(framework), quote(text))
	case err != nil:
		c.fault(CodeDependency, id, "the dependency %s for %s has the version %s, which is no version range", quote(id), quote(framework), quote(text))
	}
}

// framework reads the target framework of an element that what names. A problem
// is added when clients would not know it (PROTO-12.5, R-PKG-18).
func (c *manifestCheck) framework(what, text string) (Framework, bool) {
	if text == "" {
		return Framework{}, true
	}
	f, err := ParseFramework(text)
	switch {
	case err != nil: // portable profiles that hold profiles, for one
		c.fault(CodeFramework, text, "a %s has a target framework that cannot be read: %s", what, printable(err.Error(), 110))
	case f.IsUnsupported():
		c.fault(CodeFramework, text, "a %s has the target framework %s, which is not known", what, quote(text))
	default:
		return f, true
	}
	return f, false
}

func (c *manifestCheck) frameworks() {
	for _, group := range c.grandchildren("frameworkReferences", "group") {
		text := group.attribute("targetFramework")
		if text == "" {
			c.fault(CodeFramework, "frameworkReferences", "a group of frameworkReferences has no targetFramework")
		}
		c.framework("group of frameworkReferences", text)
		for _, e := range group.elements("frameworkReference", c.metadata.scope) {
			if e.attribute("name") == "" {
				c.fault(CodeFramework, "frameworkReference", "a frameworkReference for %s has no name", quote(text))
			}
		}
	}
	for _, group := range c.grandchildren("references", "group") {
		c.framework("group of references", group.attribute("targetFramework"))
	}
	for _, list := range c.metadata.elements("frameworkAssemblies", c.root.scope) {
		for _, e := range list.elements("frameworkAssembly", c.root.scope) {
			for _, text := range splitFrameworks(e.attribute("targetFramework")) {
				c.framework("frameworkAssembly", text)
			}
		}
	}
}

// contentFiles checks what clients stumble over when they install.
func (c *manifestCheck) contentFiles() {
	for _, e := range c.grandchildren("contentFiles", "files") {
		include, ok := e.lookup("include")
		if !ok {
			c.fault(CodeManifest, "contentFiles", "an element files of contentFiles has no attribute include")
		}
		for _, name := range []string{"flatten", "copyToOutput"} {
			if text, ok := e.lookup(name); ok && !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
				c.fault(CodeManifest, "contentFiles", "%s of the contentFiles %s must be true or false, not %s", name, quote(include), quote(text))
			}
		}
	}
}

func (c *manifestCheck) booleans() {
	for _, e := range c.metadata.children {
		for name, values := range booleanElements {
			is := func(value string) bool { return strings.EqualFold(strings.TrimSpace(e.text), value) }
			if strings.EqualFold(e.name, name) && !slices.ContainsFunc(values, is) {
				c.fault(CodeManifest, name, "%s must be true or false, not %s", name, quote(e.text))
			}
		}
	}
}

func (c *manifestCheck) license() {
	address := strings.TrimSpace(c.m.LicenseURL)
	e := c.child("license")
	if e == nil {
		switch {
		case strings.EqualFold(address, licenceFileURL): // it says nothing by itself (R-LIC-06)
			c.fault(CodeLicence, "licenseUrl", "the licenseUrl %s stands for an element license, which is missing", licenceFileURL)
		case c.m.RequireLicenseAcceptance && address == "":
			c.fault(CodeLicence, "requireLicenseAcceptance", "requireLicenseAcceptance is true but no licence is given; add an element license")
		}
		return
	}
	if len(e.children) > 0 {
		c.fault(CodeLicence, "license", "the element license holds other elements and may hold text only")
	}
	text := strings.TrimSpace(e.text)
	if text == "" {
		c.fault(CodeLicence, "license", "the element license is empty")
	}
	c.tooLong("license", text, maxLicence)
	if version, ok := e.lookup("version"); ok && version != licenceGrammar {
		c.fault(CodeLicence, "license", "the element license has the version %s; only %s is known", quote(version), licenceGrammar)
	}
	switch l := c.m.License; {
	case l == nil:
		c.fault(CodeLicence, "license", "the element license has the type %s; it must be expression or file", quote(e.attribute("type")))
	case address == "":
	case l.Type == "file" && address != licenceFileURL:
		c.fault(CodeLicence, "licenseUrl", "beside a licence file, licenseUrl must be absent or %s", licenceFileURL)
	case l.Type == "expression" && !isExpressionAddress(address, l.Text):
		c.fault(CodeLicence, "licenseUrl", "beside a licence expression, licenseUrl must be absent or %s", printable(expressionAddress(text), 100))
	}
}

// expressionAddress is what clients write into licenseUrl beside an expression.
func expressionAddress(expression string) string {
	return licenceExpressionsURL + strings.ReplaceAll(expression, " ", "%20")
}

// isExpressionAddress accepts other escapes of the same text, but neither bare
// blanks nor the "+OR+" of old clients (R-LIC-04).
func isExpressionAddress(address, expression string) bool {
	escaped, ok := strings.CutPrefix(address, licenceExpressionsURL)
	if !ok || strings.Contains(escaped, " ") {
		return false
	}
	text, err := url.PathUnescape(escaped)
	return err == nil && text == expression
}

// repository never returns nil.
func (m *Manifest) repository() *Repository {
	if m.Repository == nil {
		return new(Repository)
	}
	return m.Repository
}

func (c *manifestCheck) warn(document []byte) {
	text, _, _ := decodeManifest(document)
	if !norm.NFC.IsNormal(text) { // searches may not find it (R-PKG-13)
		c.m.Warnings = append(c.m.Warnings, "The manifest holds text that is not in Unicode's normalization form C; searches may not find it.")
	}
	if r := c.m.repository(); r.URL != "" && r.ShownURL() == "" {
		schemes := "https://"
		if r.isGit() {
			schemes = "https:// or git://"
		}
		c.m.Warnings = append(c.m.Warnings,
			fmt.Sprintf("The repository's address is not shown: it must begin with %s, not %s.", schemes, quote(r.URL)))
	}
}
