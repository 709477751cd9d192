package gallery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"nougat/nuget"
)

// maxPart is the limit of a licence, icon or readme file in a package.
const maxPart = 1 << 20

// checkFiles asks what the policy asks of files in a package, and reports the
// first that fails: a licence is text (R-LIC-02) or an approved expression
// (R-LIC-03), an icon a PNG or JPEG (R-ICO-01), a readme Markdown (R-RDM-01).
func (p *push) checkFiles() error {
	m := p.manifest
	if l := m.License; l != nil && l.Type == "file" {
		if err := p.textFile("licence", l.Text, "", ".txt", ".md"); err != nil {
			return err
		}
	} else if l != nil {
		if err := p.checkExpression(l.Text); err != nil {
			return err
		}
	}
	if m.Icon != "" {
		data, err := p.part("icon", m.Icon, ".png", ".jpg", ".jpeg")
		if err != nil {
			return err
		}
		if imageType(data) == "" {
			return invalid("The icon file %s is neither a PNG nor a JPEG image. Save it as one of them.", m.Icon)
		}
	}
	if m.Readme != "" {
		return p.textFile("readme", m.Readme, ".md")
	}
	return nil
}

func invalid(format string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = printable(s)
		}
	}
	return &Error{Kind: Invalid, Msg: fmt.Sprintf(format, args...)}
}

// printable makes text of a package fit for a message: one line, cut, ASCII.
func printable(s string) string {
	s = nuget.Cut(s, 80)
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// part reads a file of the package that the manifest names; what is wrong with
// it is said in one of four sentences (M-25). Extensions are lower case; ""
// allows none.
func (p *push) part(kind, name string, extensions ...string) ([]byte, error) {
	if !slices.Contains(extensions, strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/")))) {
		return nil, invalid(msgPartExtension, kind, name, extensionList(extensions))
	}
	data, err := p.archive.ReadFile(name, maxPart)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, invalid(msgPartMissing, kind, name)
	case errors.Is(err, nuget.ErrTooLarge):
		return nil, invalid(msgPartLarge, kind, name)
	case err != nil:
		return nil, formatError(err)
	}
	return data, nil
}

func extensionList(extensions []string) string {
	var shown []string
	for _, e := range extensions {
		if e == "" {
			e = "none"
		}
		shown = append(shown, e)
	}
	return strings.Join(shown, ", ")
}

func (p *push) textFile(kind, name string, extensions ...string) error {
	data, err := p.part(kind, name, extensions...)
	if err != nil {
		return err
	}
	if !isText(data) {
		return invalid(msgPartText, kind, name)
	}
	if kind == "readme" && len(bytes.TrimSpace(data)) == 0 {
		return invalid("The readme file %s is empty. Write something in it, or take it out of the nuspec.", name)
	}
	return nil
}

// isText is UTF-8 without control characters other than tab, line feed, form
// feed and carriage return (R-LIC-02).
func isText(data []byte) bool {
	for _, b := range data {
		if b < 0x20 && b != '\t' && b != '\n' && b != '\f' && b != '\r' {
			return false
		}
	}
	return utf8.Valid(data)
}

// imageType is the media type of a PNG or JPEG by its first bytes, "" for
// anything else (R-ICO-01).
func imageType(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return ""
}

// checkExpression refuses a licence that neither the OSI nor the FSF approves;
// LicenseRef-… is a warning or refused, as publish.license_refs says (R-LIC-03).
func (p *push) checkExpression(text string) error {
	e, err := nuget.ParseLicence(text)
	if err != nil {
		return formatError(err)
	}
	bad := e.NotApproved()
	refs := e.References()
	if !p.g.o.LicenseRefs {
		bad = append(bad, refs...)
	}
	if len(bad) > 0 {
		return formatError(nuget.NotAllowed(bad))
	}
	if len(refs) > 0 {
		p.warnf("The licence %s is not a standard one: say in the readme where its text is.", strings.Join(refs, ", "))
	}
	return nil
}

