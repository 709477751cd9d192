package nuget

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// equivalents lists the frameworks that mean the same, each set under several
// names: win is win8 is netcore45, and so on.
var equivalents = [][]Framework{
	{frameworkOf(idUAP), frameworkOf(idUAP, 10)},
	{
		frameworkOf(idWindows), win8,
		frameworkOf(idNetCore), frameworkOf(idNetCore, 4, 5),
		frameworkOf(idWinRT), frameworkOf(idWinRT, 4, 5),
	},
	{win81, frameworkOf(idNetCore, 4, 5, 1)},
	{frameworkOf(idWindowsPhone), wp7, silverlightPhone(profileWindowsPhone, 3)},
	{frameworkOf(idWindowsPhone, 7, 1), silverlightPhone(profileWindowsPhone71, 4)},
	{wp8, silverlightPhone(profileWindowsPhone, 8)},
	{wp81, silverlightPhone(profileWindowsPhone, 8, 1)},
	{frameworkOf(idWindowsPhoneApp), wpa81},
	{frameworkOf(idTizen), frameworkOf(idTizen, 3)},
	{frameworkOf(idDnx), frameworkOf(idDnx, 4, 5), frameworkOf(idAspNet), frameworkOf(idAspNet, 5)},
	{frameworkOf(idDnxCore), frameworkOf(idDnxCore, 5), frameworkOf(idAspNetCore), frameworkOf(idAspNetCore, 5)},
	{dotnet00, dotnet50},
}

func silverlightPhone(profile string, numbers ...int32) Framework {
	f := frameworkOf(idSilverlight, numbers...)
	f.profile = profile
	return f
}

// equivalentProfiles lists the pairs of profiles that mean the same in a
// framework.
var equivalentProfiles = []struct{ identifier, a, b string }{
	{idNet, "Client", ""},
	{idNet, "Full", ""},
	{idSilverlight, profileWindowsPhone71, profileWindowsPhone},
	{idWindowsPhone, profileWindowsPhone71, profileWindowsPhone},
}

// subsets tells which other framework, of the same version, a framework without
// profile includes.
var subsets = map[string]string{
	idDnx:            idNet,
	idDnxCore:        idNetPlatform,
	idNetStandardApp: idNetStandard,
}

// support is one rule of what a project accepts of other frameworks: a project
// of from or a later version of it accepts low to high.
type support struct{ from, low, high Framework }

// supports lists these rules.
var supports = slices.Concat(
	[]support{
		{frameworkOf(idUAP), frameworkOf(idWindows), win81},
		{frameworkOf(idUAP), frameworkOf(idWindowsPhoneApp), wpa81},
		{frameworkOf(idUAP), frameworkOf(idNetCore, 5), frameworkOf(idNetCore, 5)},
		{frameworkOf(idWindows), frameworkOf(idWinRT), frameworkOf(idWinRT, 4, 5)},
		standard(frameworkOf(idTizen, 3), 1, 6),
		standard(frameworkOf(idTizen, 4), 2, 0),
		standard(frameworkOf(idTizen, 6), 2, 1),
		standard(frameworkOf(idUAP, 10, 0, 15064), 2, 0),
		standard(frameworkOf(idNetCoreApp, 1, 0), 1, 6),
		standard(frameworkOf(idNetCoreApp, 1, 1), 1, 7),
		standard(frameworkOf(idNetCoreApp, 2, 0), 2, 0),
		standard(frameworkOf(idNetCoreApp, 3, 0), 2, 1),
		standard(frameworkOf(idNet, 4, 6, 3), 2, 0),
	},
	platformAndStandard(frameworkOf(idDnxCore), 6, 1, 5),
	platformAndStandard(frameworkOf(idUAP), 5, 1, 4),
	platformAndStandard(frameworkOf(idNetCore, 5), 5, 1, 4),
	platformAndStandard(wpa81, 3, 1, 2),
	platformAndStandard(wp8, 1, 1, 0),
	platformAndStandard(net45, 2, 1, 1),
	platformAndStandard(net451, 3, 1, 2),
	platformAndStandard(frameworkOf(idNet, 4, 6), 4, 1, 3),
	platformAndStandard(frameworkOf(idNet, 4, 6, 1), 5, 2, 0),
	platformAndStandard(frameworkOf(idNet, 4, 6, 2), 6, 2, 0),
	platformAndStandard(frameworkOf(idNetCore, 4, 5), 2, 1, 1),
	platformAndStandard(frameworkOf(idNetCore, 4, 5, 1), 3, 1, 2),
	platformAndStandard(frameworkOf(idMonoAndroid), 6, 2, 1),
	platformAndStandard(frameworkOf(idMonoMac), 6, 2, 1),
	platformAndStandard(frameworkOf(idMonoTouch), 6, 2, 1),
	platformAndStandard(frameworkOf(idXamarinIOS), 6, 2, 1),
	platformAndStandard(frameworkOf(idXamarinMac), 6, 2, 1),
	platformAndStandard(frameworkOf(idXamarinPlayStation3), 6, 2, 0),
	platformAndStandard(frameworkOf(idXamarinPlayStation4), 6, 2, 0),
	platformAndStandard(frameworkOf(idXamarinPlayStationVita), 6, 2, 0),
	platformAndStandard(frameworkOf(idXamarinXbox360), 6, 2, 0),
	platformAndStandard(frameworkOf(idXamarinXboxOne), 6, 2, 0),
	platformAndStandard(frameworkOf(idXamarinTVOS), 6, 2, 1),
	platformAndStandard(frameworkOf(idXamarinWatchOS), 6, 2, 1),
)

