package nuget

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Framework is a target framework: what a project is built for, or what an
// asset of a package is made for (PROTO-12.5). It is comparable; spellings
// of unknown names and of profiles that differ in letter case are different
// values of the same framework, see Equal. The zero value is "any".
type Framework struct {
	identifier      string // ".NETFramework"; empty for any
	profile         string // "Client"; of a portable framework "Profile7" or "net45+win8"
	platform        string // "windows"; only .NET 5 and later have one
	version         [4]int32
	platformVersion [4]int32
}

// The special frameworks.
const (
	identifierAny         = "Any"
	identifierAgnostic    = "Agnostic"
	identifierUnsupported = "Unsupported"
)

var (
	anyFramework         = Framework{}
	agnosticFramework    = Framework{identifier: identifierAgnostic}
	unsupportedFramework = Framework{identifier: identifierUnsupported}
)

// Limits on text, far above what exists: they keep the time bounded that a
// hostile manifest can take.
const (
	maxFrameworkText      = 1024 // bytes of a framework's name
	maxPortableFrameworks = 24   // frameworks named in one portable profile
)

// ParseFramework reads a framework as a manifest or a project names it: a full
// name such as ".NETFramework,Version=v4.5,Profile=Client" where there is a
// comma, else a folder name. A folder name that means nothing is the
// unsupported framework, as with NuGet, and no error; a full name may hold any
// identifier. Errors are names that NuGet itself cannot read or print, and names
// beyond the limits of this package.
func ParseFramework(s string) (Framework, error) {
	if strings.Contains(s, ",") {
		return parseWith(parseFullName, s)
	}
	return ParseFolder(s)
}

// ParseFolder reads the name of a folder: a short name ("net48",
// "net8.0-windows10.0.19041", "portable-net45+win8"), a dotted legacy form
// (".NETFramework4.5"), or "any". Letter case does not count, %2B is '+'. What
// it does not know, full names included, is the unsupported framework.
func ParseFolder(s string) (Framework, error) { return parseWith(parseFolder, s) }

func parseWith(parse func(string) (Framework, error), s string) (Framework, error) {
	f, err := Framework{}, error(nil)
	if len(s) > maxFrameworkText {
		err = fmt.Errorf("it is longer than %d bytes", maxFrameworkText)
	} else {
		f, err = parse(s)
	}
	if err == nil {
		_, err = f.shortName() // String must always have an answer
	}
	if err != nil {
		return Framework{}, fmt.Errorf("%s is not a target framework: %w", quoted(s), err)
	}
	return f, nil
}

func parseSpecial(s string) (Framework, bool) {
	switch FoldID(s) {
	case "any":
		return anyFramework, true
	case "agnostic":
		return agnosticFramework, true
	case "unsupported":
		return unsupportedFramework, true
	}
	return Framework{}, false
}

// parseFullName reads "identifier,Version=v1.2,Profile=name". A key that occurs
// twice counts as absent.
func parseFullName(s string) (Framework, error) {
	var identifier string
	var versions, profiles []string
	first := true
	for part := range strings.SplitSeq(s, ",") {
		if part == "" {
			continue
		}
		part = strings.TrimSpace(part)
		if first {
			identifier, first = part, false
		}
		key, value, found := strings.Cut(part, "=")
		value, _, _ = strings.Cut(value, "=")
		switch {
		case !found:
		case FoldID(key) == "version":
			versions = append(versions, value)
		case FoldID(key) == "profile":
			profiles = append(profiles, value)
		}
	}
	if identifier == "" {
		return Framework{}, errors.New("there is no identifier before the comma")
	}
	if f, ok := parseSpecial(identifier); ok {
		return f, nil
	}
	f := Framework{identifier: identifier}
	if known, ok := identifierFor(identifier); ok {
		f.identifier = known
	}
	if len(versions) == 1 {
		text := strings.TrimLeft(versions[0], "v")
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		var ok bool
		if f.version, ok = parseSystemVersion(text); !ok {
			return Framework{}, fmt.Errorf("%s is not a version of a framework", quoted(versions[0]))
		}
	}
	if len(profiles) == 1 {
		f.profile = profiles[0]
	}
	switch {
	case f.isNet5():
		f.profile = ""
	case f.identifier == idPortable && strings.Contains(f.profile, "-"):
		return Framework{}, errPortableProfile
	}
	return f, nil
}

// parseFolder reads a folder name.
func parseFolder(s string) (Framework, error) {
	s = unescapeASCII(s)
	if f, ok := parseSpecial(s); ok {
		return f, nil
	}
	if FoldID(s) == "dotnet" { // the one short name that does not mean version 0.0
		return dotnet50, nil
	}
	short, version, profile, ok := splitFolder(s)
	if !ok {
		return parseDeprecated(s), nil
	}
	f := Framework{}
	if f.identifier, ok = identifierFor(short); !ok {
		return unsupportedFramework, nil
	}
	if version != "" {
		if f.version, ok = parseFolderVersion(version); !ok {
			return unsupportedFramework, nil
		}
	}
	switch {
	case f.version[0] >= 5 && (f.identifier == idNet || f.identifier == idNetCoreApp):
		return parsePlatform(f.version, profile), nil
	case f.identifier == idPortable:
		return parsePortable(f.version, profile)
	}
	f.profile = profileFor(profile)
	return f, nil
}

