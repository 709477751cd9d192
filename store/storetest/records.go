package storetest

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// noon is the time of the sample records, with nanoseconds.
var noon = time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)

// Version parses a version or fails the test.
func Version(t testing.TB, s string) nuget.Version {
	t.Helper()
	v, err := nuget.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Hash is the SHA-512 of a text.
func Hash(text string) gallery.Hash { return sha512.Sum512([]byte(text)) }

// Release is a release with something in every field.
func Release(t testing.TB, id nuget.ID, version string) *gallery.Release {
	t.Helper()
	v := Version(t, version)
	return &gallery.Release{
		Head: gallery.Head{
			ID: id, Version: v, Listed: true, SemVer2: v.IsSemVer2(), Signed: true, Rev: 7,
			Published: noon, Edited: noon.Add(time.Hour), Size: 123456,
			Blob: Hash(string(id) + version), Received: Hash("received " + string(id) + version),
			Pusher: 3, PushKey: "AbCd1234",
		},
		Meta: gallery.Metadata{
			Title: "Title of " + string(id), Authors: "Ann, Bob", Description: "What it does.\nSecond line: äöü 漢字 🎁.", Summary: "Short",
			Copyright: "© 2024 Contoso", Language: "en-US", Tags: []string{"json", "Größe"},
			ProjectURL: "https://example.org/p", IconURL: "https://example.org/i.png", LicenseURL: "https://licenses.nuget.org/MIT",
			IconFile: "images/icon.png", ReadmeFile: "README.md", LicenseFile: "LICENSE", LicenseExpression: "MIT OR Apache-2.0",
			MinClientVersion: "2.12", RequireLicenseAcceptance: true, DevelopmentDependency: true,
			Repository: &nuget.Repository{Type: "git", URL: "https://github.com/c/c", Branch: "main", Commit: "99a4dcece8e10c8bedf0871ac4cdb8650f2b649a"},
			Types:      []nuget.PackageType{{Name: "Dependency"}, {Name: "DotnetTool", Version: "1.0"}},
			Dependencies: []gallery.DependencyGroup{
				{Framework: "net8.0", Dependencies: []gallery.Dependency{{ID: "Newtonsoft.Json", Range: "[13.0.3, )"}, {ID: "Serilog", Range: "(, )"}}},
				{Framework: ".NETStandard2.0"},
				{Dependencies: []gallery.Dependency{{ID: "X"}}},
			},
			FrameworkReferences: []gallery.NameGroup{{Framework: "net8.0", Names: []string{"Microsoft.AspNetCore.App"}}},
			FrameworkAssemblies: []gallery.NameGroup{{Framework: "net45", Names: []string{"System.Xml", "System.Net"}}, {}},
			Frameworks:          []string{"net8.0", "netstandard2.0", "net45"},
		},
	}
}

// Package is a package with something in every field.
func Package(t testing.TB, id nuget.ID, owners ...gallery.AccountNo) *gallery.Package {
	t.Helper()
	return &gallery.Package{
		ID: id, Owners: owners, Locked: true, Rev: 1 << 40, Versions: 12,
		Latest: [4]nuget.Version{{}, Version(t, "2.0.0-beta"), Version(t, "1.2.3"), Version(t, "2.0.0-Beta.2+meta")},
	}
}

// Card is a card with something in every field.
func Card(t testing.TB, id nuget.ID) *gallery.Card {
	t.Helper()
	face := func(version string) gallery.Face {
		return gallery.Face{
			Version: Version(t, version), Title: "Title", Description: "What it does: äöü", Summary: "Short", Authors: "Ann",
			Tags: []string{"a", "b"}, ProjectURL: "https://example.org", IconURL: "https://example.org/i", LicenseURL: "https://example.org/l",
			HasIcon: true, HasLicenseFile: true, Types: []string{"Dependency"}, Frameworks: []string{"net8.0"}, Published: noon,
		}
	}
	second := face("2.0.0-beta.1")
	second.Title, second.Tags, second.Types, second.HasIcon = "", nil, []string{"DotnetTool"}, false
	third := face("3.0.0-rc")
	third.Summary = ""
	return &gallery.Card{
		ID: id, Owners: []gallery.AccountNo{9, 4}, Rev: 77,
		Faces: []gallery.Face{face("1.0.0"), second, third},
		Shown: [4]int8{0, 2, -1, 1},
		Versions: []gallery.CardVersion{
			{Version: Version(t, "1.0.0")}, {Version: Version(t, "2.0.0-beta.1"), SemVer2: true}, {Version: Version(t, "3.0.0-rc")},
		},
	}
}

// Account is an account with something in every field but its number.
func Account(name string) *gallery.Account {
	return &gallery.Account{
		Kind: gallery.Organisation, Name: name, Email: name + "@example.org", Password: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		Admin: true, Locked: true, Created: noon, Credentials: 300,
	}
}

// Key is an API key with something in every field.
func Key(id string, owner gallery.AccountNo) *gallery.Key {
	return &gallery.Key{
		ID: id, Hash: sha256.Sum256([]byte(id)), Owner: owner, Creator: owner + 1, Feed: 2, Name: "made by hand",
		Scopes: gallery.ScopePush | gallery.ScopeRead, Packages: []string{"Contoso.*", "*"}, Days: 365,
		Created: noon, Expires: noon.AddDate(1, 0, 0), Revoked: noon.Add(time.Minute),
	}
}

// Session is a session with something in every field.
func Session(token string, account gallery.AccountNo) *gallery.Session {
	return &gallery.Session{
		Hash: sha256.Sum256([]byte(token)), Account: account, Created: noon, Seen: noon.Add(time.Second),
		Expires: noon.Add(time.Hour), Addr: "192.0.2.1:5000", Client: fmt.Sprintf("Browser of %s", token), Credentials: 5,
	}
}
