package nuget

import (
	"cmp"
	"slices"
	"strings"
)

// maxNearest bounds the frameworks that Nearest looks at, since it holds each
// against each. No package comes near it.
const maxNearest = 128

// The order of preference among frameworks that are otherwise equally near:
// first those without packages, then those that are packages.
var (
	preferPlain    = []string{idNet, idNetCore, idWindows, idWindowsPhoneApp}
	preferPackages = []string{idNetCoreApp, idNetStandardApp, idNetStandard, idNetPlatform}
)

// preferEquivalent is the order among equivalent frameworks.
var preferEquivalent = []string{
	idWindows, idNetCore, idWinRT, idWindowsPhone, idSilverlight, idDnxCore, idAspNetCore, idDnx, idAspNet,
}

// packageBased lists the frameworks that come as packages, in all versions.
var packageBased = []string{idDnxCore, idNetPlatform, idNetStandard, idNetStandardApp, idNetCoreApp, idUAP, idTizen}

// Nearest returns the framework, of those among which a package has assets,
// that a project of framework f takes; ok is false when it can take none. Of
// more than 128 different ones the rest is not looked at.
func (f Framework) Nearest(among []Framework) (nearest Framework, ok bool) {
	return newAcceptance().nearest(f, among)
}

func (a *acceptance) nearest(project Framework, among []Framework) (Framework, bool) {
	among = distinct(among, maxNearest)
	among = prefer(among, func(f Framework) bool { return !f.IsUnsupported() })
	if i := slices.IndexFunc(among, project.Equal); i >= 0 {
		return among[i], true
	}
	left := keep(among, func(f Framework) bool { return a.accepts(project, f) })
	left = a.dropLower(left)
	for _, narrow := range []func(Framework, []Framework) []Framework{
		preferSameIdentifier, a.narrowPortable, preferWithoutPackages, preferProfile, preferPlatform,
	} {
		if len(left) > 1 {
			left = narrow(project, left)
		}
	}
	if len(left) == 0 {
		return Framework{}, false
	}
	return slices.MinFunc(left, func(x, y Framework) int {
		return cmp.Or(comparePreference(x, y), -compareFrameworks(x, y))
	}), true
}

// distinct returns the first most frameworks that differ.
func distinct(list []Framework, most int) []Framework {
	var out []Framework
	for _, f := range list {
		if len(out) == most {
			break
		}
		if !slices.ContainsFunc(out, f.Equal) {
			out = append(out, f)
		}
	}
	return out
}

// keep returns those of list that satisfy the test.
func keep(list []Framework, test func(Framework) bool) []Framework {
	var out []Framework
	for _, f := range list {
		if test(f) {
			out = append(out, f)
		}
	}
	return out
}

// prefer returns those of list that satisfy the test, or all where none does.
func prefer(list []Framework, test func(Framework) bool) []Framework {
	if out := keep(list, test); len(out) > 0 {
		return out
	}
	return list
}

// dropLower drops frameworks that another of the list accepts without being
// accepted itself: net40 beside net45. Any is dropped beside anything else. Of
// two that accept each other only version 0.0 is dropped: win beside win8.
func (a *acceptance) dropLower(list []Framework) []Framework {
	list = prefer(list, func(f Framework) bool { return !f.IsAny() })
	return keep(list, func(x Framework) bool {
		return !slices.ContainsFunc(list, func(y Framework) bool {
			switch {
			case x == y || !a.accepts(y, x):
				return false
			case !a.accepts(x, y):
				return true
			}
			zero := [4]int32{}
			return x.sameIdentifier(y) && x.version == zero && y.version != zero
		})
	})
}

// preferSameIdentifier prefers frameworks of the project's name. On .NET 6 and
// later with a platform, that platform's older framework stays too.
func preferSameIdentifier(project Framework, list []Framework) []Framework {
	if !slices.ContainsFunc(list, project.sameIdentifier) {
		return list
	}
	return keep(list, func(f Framework) bool {
		return f.sameIdentifier(project) || project.hasNet6Platform() && f.isOldPlatform()
	})
}

// isOldPlatform reports whether f is the framework of a platform before .NET 6.
func (f Framework) isOldPlatform() bool {
	return f.identifier == idMonoAndroid || f.identifier == idTizen
}

// narrowPortable prefers what is not portable, and decides between portable
// frameworks where there is nothing else.
func (a *acceptance) narrowPortable(project Framework, list []Framework) []Framework {
	if plain := keep(list, func(f Framework) bool { return !f.isPortable() }); len(plain) > 0 {
		return plain
	}
	// betterPortable is no order: who is asked first matters.
	slices.SortStableFunc(list, func(x, y Framework) int { return compareCulture(x.Name(), y.Name()) })
	if project.isPortable() {
		list = a.voteForPortable(project, list)
	} else {
		list = a.portableWithNearest(project, list)
	}
	if len(list) < 2 {
		return list
	}
	best := list[0]
	for _, f := range list[1:] {
		if a.betterPortable(best, f) {
			best = f
		}
	}
	return []Framework{best}
}

// portableWithNearest keeps the portable frameworks that name the framework
// nearest to the project among all that they name.
func (a *acceptance) portableWithNearest(project Framework, list []Framework) []Framework {
	var all []Framework
	for _, f := range list {
		all = append(all, a.frameworks(f, true)...)
	}
	nearest, ok := a.nearest(project, all)
	return keep(list, func(f Framework) bool {
		return ok && slices.ContainsFunc(a.frameworks(f, true), nearest.Equal)
	})
}