// unescapeASCII replaces %xx where it stands for ASCII. Other escapes make a
// folder name unsupported whether they are replaced or not.
func unescapeASCII(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 7); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// splitFolder takes a folder name apart: letters and dots, then digits and
// dots, then a profile after '-'.
func splitFolder(s string) (identifier, version, profile string, ok bool) {
	i := len(s) - len(strings.TrimLeftFunc(s, isLetterOrDot))
	rest := strings.TrimLeft(s[i:], "0123456789.")
	identifier, version = s[:i], s[i:len(s)-len(rest)]
	if identifier == "" || rest == "-" {
		return "", "", "", false
	}
	if rest == "" {
		return identifier, version, "", true
	}
	for _, c := range rest[1:] {
		if !isLetterOrDot(c) && !('0' <= c && c <= '9') && c != '-' && c != '+' {
			return "", "", "", false
		}
	}
	return identifier, version, rest[1:], rest[0] == '-'
}

func isLetterOrDot(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.'
}

// parseDeprecated reads the few folder names of .NET Framework without letters.
func parseDeprecated(s string) Framework {
	switch s {
	case "45", "4.5":
		return net45
	case "40", "4.0", "4":
		return net40
	case "35", "3.5":
		return net35
	case "20", "2", "2.0":
		return net20
	}
	return unsupportedFramework
}

// parseFolderVersion reads "4.5.1" as it stands; without a dot each of the
// first four digits is a number of its own.
func parseFolderVersion(s string) ([4]int32, bool) {
	if strings.Contains(s, ".") {
		return parseSystemVersion(s)
	}
	var v [4]int32
	for i := 0; i < len(s) && i < len(v); i++ {
		v[i] = int32(s[i] - '0')
	}
	return v, true
}

// parsePlatform reads the platform of .NET 5 and later: letters, then a
// version or none.
func parsePlatform(version [4]int32, text string) Framework {
	f := Framework{identifier: idNetCoreApp, version: version, platform: text}
	number := strings.TrimLeftFunc(text, isLetterOrDot)
	if number == "" || number == text {
		return f
	}
	f.platform = text[:len(text)-len(number)]
	if !strings.Contains(number, ".") {
		number += ".0"
	}
	var ok bool
	if f.platformVersion, ok = parseSystemVersion(number); !ok {
		return unsupportedFramework
	}
	return f
}

var errPortableProfile = errors.New("the frameworks of a portable profile cannot have profiles of their own")

// parsePortable reads the frameworks of a portable profile, joined by '+', and
// gives the profile its number where there is one.
func parsePortable(version [4]int32, profile string) (Framework, error) {
	list, err := parsePortableList(profile)
	if err != nil {
		return Framework{}, err
	}
	if len(list) == 0 {
		return unsupportedFramework, nil
	}
	f := Framework{identifier: idPortable, version: version, profile: profile}
	if number, ok := profileNumber(list); ok {
		f.profile = "Profile" + strconv.Itoa(number)
	}
	return f, nil
}

func parsePortableList(text string) (list []Framework, err error) {
	for name := range strings.SplitSeq(text, "+") {
		if name == "" {
			continue
		}
		f, err := parseFolder(name)
		if err != nil {
			return nil, err
		}
		if f.profile != "" {
			return nil, errPortableProfile
		}
		if len(list) == maxPortableFrameworks {
			return nil, fmt.Errorf("its profile names more than %d frameworks", maxPortableFrameworks)
		}
		list = append(list, f)
	}
	return list, nil
}

// parseSystemVersion reads a version as .NET's System.Version does: two to four
// dotted numbers, each as parseInt takes it and not negative.
func parseSystemVersion(s string) (v [4]int32, ok bool) {
	i := 0
	for part := range strings.SplitSeq(s, ".") {
		if i == len(v) {
			return v, false
		}
		n, ok := parseInt(part)
		if !ok || n < 0 {
			return v, false
		}
		v[i] = n
		i++
	}
	return v, i >= 2
}

// parseInt reads an int32 as .NET does: blanks around it and a sign are fine.
func parseInt(s string) (int32, bool) {
	const blank = " \t\n\v\f\r"
	s = strings.TrimRight(strings.TrimRight(strings.TrimLeft(s, blank), "\x00"), blank)
	n, err := strconv.ParseInt(s, 10, 32)
	return int32(n), err == nil
}

// isNet5 reports whether f is .NET 5 or later, which has platforms instead of
// profiles and "net" for its short name.
func (f Framework) isNet5() bool { return f.identifier == idNetCoreApp && f.version[0] >= 5 }

// isPortable reports whether f is a portable class library's list of frameworks.
func (f Framework) isPortable() bool { return f.identifier == idPortable && f.version[0] < 5 }

// IsAny reports whether f is "any": an asset for every project.
func (f Framework) IsAny() bool { return f == anyFramework }

// IsUnsupported reports whether f stands for a name that means nothing.
func (f Framework) IsUnsupported() bool { return f == unsupportedFramework }

