package store

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	kflate "github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"nougat/gallery"
	"nougat/nuget"
)

func corpusMeta(t testing.TB) (all []*gallery.Metadata) {
	files, _ := filepath.Glob("../../shared/corpus/packages/*.nupkg")
	for _, f := range files {
		r, _ := os.Open(f)
		st, _ := r.Stat()
		a, err := nuget.OpenArchive(r, st.Size())
		if err != nil { t.Fatal(err) }
		m, err := a.Manifest()
		if err != nil { t.Fatal(err) }
		g := &gallery.Metadata{Title: m.Title, Authors: m.Authors, Description: m.Description, Summary: m.Summary, Copyright: m.Copyright, Language: m.Language, Tags: m.Tags, ProjectURL: m.ProjectURL, IconURL: m.IconURL, LicenseURL: m.LicenseURL, IconFile: m.Icon, ReadmeFile: m.Readme, MinClientVersion: m.MinClientVersion, Repository: m.Repository, Types: m.Types()}
		if m.License != nil { g.LicenseExpression = m.License.Text }
		for _, d := range m.DependencyGroups {
			dg := gallery.DependencyGroup{Framework: d.Framework.String()}
			for _, x := range d.Dependencies { dg.Dependencies = append(dg.Dependencies, gallery.Dependency{ID: x.ID, Range: x.Range.String()}) }
			g.Dependencies = append(g.Dependencies, dg)
		}
		for _, fw := range a.Frameworks() { g.Frameworks = append(g.Frameworks, fw.String()) }
		all = append(all, g)
		r.Close()
	}
	return all
}

func TestExp(t *testing.T) {
	ms := corpusMeta(t)
	var encs [][]byte
	total := 0
	for _, m := range ms {
		e := encodeMetadata(nil, m)
		encs = append(encs, e)
		total += len(e)
	}
	n := len(encs)
	fmt.Println("packages", n, "mean encoding", total/n, "dict", len(dictionaryV1))
	const rounds = 50
	try := func(name string, enc func([]byte) []byte, dec func([]byte, int) []byte) {
		size := 0
		var packed [][]byte
		for _, e := range encs { p := enc(e); packed = append(packed, p); size += len(p) }
		best := time.Hour; bd := time.Hour
		for range rounds {
			t0 := time.Now()
			for _, e := range encs { enc(e) }
			best = min(best, time.Since(t0))
			t0 = time.Now()
			for i, p := range packed { if o := dec(p, len(encs[i])); len(o) != len(encs[i]) { t.Fatal(name, len(o), len(encs[i])) } }
			bd = min(bd, time.Since(t0))
		}
		fmt.Printf("%-20s %5d B  enc %v dec %v\n", name, size/n, best/time.Duration(n), bd/time.Duration(n))
	}
	for _, dict := range []string{"", dictionaryV1} {
		fr := kflate.NewReaderDict(nil, []byte(dict))
		var src bytes.Reader
		dec := func(p []byte, n int) []byte {
			src.Reset(p)
			fr.(kflate.Resetter).Reset(&src, []byte(dict))
			o := make([]byte, n)
			io.ReadFull(fr, o)
			return o
		}
		for _, l := range []int{1, 2, 3, 4, 5, 6, 7, 9} {
			w, err := kflate.NewWriterDict(nil, l, []byte(dict))
			if err != nil { t.Fatal(err) }
			try(fmt.Sprint("flate ", l), func(e []byte) []byte { var b bytes.Buffer; w.Reset(&b); w.Write(e); w.Close(); return b.Bytes() }, dec)
		}
		try("stateless", func(e []byte) []byte { var b bytes.Buffer; kflate.StatelessDeflate(&b, e, true, []byte(dict)); return b.Bytes() }, dec)
		for _, l := range []zstd.EncoderLevel{1, 2, 3, 4} {
			o := []zstd.EOption{zstd.WithEncoderLevel(l), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true)}
			do := []zstd.DOption{zstd.WithDecoderConcurrency(0)}
			if dict != "" { o = append(o, zstd.WithEncoderDictRaw(1, []byte(dict))); do = append(do, zstd.WithDecoderDictRaw(1, []byte(dict))) }
			w, err := zstd.NewWriter(nil, o...)
			if err != nil { t.Fatal(err) }
			r, err := zstd.NewReader(nil, do...)
			if err != nil { t.Fatal(err) }
			try(fmt.Sprint("zstd ", l), func(e []byte) []byte { return w.EncodeAll(e, nil) }, func(p []byte, n int) []byte { o, err := r.DecodeAll(p, make([]byte, 0, n)); if err != nil { t.Fatal(err) }; return o })
		}
	}
}