// voteForPortable lets each framework of a portable project vote for the
// portable frameworks that name the one nearest to it.
func (a *acceptance) voteForPortable(project Framework, list []Framework) []Framework {
	var all []Framework
	for _, f := range list {
		all = append(all, a.frameworks(f, true)...)
	}
	votes := map[Framework]int{}
	var named []Framework // in the order of their first votes
	for _, sub := range dropEquivalent(a.frameworks(project, true)) {
		nearest, ok := a.nearest(sub, all)
		if !ok {
			continue
		}
		for _, f := range list {
			if slices.ContainsFunc(a.frameworks(f, true), nearest.Equal) {
				if votes[f]++; votes[f] == 1 {
					named = append(named, f)
				}
			}
		}
	}
	most := 0
	for _, n := range votes {
		most = max(most, n)
	}
	return keep(named, func(f Framework) bool { return votes[f] == most })
}

// dropEquivalent keeps one of several equivalent frameworks.
func dropEquivalent(list []Framework) []Framework {
	list = slices.SortedStableFunc(slices.Values(list), func(x, y Framework) int {
		return cmp.Or(compareByList(preferEquivalent, x, y), -compareFrameworks(x, y))
	})
	var out, seen []Framework
	for _, f := range list {
		if !slices.ContainsFunc(seen, f.Equal) {
			out = append(out, f)
			seen = f.appendEquivalents(seen)
		}
	}
	return out
}

// betterPortable reports whether a portable framework is to be taken rather
// than current: one that names fewer frameworks, then higher versions of those
// that both name, then the higher .NET Framework, then the first by name.
func (a *acceptance) betterPortable(current, f Framework) bool {
	ours, theirs := a.frameworks(f, false), a.frameworks(current, false)
	if len(ours) != len(theirs) {
		return len(ours) < len(theirs)
	}
	higher := 0
	for _, o := range ours {
		i := slices.IndexFunc(ours, o.sameIdentifier)
		j := slices.IndexFunc(theirs, o.sameIdentifier)
		if j >= 0 {
			higher += compareNumbers(ours[i].version, theirs[j].version)
		}
	}
	if higher != 0 {
		return higher > 0
	}
	i := slices.IndexFunc(ours, net45.sameIdentifier)
	j := slices.IndexFunc(theirs, net45.sameIdentifier)
	if i >= 0 && j >= 0 {
		if c := compareNumbers(ours[i].version, theirs[j].version); c != 0 {
			return c > 0
		}
	}
	return compareFold(f.String(), current.String()) < 0
}

// preferWithoutPackages drops package based frameworks for a project that is
// none.
func preferWithoutPackages(project Framework, list []Framework) []Framework {
	if project.isPackageBased() {
		return list
	}
	return prefer(list, func(f Framework) bool { return !f.isPackageBased() })
}

func (f Framework) isPackageBased() bool {
	return slices.Contains(packageBased, f.identifier) || f.isNetCore5()
}

func (f Framework) isNetCore5() bool { return f.identifier == idNetCore && f.version[0] >= 5 }

// preferProfile prefers the project's profile, else frameworks without one.
func preferProfile(project Framework, list []Framework) []Framework {
	if slices.ContainsFunc(list, Framework.isPortable) {
		return list
	}
	if project.profile != "" {
		list = prefer(list, func(f Framework) bool {
			return f.sameIdentifier(project) && strings.EqualFold(f.profile, project.profile)
		})
	}
	return prefer(list, func(f Framework) bool { return f.profile == "" })
}

// preferPlatform decides for projects with a platform: the highest version of
// the project's framework, with or without platform; on .NET 6 and later, where
// that is older than 6, the platform's older framework.
func preferPlatform(project Framework, list []Framework) []Framework {
	if project.platform == "" {
		return list
	}
	same := keep(list, project.sameIdentifier)
	if project.hasNet6Platform() && !slices.ContainsFunc(same, func(f Framework) bool { return f.version[0] >= 6 }) {
		return prefer(list, Framework.isOldPlatform)
	}
	if len(same) == 0 {
		return nil
	}
	highest := slices.MaxFunc(same, func(x, y Framework) int { return compareNumbers(x.version, y.version) })
	return keep(same, func(f Framework) bool { return f.version == highest.version })
}

// comparePreference orders by preference, the preferred first.
func comparePreference(x, y Framework) int {
	// For this purpose .NETCore 5 does not count as package based.
	packages := func(f Framework) bool { return f.isPackageBased() && !f.isNetCore5() }
	switch {
	case packages(x) && packages(y):
		return compareByList(preferPackages, x, y)
	case packages(x):
		return 1
	case packages(y):
		return -1
	}
	return compareByList(preferPlain, x, y)
}

// compareByList compares by the place of the identifiers in a list; what it
// does not name comes last.
func compareByList(list []string, x, y Framework) int {
	place := func(f Framework) int {
		if i := slices.Index(list, f.identifier); i >= 0 {
			return i
		}
		return len(list)
	}
	return cmp.Compare(place(x), place(y))
}

// cultureOrder lists ASCII as a dictionary sorts it, letters apart.
const cultureOrder = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"

// compareCulture compares as .NET compares strings by default, with the ICU
// library and no particular culture: punctuation before digits before letters,
// letter case only where nothing else differs, lower case first.
func compareCulture(a, b string) int {
	weight := func(c byte) int {
		if i := strings.IndexByte(cultureOrder, c); i >= 0 {
			return i
		}
		return len(cultureOrder) + int(upper(c))
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := cmp.Compare(weight(a[i]), weight(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(b, a))
}