func (f Framework) isAgnostic() bool { return f == agnosticFramework }

// isSpecific reports whether f is none of the three special frameworks.
func (f Framework) isSpecific() bool { return !f.IsAny() && !f.IsUnsupported() && !f.isAgnostic() }

// Equal reports whether f and o are the same framework, letter case apart.
func (f Framework) Equal(o Framework) bool {
	return f.version == o.version && f.platformVersion == o.platformVersion && f.sameIdentifier(o) &&
		strings.EqualFold(f.profile, o.profile) && strings.EqualFold(f.platform, o.platform)
}

func (f Framework) sameIdentifier(o Framework) bool {
	return f.identifier == o.identifier || strings.EqualFold(f.identifier, o.identifier)
}

// String returns the short folder name in lower case: "net48",
// "net8.0-windows10.0.19041", "portable-net45+win8", "any", "unsupported".
func (f Framework) String() string {
	s, _ := f.shortName()
	return s
}

func (f Framework) shortName() (string, error) {
	switch {
	case f.IsAny():
		return "any", nil
	case !f.isSpecific():
		return FoldID(f.identifier), nil
	}
	printed := f
	if f.Equal(dotnet50) {
		printed.version = [4]int32{}
	}
	short := f.shortIdentifier()
	if short == "" {
		return "", errors.New("its name has no letter or digit")
	}
	var b strings.Builder
	b.WriteString(short)
	b.WriteString(shortVersion(f.identifier, printed.version))
	switch {
	case f.isPortable():
		list, err := f.portableFrameworks(false)
		if err != nil {
			return "", err
		}
		if len(list) == 0 {
			return "", errors.New("it is portable but has no profile that is known")
		}
		b.WriteByte('-')
		b.WriteString(joinShortNames(list))
	case f.isNet5():
		if f.platform != "" {
			b.WriteByte('-')
			b.WriteString(f.platform)
			b.WriteString(shortVersion(f.identifier, f.platformVersion))
		}
	case f.profile != "":
		if short := shortProfileFor(f.profile); short != "" {
			b.WriteByte('-')
			b.WriteString(short)
		}
	}
	return strings.Map(lowerInvariant, b.String()), nil
}

// lowerInvariant lowers c as .NET does without a culture: İ stays, for its
// lower case would be two characters.
func lowerInvariant(c rune) rune {
	if c == '\u0130' {
		return c
	}
	return unicode.ToLower(c)
}

func (f Framework) shortIdentifier() string {
	identifier := f.identifier
	if f.isNet5() {
		identifier = idNet
	}
	if short, ok := shortIdentifierFor(identifier); ok {
		return short
	}
	return strings.Map(func(c rune) rune {
		if c <= 0xFFFF && (isLetter(c) || unicode.Is(unicode.Nd, c)) {
			return c
		}
		return -1
	}, identifier)
}

// shortVersion prints the version of a short name: digits alone where every
// number is one digit, and nothing for 0.0.
func shortVersion(identifier string, v [4]int32) string {
	if v == [4]int32{} {
		return ""
	}
	count := len(v)
	for count > 1 && v[count-1] == 0 {
		count--
	}
	dots := identifier == idNetCoreApp || identifier == idNetStandard || identifier == idNanoFramework
	for _, n := range v {
		dots = dots || n > 9
	}
	mayBeOne := identifier == idWindows || identifier == idWindowsPhone || identifier == idSilverlight
	if count == 1 && (dots || !mayBeOne) {
		count = 2
	}
	var b []byte
	for i, n := range v[:count] {
		if dots && i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(b)
}

// Name returns the full name: ".NETFramework,Version=v4.0,Profile=Client". It
// does not tell the platform.
func (f Framework) Name() string {
	if f.IsAny() {
		return identifierAny + ",Version=v0.0"
	}
	version := f.version
	if f.Equal(dotnet00) {
		version = dotnet50.version
	}
	name := f.identifier + ",Version=v" + longVersion(version)
	if f.profile != "" {
		name += ",Profile=" + f.profile
	}
	return name
}

// Platform returns the platform with its version, "windows,Version=7.0"; empty
// for a framework without platform.
func (f Framework) Platform() string {
	if f.platform == "" {
		return ""
	}
	return f.platform + ",Version=" + longVersion(f.platformVersion)
}

// longVersion prints at least two numbers, and the others up to the last that
// is not 0.
func longVersion(v [4]int32) string {
	count := len(v)
	for count > 2 && v[count-1] == 0 {
		count--
	}
	var b []byte
	for i, n := range v[:count] {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(b)
}

// MarshalText returns String, or Name where the short name would not be read
// as the same framework.
func (f Framework) MarshalText() ([]byte, error) {
	short := f.String()
	if again, err := ParseFolder(short); err != nil || !again.Equal(f) {
		return []byte(f.Name()), nil
	}
	return []byte(short), nil
}

// UnmarshalText reads text by ParseFramework.
func (f *Framework) UnmarshalText(text []byte) error {
	parsed, err := ParseFramework(string(text))
	if err != nil {
		return err
	}
	*f = parsed
	return nil
}
