package nuget

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestVectorsLicences holds the answers of NuGet's own reader.
func TestVectorsLicences(t *testing.T) {
	type row struct {
		In         string
		OK         bool
		Text, Why  string
		Unlicensed bool
	}
	for _, r := range vectorRows[row](t, "licence-expressions") {
		e, err := ParseLicence(r.In)
		if (err == nil) != r.OK {
			t.Errorf("%q: got error %v, want ok %v (%s)", r.In, err, r.OK, r.Why)
			continue
		}
		if err == nil && (e.Print() != r.Text || e.Unlicensed != r.Unlicensed) {
			t.Errorf("%q: printed %q, unlicensed %v; want %q, %v", r.In, e.Print(), e.Unlicensed, r.Text, r.Unlicensed)
		}
	}
}

func TestLicenceIdentifiers(t *testing.T) {
	for _, c := range []struct {
		text                         string
		ids, notApproved, references string // joined by blanks
	}{
		{"MIT", "MIT", "", ""},
		{"Apache-2.0+ OR MIT AND MIT", "Apache-2.0 MIT", "", ""},
		{"MIT OR (BSD-3-Clause AND Zlib)", "MIT BSD-3-Clause Zlib", "", ""},
		{"GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only Classpath-exception-2.0", "", ""},
		{"Foo OR MIT", "Foo MIT", "Foo", ""},
		{"mit", "mit", "mit", ""}, // letter case counts
		{"Abstyles AND WTFPL", "Abstyles WTFPL", "Abstyles", ""},
		{"LicenseRef-Contoso OR LicenseRef-", "LicenseRef-Contoso LicenseRef-", "LicenseRef-", "LicenseRef-Contoso"},
		{"UNLICENSED", "UNLICENSED", "", ""},
		// Identifiers whose standing SPDX has changed, and some that it took in late.
		{"BlueOak-1.0.0 AND ICU AND Unicode-3.0 WITH LLGPL", "BlueOak-1.0.0 ICU Unicode-3.0 LLGPL", "", ""},
		{"any-OSI OR ZPL-2.1", "any-OSI ZPL-2.1", "any-OSI", ""},
	} {
		e, err := ParseLicence(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for _, list := range []struct {
			what, want string
			got        []string
		}{
			{"identifiers", c.ids, e.IDs}, {"not approved", c.notApproved, e.NotApproved()}, {"references", c.references, e.References()},
		} {
			if !slices.Equal(list.got, strings.Fields(list.want)) {
				t.Errorf("%q: %s are %q, want %q", c.text, list.what, list.got, list.want)
			}
		}
		if e.Text != c.text {
			t.Errorf("%q: Text is %q", c.text, e.Text)
		}
	}
}

// What the reader does although its grammar does not say so.
func TestLicenceOddities(t *testing.T) {
	for text, printed := range map[string]string{
		"MIT 1 Apache-2.0":              "MIT AND Apache-2.0", // the number of an operator is its name
		"MIT +2 Zlib":                   "MIT OR Zlib",
		"GPL-2.0-only 0 LLVM-exception": "GPL-2.0-only WITH LLVM-exception",
		"Foo\n AND MIT":                 "Foo\n AND MIT", // the pattern's $ lets a line feed follow
		"\u2003MIT\u00a0":               "MIT",
		"(MIT) OR (((Zlib)))":           "MIT OR Zlib",
	} {
		if e, err := ParseLicence(text); err != nil || e.Print() != printed {
			t.Errorf("%q: printed %q, error %v; want %q", text, e.Print(), err, printed)
		}
	}
	for _, text := range []string{"MIT 3 Zlib", "+", "()", ")(", "(MIT OR", "MIT OR)", "AND", "MIT AND", "MIT WITH (MIT OR Zlib)", "UNLICENSED+", "(UNLICENSED) OR MIT", "MIT WITH Nokia-Qt-exception-1.1", "Classpath-exception-2.0", "KiCad-libraries-exception", "Net-SNMP"} {
		if e, err := ParseLicence(text); err == nil {
			t.Errorf("%q is taken and printed as %q", text, e.Print())
		}
	}
}

func TestLicenceErrorsSayWhatIsWrong(t *testing.T) {
	const start = "The licence expression is not valid or uses an identifier not allowed here: "
	for text, want := range map[string]string{
		"GPL-2.0":                       "GPL-2.0 (it is deprecated by SPDX; use its successor, such as -only or -or-later).",
		"MIT or Zlib":                   "or (an operator is missing before it; operators are AND, OR, WITH).",
		"MIT WITH Zlib":                 "Zlib (it is a licence and cannot stand after WITH).",
		"":                              `"" (it is empty).`,
		"MIT\r\nEvil: yes":              `MIT\u{D}\u{A}Evil: yes (it may hold letters, digits, '.', '-', '+', blanks and parentheses).`,
		"(" + strings.Repeat("A", 9999): "(" + strings.Repeat("A", 60) + "... (a parenthesis is not closed).",
	} {
		_, err := ParseLicence(text)
		var p *Problem
		if !errors.As(err, &p) || p.Code != CodeLicenceExpression || p.Text != start+want {
			t.Errorf("%.40q: got %v, want %s%s", text, err, start, want)
		}
	}
}

// The list must stay whole: NuGet 7.9 knows 718 licences and 82 exceptions.
func TestLicenceList(t *testing.T) {
	var licences, exceptions, deprecated, osi, fsf int
	for line := range strings.Lines(licenceList) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id, _, _ := strings.Cut(line, " ")
		flags, ok := findLicence(id)
		if !ok {
			t.Fatalf("%s is not found", id)
		}
		count := func(n *int, yes bool) {
			if yes {
				*n++
			}
		}
		count(&exceptions, flags.exception)
		count(&licences, !flags.exception)
		count(&deprecated, flags.deprecated)
		count(&osi, flags.osi)
		count(&fsf, flags.fsf)
	}
	if got, want := [...]int{licences, exceptions, deprecated, osi, fsf}, [...]int{718, 82, 33, 148, 127}; got != want {
		t.Errorf("licences, exceptions, deprecated, OSI, FSF: %v, want %v", got, want)
	}
	for _, id := range []string{"", "The", "#", "MI", "IT", "MIT ", "mit", "o", "-", "MIT of\nMIT-0"} {
		if flags, ok := findLicence(id); ok {
			t.Errorf("%q is found: %+v", id, flags)
		}
	}
}

func FuzzParseLicence(f *testing.F) {
	for _, seed := range []string{"MIT", "MIT OR (Apache-2.0 AND BSD-2-Clause)", "GPL-2.0-only WITH Classpath-exception-2.0", "UNLICENSED", "((MIT)", "MIT WITH", "1 2 0", "Foo+ \n", "LicenseRef-x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseLicence(text)
		if err != nil {
			if line := err.Error(); len(line) > maxText || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q: bad sentence %q", text, line)
			}
			return
		}
		again, err := ParseLicence(e.Print())
		if err != nil && !strings.Contains(text, "(") {
			t.Errorf("%q is printed as %q, which does not parse: %v", text, e.Print(), err)
		}
		if err == nil && again.Print() != e.Print() {
			t.Errorf("%q is printed as %q, then as %q", text, e.Print(), again.Print())
		}
		if len(e.IDs) < len(e.NotApproved())+len(e.References()) {
			t.Errorf("%q: %q, %q and %q", text, e.IDs, e.NotApproved(), e.References())
		}
	})
}