// warnf adds a warning; the arguments come from outside and are cut.
func (p *push) warnf(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = printable(s)
		}
	}
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// warn collects what is worth telling but no reason to refuse: no licence or
// readme, or an outdated licenseUrl or iconUrl (R-LIC-05, R-RDM-01, R-ICO-01,
// M-42), size (M-43), a resembling ID (M-45), and a dependency that makes every
// restore warn (NU1602).
func (p *push) warn(ctx context.Context, size int64, newID bool) {
	m := p.manifest
	p.warnings = append(p.warnings, m.Warnings...)
	var missing []string
	switch {
	case m.License == nil && m.LicenseURL != "":
		p.warnf("The licence is given by the outdated licenseUrl. Use a licence expression or a licence file.")
	case m.License == nil:
		missing = append(missing, "licence")
	}
	if m.Icon == "" && m.IconURL != "" {
		p.warnf("The icon is given by the outdated iconUrl. Pack the icon and name it in <icon>.")
	}
	if m.Readme == "" {
		missing = append(missing, "readme")
	}
	if len(missing) > 0 {
		p.warnf("The package has no %s. Add it to the nuspec or project file.", strings.Join(missing, " and no "))
	}
	if open := openBelow(m); len(open) > 0 {
		more := ""
		if n := len(open) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		p.warnf("The dependency %s%s has no inclusive lower bound: restores without a lock file will warn about it (NU1602). Name the lowest version that works.", open[0], more)
	}
	if most := p.g.o.AdviseBytes; most > 0 && size > most {
		p.warnings = append(p.warnings, msgSize(size, p.largest(3)))
	}
	if newID && p.g.o.SimilarIDs != "off" {
		if other, ok := p.g.similar.find(ctx, p.g.store, p.feed, m.ID); ok {
			p.warnings = append(p.warnings, msgResembles(string(other)))
		}
	}
}

// openBelow names the dependencies, each once, whose range has no inclusive
// lower bound: a restore of the package warns about them.
func openBelow(m *nuget.Manifest) []string {
	var open []string
	for _, group := range m.DependencyGroups {
		for _, d := range group.Dependencies {
			text := d.ID
			if d.Range.HasMin || d.Range.HasMax {
				text += " " + d.Range.String()
			}
			if !(d.Range.HasMin && d.Range.MinInclusive) && !slices.Contains(open, text) {
				open = append(open, text)
			}
		}
	}
	return open
}

// largest names the n largest files of the package, by their paths: one for each
// framework has the same name.
func (p *push) largest(n int) []string {
	entries := slices.Clone(p.archive.Entries())
	slices.SortStableFunc(entries, func(a, b nuget.Entry) int { return cmp.Compare(b.Compressed, a.Compressed) })
	var names []string
	for _, e := range entries[:min(n, len(entries))] {
		names = append(names, printable(e.Name)+" "+FormatBytes(e.Compressed))
	}
	return names
}

// similarIDs knows the skeletons of a feed's IDs, to find an ID that differs from
// another only by case, by . - _ or by digits that look like letters (D-14). It
// is read when the first new ID is pushed and kept up to date from then on.
type similarIDs struct {
	mu    sync.Mutex
	feeds map[uint32]map[string]nuget.ID
}

// skeleton folds what people confuse.
func skeleton(id nuget.ID) string { return lookAlikes.Replace(id.Key()) }

var lookAlikes = strings.NewReplacer(".", "", "-", "", "_", "", "0", "o", "1", "l", "i", "l", "5", "s", "8", "b")

func (s *similarIDs) find(ctx context.Context, store Store, f *Feed, id nuget.ID) (nuget.ID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.feeds[f.Generation]
	if !ok {
		var err error
		if known, err = readSkeletons(ctx, store, f); err != nil {
			return "", false // advice is not worth failing a push
		}
		if s.feeds == nil {
			s.feeds = make(map[uint32]map[string]nuget.ID)
		}
		s.feeds[f.Generation] = known
	}
	other, found := known[skeleton(id)]
	return other, found && other.Key() != id.Key()
}

func readSkeletons(ctx context.Context, store Store, f *Feed) (map[string]nuget.ID, error) {
	known := make(map[string]nuget.ID)
	for p, err := range allPackages(ctx, store, f) {
		if err != nil {
			return nil, err
		}
		known[skeleton(p.ID)] = p.ID
	}
	return known, nil
}

func (s *similarIDs) add(f *Feed, id nuget.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.feeds[f.Generation]; ok {
		if k := skeleton(id); known[k] == "" {
			known[k] = id
		}
	}
}
