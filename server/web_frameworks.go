package server

import (
	"cmp"
	"slices"
	"strings"

	"nougat/nuget"
	"nougat/ui"
)

// products are the families of frameworks, in the order in which pages list
// them. The first is .NETCoreApp from version 5 on.
var products = []struct{ identifier, name string }{
	{"", ".NET"},
	{".NETStandard", ".NET Standard"},
	{".NETCoreApp", ".NET Core"},
	{".NETFramework", ".NET Framework"},
	{".NETPortable", "Portable"},
	{"UAP", "Universal Windows"},
}

// knownFrameworks are those that pages work out compatibility for: what people
// build for, without platforms.
var knownFrameworks = strings.Fields(`net5.0 net6.0 net7.0 net8.0 net9.0 net10.0 net11.0
	netstandard1.0 netstandard1.1 netstandard1.2 netstandard1.3 netstandard1.4 netstandard1.5 netstandard1.6 netstandard2.0 netstandard2.1
	netcoreapp1.0 netcoreapp1.1 netcoreapp2.0 netcoreapp2.1 netcoreapp2.2 netcoreapp3.0 netcoreapp3.1
	net20 net35 net40 net45 net451 net452 net46 net461 net462 net463 net47 net471 net472 net48 net481`)

// target is a framework with its place in a list.
type target struct {
	nuget.Framework
	product int // in products; len(products) for any other
	other   string
	version nuget.Version
}

func newTarget(short string) (target, bool) {
	f, err := nuget.ParseFolder(short)
	if err != nil || f.IsAny() || f.IsUnsupported() {
		return target{}, false
	}
	identifier, rest, _ := strings.Cut(f.Name(), ",Version=v")
	number, _, _ := strings.Cut(rest, ",")
	t := target{Framework: f, other: strings.TrimPrefix(identifier, ".")}
	t.version, _ = nuget.ParseVersion(number)
	if identifier == ".NETCoreApp" && t.version.Parts()[0] >= 5 {
		return t, true
	}
	t.product = slices.IndexFunc(products, func(p struct{ identifier, name string }) bool { return p.identifier == identifier })
	if t.product < 0 {
		t.product = len(products)
	}
	return t, true
}

func targets(short []string) []target {
	list := make([]target, 0, len(short))
	for _, name := range short {
		if t, ok := newTarget(name); ok {
			list = append(list, t)
		}
	}
	sortTargets(list)
	return list
}

func sortTargets(list []target) { slices.SortStableFunc(list, target.compare) }

func (t target) compare(o target) int {
	return cmp.Or(cmp.Compare(t.product, o.product), cmp.Compare(t.other, o.other), t.version.Compare(o.version), cmp.Compare(t.String(), o.String()))
}

// compareFrameworks orders short names; what names no framework comes first.
func compareFrameworks(a, b string) int {
	x, known := newTarget(a)
	y, also := newTarget(b)
	switch {
	case known && also:
		return x.compare(y)
	case known:
		return 1
	case also:
		return -1
	}
	return cmp.Compare(a, b)
}

// chips orders short names as pages show them: what is most wanted first.
func chips(short []string) []string {
	list := targets(short)
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.String()
	}
	return names
}

// frameworkGroups lists by product what a package supports and, with computed,
// what is compatible with that.
func frameworkGroups(short []string, computed bool) []ui.FrameworkGroup {
	supported := targets(short)
	all := slices.Clone(supported)
	if computed {
		all = append(all, compatible(supported)...)
		sortTargets(all)
	}
	var groups []ui.FrameworkGroup
	for _, t := range all {
		name := t.other
		if t.product < len(products) {
			name = products[t.product].name
		}
		if len(groups) == 0 || groups[len(groups)-1].Product != name {
			groups = append(groups, ui.FrameworkGroup{Product: name})
		}
		last := &groups[len(groups)-1]
		is := func(o target) bool { return o.Framework == t.Framework }
		last.Frameworks = append(last.Frameworks, ui.FrameworkChip{Name: t.String(), Computed: !slices.ContainsFunc(supported, is)})
	}
	return groups
}

// compatible are the known frameworks that can use one of supported and are not
// among them.
func compatible(supported []target) []target {
	var list []target
	for _, t := range targets(knownFrameworks) {
		if slices.ContainsFunc(supported, func(o target) bool { return o.Framework == t.Framework }) {
			continue
		}
		if slices.ContainsFunc(supported, func(o target) bool { return t.Accepts(o.Framework) }) {
			list = append(list, t)
		}
	}
	return list
}
