package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// A Corpus makes records as a real feed has them, for measurements: each release
// has 2 kB of metadata, with words as common and as rare as in a language. The
// same seed makes the same records.
type Corpus struct {
	rng   *rand.Rand
	words []string
	zipf  *rand.Zipf
}

// NewCorpus returns a corpus of 4,000 words.
func NewCorpus(seed uint64) *Corpus {
	rng := rand.New(rand.NewPCG(seed, 77))
	c := &Corpus{rng: rng, zipf: rand.NewZipf(rng, 1.2, 4, 3999)}
	const letters = "etaoinshrdlcumwfgypbvk"
	for range 4000 {
		word := make([]byte, 2+rng.IntN(9))
		for i := range word {
			word[i] = letters[min(rng.IntN(len(letters)), rng.IntN(len(letters)))]
		}
		c.words = append(c.words, string(word))
	}
	return c
}

// text returns about n bytes of words.
func (c *Corpus) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(c.words[c.zipf.Uint64()])
		b.WriteString([]string{" ", " ", " ", " ", " ", ", ", ". "}[c.rng.IntN(7)])
	}
	return b.String()
}

// ID returns the ID number i.
func (c *Corpus) ID(i int) nuget.ID {
	return nuget.ID(fmt.Sprintf("Contoso.%s.%s.N%d", title(c.words[i*7%4000]), title(c.words[i*13%4000]), i))
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// Metadata is 2 kB of it.
func (c *Corpus) Metadata(id nuget.ID) gallery.Metadata {
	m := gallery.Metadata{
		Title: string(id), Authors: title(c.text(8)) + title(c.text(8)), Description: c.text(1100), Copyright: "Copyright (c) " + c.text(20),
		Tags: strings.Fields(c.text(40)), ProjectURL: "https://github.com/contoso/" + string(id), LicenseURL: "https://licenses.nuget.org/MIT",
		IconFile: "icon.png", ReadmeFile: "README.md", LicenseExpression: "MIT",
		Repository: &nuget.Repository{Type: "git", URL: "https://github.com/contoso/" + string(id), Commit: fmt.Sprintf("%016x%016x%08x", c.rng.Uint64(), c.rng.Uint64(), c.rng.Uint32())},
		Types:      []nuget.PackageType{{Name: "Dependency"}},
		Frameworks: []string{"net462", "net8.0", "net9.0", "netstandard2.0"},
	}
	for _, framework := range m.Frameworks {
		group := gallery.DependencyGroup{Framework: framework}
		for i := range 3 {
			group.Dependencies = append(group.Dependencies, gallery.Dependency{ID: string(c.ID(c.rng.IntN(200) + i)), Range: fmt.Sprintf("[%d.%d.0, )", c.rng.IntN(9), c.rng.IntN(5))})
		}
		m.Dependencies = append(m.Dependencies, group)
	}
	return m
}

// Push writes all that a push of one version writes, into package p, which it
// changes: release, event, package, card and state.
func (c *Corpus) Push(w gallery.Writer, f *gallery.Feed, p *gallery.Package, card *gallery.Card, v nuget.Version) error {
	r := &gallery.Release{Head: gallery.Head{
		ID: p.ID, Version: v, Listed: true, Signed: true, Published: noon.Add(time.Duration(c.rng.Int64N(1e17))), Size: 50000 + c.rng.Int64N(1e6),
		Blob: Hash(string(p.ID) + v.Key()), Pusher: p.Owners[0], PushKey: "AbCd1234",
	}, Meta: c.Metadata(p.ID)}
	r.Received, r.Edited = r.Blob, r.Published
	e := gallery.Event{Time: r.Published, Kind: gallery.Pushed, ID: r.ID, Version: v, Actor: r.Pusher, Key: r.PushKey, Listed: true, Blob: r.Blob}
	if err := w.AppendEvent(f.Number, &e); err != nil {
		return err
	}
	r.Rev, p.Rev, card.Rev = e.Seq, e.Seq, e.Seq
	if err := w.PutRelease(f.Generation, r); err != nil {
		return err
	}
	p.Versions++
	card.ID, card.Owners = p.ID, p.Owners
	card.Versions = append(card.Versions, gallery.CardVersion{Version: v})
	if p.Latest[0].Compare(v) < 0 || p.Versions == 1 {
		p.Latest = [4]nuget.Version{v, v, v, v}
		m := &r.Meta
		card.Faces = []gallery.Face{{
			Version: v, Title: m.Title, Description: m.Description, Summary: m.Summary, Authors: m.Authors, Tags: m.Tags, ProjectURL: m.ProjectURL,
			LicenseURL: m.LicenseURL, HasIcon: true, Types: []string{"Dependency"}, Frameworks: m.Frameworks, Published: r.Published,
		}}
	}
	if err := w.PutPackage(f.Generation, p); err != nil {
		return err
	}
	if err := w.PutCard(f.Generation, card); err != nil {
		return err
	}
	state, err := w.FeedState(f.Number)
	if err != nil {
		return err
	}
	state.Releases++
	state.Bytes += r.Size
	return w.PutFeedState(f.Number, state)
}