// standard is the rule that from supports .NET Standard up to major.minor.
func standard(from Framework, major, minor int32) support {
	return support{from, frameworkOf(idNetStandard, 1), frameworkOf(idNetStandard, major, minor)}
}

// platformAndStandard are the rules that from supports the retired .NETPlatform
// up to 5.platform and .NET Standard up to major.minor.
func platformAndStandard(from Framework, platform, major, minor int32) []support {
	return []support{
		{from, dotnet00, frameworkOf(idNetPlatform, 5, platform)},
		standard(from, major, minor),
	}
}

// covers reports whether a project of framework f falls under the rule.
func (s support) covers(f Framework) bool {
	return s.from.identifier == f.identifier && f.profile == "" &&
		compareNumbers(s.from.version, f.version) <= 0 &&
		compareNumbers(f.version, [4]int32{math.MaxInt32}) <= 0
}

func compareNumbers(a, b [4]int32) int { return slices.Compare(a[:], b[:]) }

// equivalent reports whether f and o are equal or of one set of equivalents.
func (f Framework) equivalent(o Framework) bool {
	return f.Equal(o) || slices.ContainsFunc(f.equivalentSet(), o.Equal)
}

// equivalentSet returns the set of equivalents that f is in, or nil.
func (f Framework) equivalentSet() []Framework {
	for _, set := range equivalents {
		if slices.ContainsFunc(set, f.Equal) {
			return set
		}
	}
	return nil
}

// appendEquivalents appends the frameworks equivalent to f by set and by
// profile. f itself may be among them.
func (f Framework) appendEquivalents(to []Framework) []Framework {
	start := len(to)
	to = append(append(to, f), f.equivalentSet()...)
	for _, e := range to[start:] {
		for _, p := range equivalentProfiles {
			if p.identifier != e.identifier {
				continue
			}
			// A profile takes the platform away: this makes a new framework.
			if strings.EqualFold(e.profile, p.a) {
				to = append(to, Framework{identifier: e.identifier, version: e.version, profile: p.b})
			}
			if strings.EqualFold(e.profile, p.b) {
				to = append(to, Framework{identifier: e.identifier, version: e.version, profile: p.a})
			}
		}
	}
	return to
}

// appendExpansion appends what a project of framework f accepts for a direct
// reason.
func (f Framework) appendExpansion(to []Framework) []Framework {
	to = f.appendEquivalents(to)
	// All that is equivalent to f in a lower version.
	for _, set := range equivalents {
		for _, e := range set {
			if e.identifier == f.identifier && strings.EqualFold(e.profile, f.profile) && compareNumbers(e.version, f.version) <= 0 {
				to = e.appendEquivalents(to)
			}
		}
	}
	if subset, ok := subsets[f.identifier]; ok && f.profile == "" {
		to = append(to, Framework{identifier: subset, version: f.version})
	}
	for _, s := range supports {
		if s.covers(f) {
			to = append(to, s.low, s.high)
		}
	}
	return to
}

// closure returns f and all that step leads to from it, each once.
func closure(f Framework, step func(Framework, []Framework) []Framework) []Framework {
	all := []Framework{f}
	var next []Framework
	for i := 0; i < len(all); i++ {
		next = step(all[i], next[:0])
		for _, n := range next {
			if !slices.ContainsFunc(all, n.Equal) {
				all = append(all, n)
			}
		}
	}
	return all
}

// acceptance answers whether projects accept assets. It remembers what it
// worked out, for one call into this package: a value is not kept.
type acceptance struct {
	projects map[Framework][]Framework // what a project accepts, by expansion
	assets   map[Framework][]Framework // what an asset is, by equivalence
	portable map[portableKey][]Framework
}

