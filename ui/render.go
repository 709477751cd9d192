package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
)

// ContentSecurityPolicy goes with every page (R-ACC-18): style, script and
// images from the gallery itself, and nothing inline.
const ContentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

//go:embed templates/*.html
var templateFiles embed.FS

// Renderer draws pages and holds the assets that they refer to. It is safe for
// concurrent use.
type Renderer struct {
	templates *template.Template
	assets    assets
}

// every lists a value of each page, so that New finds a template that is
// missing, left over, or cannot be executed.
func every() []Page {
	return []Page{SetupPage{}, SignInPage{}, HomePage{}, ConnectPage{}, SearchPage{}, PackagePage{}, LicensePage{}, KeysPage{}, ErrorPage{}}
}

// New parses every template, hashes every asset and draws each page once, so
// that a fault in them stops the program at its start.
func New() (*Renderer, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	templates, err := template.New("").Funcs(functions(assets)).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the templates: %w", err)
	}
	r := &Renderer{templates: templates, assets: assets}
	for _, page := range every() {
		if err := r.Render(io.Discard, page); err != nil {
			return nil, err
		}
	}
	return r, checkFiles(every())
}

// checkFiles finds template files that belong to no page.
func checkFiles(pages []Page) error {
	known := map[string]bool{"frame.html": true, "parts.html": true}
	for _, page := range pages {
		known[page.Template()+".html"] = true
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return fmt.Errorf("listing the templates: %w", err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			return fmt.Errorf("the template file %s belongs to no page", f.Name())
		}
	}
	return nil
}

// framed is what the template of the frame shows: a page's own part, drawn
// before, and what goes around it.
type framed struct {
	Frame Frame
	// Name is that of the page's template.
	Name string
	// Title and Main are what the templates NAME.title and NAME made.
	Title, Main HTML
}

// Render draws page into w. It draws into memory first, so that it writes
// everything or, when the page cannot be drawn, nothing.
func (r *Renderer) Render(w io.Writer, page Page) error {
	f := framed{Frame: page.frame(), Name: page.Template()}
	var b bytes.Buffer
	draw := func(name string, data any) (HTML, error) {
		b.Reset()
		if err := r.templates.ExecuteTemplate(&b, name, data); err != nil {
			return "", fmt.Errorf("drawing the page %q: %w", f.Name, err)
		}
		return HTML(b.String()), nil
	}
	var err error
	if f.Main, err = draw(f.Name, page); err != nil {
		return err
	}
	if f.Title = HTML(template.HTMLEscapeString(f.Frame.Title)); f.Title == "" {
		if f.Title, err = draw(f.Name+".title", page); err != nil {
			return err
		}
	}
	if _, err = draw("frame", f); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

// functions are the words that templates may use beside fields and methods.
func functions(a assets) template.FuncMap {
	return template.FuncMap{
		"asset": a.url, "number": number, "count": countOf, "size": size,
		"longDate": longDate, "shortDate": shortDate, "exactTime": exactTime, "isoTime": isoTime,
		"cut": cut, "webURL": webURL, "host": host, "shortCommit": shortCommit,
		"tile": makeTile, "highlight": highlight, "typeLabel": typeLabel, "typesLabel": typesLabel, "scopeWords": scopeWords,
		"words": words, "authors": authors, "pieces": pieces, "row": makeRow, "initial": initial, "first": first, "chips": chips,
		"install": viewInstall, "body": viewBody, "connect": viewConnect, "keyCommands": keyCommands,
		"searchHref": searchHref, "packageHref": packageHref, "pager": makePager, "licence": licenceWords,
		"field": makeField, "hint": withHint, "kind": withKind, "complete": withComplete, "focus": withFocus,
		"optional": optional, "fixed": withFixed, "has": has, "lifetime": lifetime, "keys": viewKeys,
	}
}
