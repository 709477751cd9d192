package nuget

import (
	"slices"
	"strings"
)

// The identifiers of frameworks that NuGet knows, as they are printed in full
// names.
const (
	idNet                    = ".NETFramework"
	idNetCoreApp             = ".NETCoreApp"
	idNetStandard            = ".NETStandard"
	idNetStandardApp         = ".NETStandardApp"
	idNetPlatform            = ".NETPlatform"
	idNetCore                = ".NETCore"
	idNetMicro               = ".NETMicroFramework"
	idNanoFramework          = ".NETnanoFramework"
	idPortable               = ".NETPortable"
	idWinRT                  = "WinRT"
	idWindows                = "Windows"
	idWindowsPhone           = "WindowsPhone"
	idWindowsPhoneApp        = "WindowsPhoneApp"
	idSilverlight            = "Silverlight"
	idUAP                    = "UAP"
	idDnx                    = "DNX"
	idDnxCore                = "DNXCore"
	idAspNet                 = "ASP.NET"
	idAspNetCore             = "ASP.NETCore"
	idNative                 = "native"
	idTizen                  = "Tizen"
	idMonoAndroid            = "MonoAndroid"
	idMonoTouch              = "MonoTouch"
	idMonoMac                = "MonoMac"
	idXamarinIOS             = "Xamarin.iOS"
	idXamarinMac             = "Xamarin.Mac"
	idXamarinTVOS            = "Xamarin.TVOS"
	idXamarinWatchOS         = "Xamarin.WatchOS"
	idXamarinPlayStation3    = "Xamarin.PlayStation3"
	idXamarinPlayStation4    = "Xamarin.PlayStation4"
	idXamarinPlayStationVita = "Xamarin.PlayStationVita"
	idXamarinXbox360         = "Xamarin.Xbox360"
	idXamarinXboxOne         = "Xamarin.XboxOne"
)

// shortIdentifiers gives each identifier its short name.
var shortIdentifiers = map[string]string{
	idNet:                    "net",
	idNetCoreApp:             "netcoreapp",
	idNetStandard:            "netstandard",
	idNetStandardApp:         "netstandardapp",
	idNetPlatform:            "dotnet",
	idNetCore:                "netcore",
	idNetMicro:               "netmf",
	idNanoFramework:          "netnano",
	idPortable:               "portable",
	idWinRT:                  "winrt",
	idWindows:                "win",
	idWindowsPhone:           "wp",
	idWindowsPhoneApp:        "wpa",
	idSilverlight:            "sl",
	idUAP:                    "uap",
	idDnx:                    "dnx",
	idDnxCore:                "dnxcore",
	idAspNet:                 "aspnet",
	idAspNetCore:             "aspnetcore",
	idNative:                 "native",
	idTizen:                  "tizen",
	idMonoAndroid:            "monoandroid",
	idMonoTouch:              "monotouch",
	idMonoMac:                "monomac",
	idXamarinIOS:             "xamarinios",
	idXamarinMac:             "xamarinmac",
	idXamarinTVOS:            "xamarintvos",
	idXamarinWatchOS:         "xamarinwatchos",
	idXamarinPlayStation3:    "xamarinpsthree",
	idXamarinPlayStation4:    "xamarinpsfour",
	idXamarinPlayStationVita: "xamarinpsvita",
	idXamarinXbox360:         "xamarinxboxthreesixty",
	idXamarinXboxOne:         "xamarinxboxone",
}

// identifiers finds an identifier by any of its names in lower case: the full
// one, the short one, and these others.
var identifiers = func() map[string]string {
	m := map[string]string{
		"netframework":             idNet,
		".net":                     idNet,
		"netcore":                  idNetCore,
		"netportable":              idPortable,
		"xamarin.playstationthree": idXamarinPlayStation3,
		"xamarinplaystationthree":  idXamarinPlayStation3,
		"xamarin.playstationfour":  idXamarinPlayStation4,
		"xamarinplaystationfour":   idXamarinPlayStation4,
		"xamarinplaystationvita":   idXamarinPlayStationVita,
	}
	for identifier, short := range shortIdentifiers {
		m[short] = identifier
		m[FoldID(identifier)] = identifier
	}
	return m
}()

// identifierFor returns the identifier with this name, in any letter case.
func identifierFor(name string) (string, bool) {
	identifier, ok := identifiers[FoldID(name)]
	return identifier, ok
}

