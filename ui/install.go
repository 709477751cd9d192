package ui

import "strings"

// command is something to type or to paste, shown in a command box.
type command struct {
	// Caption says where it goes, "" for nothing to say.
	Caption string
	// Prompt stands before each line and is never copied: "$", "PM>" or "" for
	// text of a file.
	Prompt string
	Text   string
}

// Lines are the lines of the command.
func (c command) Lines() []string { return strings.Split(c.Text, "\n") }

// Block says that the command is a piece of a file, whose lines are not broken.
func (c command) Block() bool { return c.Prompt == "" }

// installTab is one way to use a package.
type installTab struct {
	Key, Label string
	Commands   []command
	// Note is a sentence under the commands.
	Note string
}

// installTabs are the ways to use a version, by its package types (UX-05). The
// commands name no source: --source would restrict the restore to this
// feed, and dependencies from elsewhere would not be found.
func installTabs(id, version string, types []string, development bool) []installTab {
	has := func(name string) bool {
		for _, t := range types {
			if strings.EqualFold(t, name) {
				return true
			}
		}
		return false
	}
	var tabs []installTab
	if has("DotnetTool") {
		tabs = append(tabs,
			installTab{Key: "global", Label: "Global tool", Note: "Installs the tool for you, in every folder.",
				Commands: []command{{Prompt: "$", Text: "dotnet tool install --global " + id + " --version " + version}}},
			installTab{Key: "local", Label: "Local tool", Note: "The first line is needed once for each repository.",
				Commands: []command{{Prompt: "$", Text: "dotnet new tool-manifest\ndotnet tool install --local " + id + " --version " + version}}})
	}
	if has("Template") {
		tabs = append(tabs, installTab{Key: "template", Label: "Template", Note: "Before the .NET SDK 9.0.200, write :: in place of @. From a source by plain HTTP, add --force.",
			Commands: []command{{Prompt: "$", Text: "dotnet new install " + id + "@" + version}}})
	}
	if has("DotnetToolRidPackage") {
		tabs = append(tabs, installTab{Key: "platform", Label: "Part of a tool", Note: "Holds a tool for one platform. Install the tool's own package: it brings this one where it fits."})
	}
	if has("MSBuildSdk") {
		tabs = append(tabs, sdkTab(id, version))
	}
	if len(tabs) == 0 || has("Dependency") {
		tabs = append(tabs, libraryTabs(id, version, development)...)
	}
	return tabs
}

func sdkTab(id, version string) installTab {
	return installTab{Key: "sdk", Label: "MSBuild SDK", Commands: []command{
		{Caption: "In the project file", Text: `<Sdk Name="` + id + `" Version="` + version + `" />`},
		{Caption: "Or once for a whole repository, in global.json", Text: "{\n  \"msbuild-sdks\": {\n    \"" + id + "\": \"" + version + "\"\n  }\n}"},
	}}
}

func libraryTabs(id, version string, development bool) []installTab {
	reference := `<PackageReference Include="` + id + `" Version="` + version + `" />`
	central := `<PackageReference Include="` + id + `" />`
	if development {
		assets := ">\n  <PrivateAssets>all</PrivateAssets>\n" +
			"  <IncludeAssets>runtime; build; native; contentfiles; analyzers; buildtransitive</IncludeAssets>\n</PackageReference>"
		reference = `<PackageReference Include="` + id + `" Version="` + version + `"` + assets
		central = `<PackageReference Include="` + id + `"` + assets
	}
	return []installTab{
		{Key: "dotnet", Label: ".NET CLI",
			Commands: []command{{Prompt: "$", Text: "dotnet add package " + id + " --version " + version}}},
		{Key: "reference", Label: "PackageReference",
			Commands: []command{{Caption: "In the project file", Text: reference}}},
		{Key: "central", Label: "Central versions",
			Commands: []command{
				{Caption: "In Directory.Packages.props", Text: `<PackageVersion Include="` + id + `" Version="` + version + `" />`},
				{Caption: "In the project file", Text: central},
			}},
		{Key: "console", Label: "Package Manager", Note: "In the Package Manager Console of Visual Studio.",
			Commands: []command{{Prompt: "PM>", Text: `NuGet\Install-Package ` + id + " -Version " + version}}},
		{Key: "paket", Label: "Paket",
			Commands: []command{{Prompt: "$", Text: "paket add " + id + " --version " + version}}},
		{Key: "script", Label: "Script & file-based",
			Commands: []command{
				{Caption: "In a C# or F# script", Text: `#r "nuget: ` + id + ", " + version + `"`},
				{Caption: "At the top of a file-based app (dotnet run app.cs)", Text: "#:package " + id + "@" + version},
			}},
	}
}

// pick finds the tab with this key, or the first.
func pick(tabs []installTab, key string) installTab {
	for _, t := range tabs {
		if strings.EqualFold(t.Key, key) {
			return t
		}
	}
	return tabs[0]
}