type portableKey struct {
	framework Framework
	optional  bool
}

func newAcceptance() *acceptance {
	return &acceptance{map[Framework][]Framework{}, map[Framework][]Framework{}, map[portableKey][]Framework{}}
}

// Accepts reports whether a project of framework f can use an asset made for
// the other framework.
func (f Framework) Accepts(asset Framework) bool { return newAcceptance().accepts(f, asset) }

func (a *acceptance) accepts(project, asset Framework) bool {
	switch {
	case project.Equal(asset), project.IsAny(), asset.IsAny():
		return true
	case project.IsUnsupported():
		return false
	case asset.isAgnostic():
		return true
	case asset.IsUnsupported():
		return false
	case asset.isPortable():
		return a.acceptsPortable(project, asset)
	}
	accepted := a.expansion(project)
	for _, e := range a.equivalents(asset) {
		for _, p := range accepted {
			if p.acceptsDirectly(e) {
				return true
			}
		}
	}
	return false
}

// acceptsPortable reports whether each framework of a project, which is one or
// a portable list, accepts some framework of a portable asset.
func (a *acceptance) acceptsPortable(project, asset Framework) bool {
	projects := []Framework{project}
	if project.isPortable() {
		// What is optional in one profile may not be named in another.
		projects = a.frameworks(project, false)
	}
	assets := a.frameworks(asset, true)
	if len(projects) > len(assets) {
		return false
	}
	for _, p := range projects {
		if !slices.ContainsFunc(assets, func(f Framework) bool { return a.accepts(p, f) }) {
			return false
		}
	}
	return true
}

// expansion returns the project's framework and all that it accepts for it.
func (a *acceptance) expansion(project Framework) []Framework {
	if known, ok := a.projects[project]; ok {
		return known
	}
	all := closure(project, Framework.appendExpansion)
	if project.isPortable() {
		// Not expanded further, so that the retired .NETPlatform stays out.
		if p, found, _ := profileByNumber(project.profile); found && p.standard >= 0 {
			all = append(all, frameworkOf(idNetStandard, 1, 0), frameworkOf(idNetStandard, 1, p.standard))
		}
	}
	a.projects[project] = all
	return all
}

// equivalents returns the asset's framework and all that are the same.
func (a *acceptance) equivalents(asset Framework) []Framework {
	if known, ok := a.assets[asset]; ok {
		return known
	}
	all := closure(asset, Framework.appendEquivalents)
	a.assets[asset] = all
	return all
}

// frameworks returns the frameworks of a portable one.
func (a *acceptance) frameworks(portable Framework, optional bool) []Framework {
	key := portableKey{portable, optional}
	if known, ok := a.portable[key]; ok {
		return known
	}
	list, _ := portable.portableFrameworks(optional) // parsing saw that it has some
	a.portable[key] = list
	return list
}

// acceptsDirectly compares names, versions, profiles and platforms.
func (f Framework) acceptsDirectly(asset Framework) bool {
	same := f.sameIdentifier(asset)
	if !same && f.hasNet6Platform() {
		return f.acceptsOldPlatform(asset)
	}
	if !same || !acceptsVersion(f.version, asset.version) || !strings.EqualFold(f.profile, asset.profile) {
		return false
	}
	if f.isNet5() && asset.platform != "" {
		return strings.EqualFold(f.platform, asset.platform) && acceptsVersion(f.platformVersion, asset.platformVersion)
	}
	return true
}

// hasNet6Platform reports whether f is .NET 6 or later with a platform.
func (f Framework) hasNet6Platform() bool {
	return f.isNet5() && f.version[0] >= 6 && f.platform != ""
}

// acceptsOldPlatform reports whether asset is of the framework that f's platform
// had before .NET 6.
func (f Framework) acceptsOldPlatform(asset Framework) bool {
	return asset.identifier == idMonoAndroid && FoldID(f.platform) == "android" ||
		asset.identifier == idTizen && FoldID(f.platform) == "tizen"
}

// acceptsVersion reports whether asset is not above project; 0.0 never is.
func acceptsVersion(project, asset [4]int32) bool { return compareNumbers(asset, project) <= 0 }

// compareFrameworks orders frameworks as NuGet does: any first, unsupported
// last, then by identifier, version, profile and platform.
func compareFrameworks(a, b Framework) int {
	rank := func(f Framework) int {
		switch {
		case f.IsAny():
			return 0
		case f.IsUnsupported():
			return 2
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		compareFold(a.identifier, b.identifier),
		compareNumbers(a.version, b.version),
		compareFold(a.profile, b.profile),
		compareFold(a.platform, b.platform),
		compareNumbers(a.platformVersion, b.platformVersion),
	)
}