func shortIdentifierFor(identifier string) (string, bool) {
	short, ok := shortIdentifiers[identifier]
	return short, ok
}

// The short profile names, which hold for every identifier.
var shortProfiles = []struct{ short, long string }{
	{"Client", "Client"},
	{"CF", "CompactFramework"},
	{"Full", ""},
	{"WP", profileWindowsPhone},
	{"WP71", profileWindowsPhone71},
}

const (
	profileWindowsPhone   = "WindowsPhone"
	profileWindowsPhone71 = "WindowsPhone71"
)

// profileFor returns the profile that a folder name means.
func profileFor(name string) string {
	for _, p := range shortProfiles {
		if strings.EqualFold(name, p.short) || strings.EqualFold(name, p.long) {
			return p.long
		}
	}
	return name
}

// shortProfileFor returns the name of a profile in a folder name.
func shortProfileFor(profile string) string {
	for _, p := range shortProfiles {
		if strings.EqualFold(profile, p.long) || strings.EqualFold(profile, p.short) {
			return p.short
		}
	}
	return profile
}

// frameworkOf makes a framework of an identifier and the numbers of its version.
func frameworkOf(identifier string, numbers ...int32) Framework {
	f := Framework{identifier: identifier}
	copy(f.version[:], numbers)
	return f
}

// Frameworks that several tables name.
var (
	net20  = frameworkOf(idNet, 2)
	net35  = frameworkOf(idNet, 3, 5)
	net40  = frameworkOf(idNet, 4)
	net403 = frameworkOf(idNet, 4, 0, 3)
	net45  = frameworkOf(idNet, 4, 5)
	net451 = frameworkOf(idNet, 4, 5, 1)

	dotnet00 = frameworkOf(idNetPlatform)
	dotnet50 = frameworkOf(idNetPlatform, 5)

	win8  = frameworkOf(idWindows, 8)
	win81 = frameworkOf(idWindows, 8, 1)
	wp7   = frameworkOf(idWindowsPhone, 7)
	wp75  = frameworkOf(idWindowsPhone, 7, 5)
	wp8   = frameworkOf(idWindowsPhone, 8)
	wp81  = frameworkOf(idWindowsPhone, 8, 1)
	wpa81 = frameworkOf(idWindowsPhoneApp, 8, 1)
	sl4   = frameworkOf(idSilverlight, 4)
	sl5   = frameworkOf(idSilverlight, 5)
)

// portableProfile is one of the numbered portable class library profiles.
type portableProfile struct {
	number     int
	frameworks []Framework
	optional   bool  // the portableOptional belong to it too
	standard   int32 // n where a project of this profile accepts .NET Standard 1.0 to 1.n, else -1
}

// portableProfiles lists the profiles in the order in which a list of
// frameworks is held against them.
var portableProfiles = []portableProfile{
	{31, []Framework{win81, wp81}, false, 0},
	{32, []Framework{win81, wpa81}, false, 2},
	{44, []Framework{net451, win81}, true, 2},
	{84, []Framework{wp81, wpa81}, false, 0},
	{151, []Framework{net451, win81, wpa81}, true, 2},
	{157, []Framework{win81, wp81, wpa81}, false, 0},
	{7, []Framework{net45, win8}, true, 1},
	{49, []Framework{net45, wp8}, true, 0},
	{78, []Framework{net45, win8, wp8}, true, 0},
	{111, []Framework{net45, win8, wpa81}, true, 1},
	{259, []Framework{net45, win8, wpa81, wp8}, true, 0},
	{2, []Framework{net40, win8, sl4, wp7}, false, -1},
	{3, []Framework{net40, sl4}, false, -1},
	{4, []Framework{net45, sl4, win8, wp7}, false, -1},
	{5, []Framework{net40, win8}, true, -1},
	{6, []Framework{net403, win8}, true, -1},
	{14, []Framework{net40, sl5}, true, -1},
	{18, []Framework{net403, sl4}, false, -1},
	{19, []Framework{net403, sl5}, true, -1},
	{23, []Framework{net45, sl4}, false, -1},
	{24, []Framework{net45, sl5}, true, -1},
	{36, []Framework{net40, sl4, win8, wp8}, false, -1},
	{37, []Framework{net40, sl5, win8}, true, -1},
	{41, []Framework{net403, sl4, win8}, false, -1},
	{42, []Framework{net403, sl5, win8}, true, -1},
	{46, []Framework{net45, sl4, win8}, false, -1},
	{47, []Framework{net45, sl5, win8}, true, -1},
	{88, []Framework{net40, sl4, win8, wp75}, false, -1},
	{92, []Framework{net40, win8, wpa81}, true, -1},
	{95, []Framework{net403, sl4, win8, wp7}, false, -1},
	{96, []Framework{net403, sl4, win8, wp75}, false, -1},
	{102, []Framework{net403, win8, wpa81}, true, -1},
	{104, []Framework{net45, sl4, win8, wp75}, false, -1},
	{136, []Framework{net40, sl5, win8, wp8}, true, -1},
	{143, []Framework{net403, sl4, win8, wp8}, false, -1},
	{147, []Framework{net403, sl5, win8, wp8}, true, -1},
	{154, []Framework{net45, sl4, win8, wp8}, false, -1},
	{158, []Framework{net45, sl5, win8, wp8}, true, -1},
	{225, []Framework{net40, sl5, win8, wpa81}, true, -1},
	{240, []Framework{net403, sl5, win8, wpa81}, false, -1},
	{255, []Framework{net45, sl5, win8, wpa81}, true, -1},
	{328, []Framework{net40, sl5, win8, wpa81, wp8}, true, -1},
	{336, []Framework{net403, sl5, win8, wpa81, wp8}, true, -1},
	{344, []Framework{net45, sl5, win8, wpa81, wp8}, true, -1},
}

