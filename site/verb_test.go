package site

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryVerbIsServed reads the source: every variable that is a Verb stands in
// the table, and no two have one name.
func TestEveryVerbIsServed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared, table []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			value, ok := spec.Values[0].(*ast.CompositeLit)
			if !ok {
				return true
			}
			if generic, ok := value.Type.(*ast.IndexListExpr); ok && generic.X.(*ast.Ident).Name == "Verb" {
				declared = append(declared, spec.Names[0].Name)
			}
			if spec.Names[0].Name == "verbs" {
				for _, e := range value.Elts {
					table = append(table, e.(*ast.Ident).Name)
				}
			}
			return true
		})
	}
	slices.Sort(declared)
	slices.Sort(table)
	if len(declared) == 0 || !slices.Equal(declared, table) {
		t.Errorf("the verbs are %q, those in the table %q", declared, table)
	}
	names := make(map[string]bool)
	for _, v := range verbs {
		if v.name() == "" || names[v.name()] {
			t.Errorf("two verbs, or one without a name, are called %q", v.name())
		}
		names[v.name()] = true
	}
}
