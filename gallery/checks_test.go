package gallery_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"nougat/gallery"
	"nougat/internal/pack"
)

const (
	png  = "\x89PNG\r\n\x1a\n and more"
	jpeg = "\xff\xd8\xff\xe0 and more"
)

// textOf is n bytes of text that hardly compress: what does is refused for that.
func textOf(n int) string { return hex.EncodeToString(noise(n/2 + 1))[:n] }

// TestFilesOfAPackage is R-LIC-02, R-ICO-01 and R-RDM-01 row by row.
func TestFilesOfAPackage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mib = 1 << 20
	for _, tt := range []struct {
		element, file, content string
		want                   string // of the refusal; "": taken
	}{
		{"license", "LICENSE", "Do what you like.", ""},
		{"license", "LICENSE.txt", "Do what you like.", ""},
		{"license", "legal/licence.MD", "Do what you like.", ""},
		{"license", `legal\licence.md`, "Do what you like.", ""},
		{"license", "LICENSE.rtf", "Do what you like.", "The licence file LICENSE.rtf has a wrong extension. Allowed: none, .txt, .md."},
		{"license", "v1.0/LICENSE", "Do what you like.", ""},
		{"license", "LICENSE", "caf\u00e9 \t\r\n\f", ""},
		{"license", "LICENSE", "", ""},
		{"license", "LICENSE", "a\x01", "The licence file LICENSE is not UTF-8 text."},
		{"license", "LICENSE", "a\x1f", "The licence file LICENSE is not UTF-8 text."},
		{"license", "LICENSE", "a\x0b", "The licence file LICENSE is not UTF-8 text."},
		{"license", "LICENSE", "caf\xe9", "The licence file LICENSE is not UTF-8 text."},
		{"license", "LICENSE", textOf(mib), ""},
		{"license", "LICENSE", textOf(mib + 1), "The licence file LICENSE is larger than 1 MB."},
		{"icon", "icon.png", png, ""},
		{"icon", "icon.PNG", png, ""},
		{"icon", "icon.jpg", jpeg, ""},
		{"icon", "a/icon.jpeg", jpeg, ""},
		{"icon", "icon.png", jpeg, ""}, // its bytes decide what it is served as
		{"icon", "icon.gif", png, "The icon file icon.gif has a wrong extension. Allowed: .png, .jpg, .jpeg."},
		{"icon", "icon", png, "The icon file icon has a wrong extension. Allowed: .png, .jpg, .jpeg."},
		{"icon", "icon.png", "GIF89a", "The icon file icon.png is neither a PNG nor a JPEG image. Save it as one of them."},
		{"icon", "icon.png", "", "The icon file icon.png is neither a PNG nor a JPEG image. Save it as one of them."},
		{"icon", "icon.png", png + textOf(mib-len(png)), ""},
		{"icon", "icon.png", png + textOf(mib+1-len(png)), "The icon file icon.png is larger than 1 MB."},
		{"readme", "README.md", "# Tables", ""},
		{"readme", "README.MD", "# Tables", ""},
		{"readme", "README.txt", "# Tables", "The readme file README.txt has a wrong extension. Allowed: .md."},
		{"readme", "README", "# Tables", "The readme file README has a wrong extension. Allowed: .md."},
		{"readme", "README.md", " \r\n\t", "The readme file README.md is empty. Write something in it, or take it out of the nuspec."},
		{"readme", "README.md", "caf\xe9", "The readme file README.md is not UTF-8 text."},
		{"readme", "README.md", textOf(mib), ""},
		{"readme", "README.md", textOf(mib + 1), "The readme file README.md is larger than 1 MB."},
	} {
		element := "<" + tt.element + ">" + tt.file + "</" + tt.element + ">"
		if tt.element == "license" {
			element = `<license type="file">` + tt.file + "</license>"
		}
		file := pack.File{Name: strings.ReplaceAll(tt.file, `\`, "/"), Data: []byte(tt.content)}
		_, err := w.publishBytes(w.ann, w.test, bare(element, file))
		switch {
		case tt.want != "":
			wantKind(t, err, gallery.Invalid, tt.want)
		case err != nil:
			t.Errorf("%s %s: %v", tt.element, tt.file, err)
		default:
			_, err = w.publishBytes(w.ann, w.test, bare(element))
			wantKind(t, err, gallery.Invalid, " file "+tt.file+" is not in the package. Pack it, or correct the path in the nuspec.")
		}
	}
}

// TestOrderOfPush is Q-30 after the body: manifest; rights; lock and existence;
// then files. Each package has the fault of its rule and of all rules after it.
func TestOrderOfPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Odd", Version: "1.0.0"})
	noIcon := bare("<icon>none.png</icon>")
	noDescription := pack.Nupkg(pack.Spec{ID: "x", Nuspec: `<package><metadata><id>Contoso.Odd</id><version>1.0.0</version><authors>A</authors><icon>none.png</icon></metadata></package>`})
	_, err := w.publishBytes(w.bob, w.main, noDescription)
	wantKind(t, err, gallery.Invalid, "description is required.")
	_, err = w.publishBytes(w.bob, w.main, noIcon)
	wantKind(t, err, gallery.Forbidden, "bob does not own Contoso.Odd.")
	_, err = w.publishBytes(w.ann, w.main, noIcon)
	wantKind(t, err, gallery.Exists, "Contoso.Odd 1.0.0 is already here")
}

func TestLicenceReferences(t *testing.T) { // R-LIC-03, publish.license_refs
	t.Parallel()
	w := newWorld(t, func(o *gallery.Options) { o.LicenseRefs = false })
	for expression, want := range map[string]string{
		"MIT": "", "UNLICENSED": "",
		"LicenseRef-Contoso":                    "The licence expression is not valid or uses an identifier not allowed here: LicenseRef-Contoso.",
		"MIT OR LicenseRef-A AND JSON":          "The licence expression is not valid or uses an identifier not allowed here: JSON, LicenseRef-A.",
		"MIT OR DocumentRef-x:LicenseRef-A OR ": "The licence expression is not valid or uses an identifier not allowed here: ",
	} {
		_, err := w.publishBytes(w.ann, w.test, bare(`<license type="expression">`+expression+"</license>"))
		if want == "" && err == nil {
			continue
		}
		wantKind(t, err, gallery.Invalid, want)
	}
}

func TestSimilarIDs(t *testing.T) { // D-14, publish.similar_ids
	t.Parallel()
	resembles := func(p *gallery.Published) bool {
		return strings.Contains(strings.Join(p.Warnings, "\n"), "The ID resembles Contoso.Tables.")
	}
	w := newWorld(t)
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	for i, version := range []string{"1.0.0", "1.1.0"} {
		if got := resembles(w.mustPublish(w.ann, w.main, pack.Spec{ID: "contoso-tab1es", Version: version})); got != (i == 0) {
			t.Errorf("version %s: warned %v", version, got)
		}
	}
	if resembles(w.mustPublish(w.ann, w.main, pack.Spec{ID: "CONTOSO.TABLES", Version: "1.1.0"})) {
		t.Error("an ID resembles itself in other letters")
	}
	if resembles(w.mustPublish(w.ann, w.test, pack.Spec{ID: "Contoso_Tables", Version: "1.0.0"})) {
		t.Error("an ID resembles one of another feed")
	}
	off := newWorld(t, func(o *gallery.Options) { o.SimilarIDs = "off" })
	off.mustPublish(off.ann, off.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	if resembles(off.mustPublish(off.ann, off.main, pack.Spec{ID: "Contoso-Tables", Version: "1.0.0"})) {
		t.Error("warned although publish.similar_ids is off")
	}
}