// portableOptional are the frameworks that work with most profiles and need not
// be named for a list to be one of them.
var portableOptional = []Framework{
	frameworkOf(idMonoAndroid), frameworkOf(idMonoTouch), frameworkOf(idXamarinIOS),
	frameworkOf(idXamarinMac), frameworkOf(idXamarinWatchOS), frameworkOf(idXamarinTVOS),
}

// profileNumber returns the number of the profile that a list of frameworks is.
func profileNumber(list []Framework) (int, bool) {
	var distinct []Framework // without frameworks that equal an earlier one
	for _, f := range list {
		if !slices.ContainsFunc(distinct, f.equivalent) {
			distinct = append(distinct, f)
		}
	}
	for _, p := range portableProfiles {
		if p.matches(distinct) {
			return p.number, true
		}
	}
	return 0, false
}

// matches reports whether the list, optional frameworks apart, is the profile.
// No two frameworks of the list are equivalent, nor two of the profile.
func (p portableProfile) matches(list []Framework) bool {
	required := 0
	for _, f := range list {
		switch {
		case slices.ContainsFunc(p.frameworks, f.equivalent):
			required++
		case !p.optional || f.profile != "" || !slices.ContainsFunc(portableOptional, f.sameIdentifier):
			return false
		}
	}
	return required == len(p.frameworks)
}

// profileByNumber returns the profile of a name such as "Profile7". isNumber
// tells a number that no profile has from a name that is none.
func profileByNumber(name string) (p portableProfile, found, isNumber bool) {
	const prefix = "profile"
	if !hasPrefixFold(name, prefix) {
		return portableProfile{}, false, false
	}
	number, isNumber := parseInt(name[len(prefix):])
	i := slices.IndexFunc(portableProfiles, func(p portableProfile) bool { return p.number == int(number) })
	if !isNumber || i < 0 {
		return portableProfile{}, false, isNumber
	}
	return portableProfiles[i], true, true
}

// portableFrameworks returns the frameworks of a portable f, with or without
// those that are optional in its numbered profile; none when there is no such
// profile.
func (f Framework) portableFrameworks(optional bool) ([]Framework, error) {
	p, found, isNumber := profileByNumber(f.profile)
	switch {
	case found && optional && p.optional:
		return slices.Concat(p.frameworks, portableOptional), nil
	case found:
		return p.frameworks, nil
	case isNumber:
		return nil, nil
	}
	return parsePortableList(f.profile)
}

// joinShortNames prints the distinct frameworks of a portable profile.
func joinShortNames(list []Framework) string {
	var names []string
	for i, f := range list {
		if !slices.ContainsFunc(list[:i], f.Equal) {
			names = append(names, f.String())
		}
	}
	slices.SortStableFunc(names, compareFold)
	return strings.Join(names, "+")
}
