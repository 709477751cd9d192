package ui

import (
	"fmt"
	"net/url"
	"strings"
)

// step is one numbered step of ConnectPage.
type step struct {
	// Text is a sentence; the steps of clients with windows have only that.
	Text     string
	Commands []command
	// Notes are sentences under the commands.
	Notes []string
	// Facts are names and values to type into a window.
	Facts []fact
}

// fact is a name with a value that can be copied.
type fact struct{ Name, Value string }

// connectTab is a client on ConnectPage.
type connectTab struct{ Key, Label string }

var connectTabs = []connectTab{
	{ClientDotnet, ".NET CLI"},
	{ClientNuGet, "nuget.exe"},
	{ClientVisualStudio, "Visual Studio"},
	{ClientRider, "Rider"},
	{ClientPaket, "Paket"},
	{ClientConfig, "nuget.config"},
	{ClientGitHub, "GitHub Actions"},
	{ClientGitLab, "GitLab CI"},
}

// connection holds the values that the commands of every client are made of.
type connection struct {
	client  string
	source  string // name of the source
	index   string
	push    string
	plain   bool // served by plain HTTP
	private bool
	user    string
	key     string // the key, or a placeholder
	key0    *NewKey
	example string
	secret  string // name of the variable that holds a key in builds
}

// placeholderKey stands for a key that the page does not know.
const placeholderKey = "YOUR_API_KEY"

func connect(p ConnectPage) connection {
	c := connection{client: ClientDotnet, source: p.Source, index: p.Index, push: p.Push,
		plain: plainHTTP(p.Index), private: p.Private, user: "YOUR_NAME", key: placeholderKey, key0: p.Key, example: p.Example}
	for _, t := range connectTabs {
		if t.Key == p.Client {
			c.client = t.Key
		}
	}
	if c.source == "" {
		c.source = SourceName(p.Brand, p.Feed)
	}
	if p.User != nil {
		c.user = p.User.Name
	}
	if p.Key != nil {
		c.key = p.Key.Value
	}
	if c.example == "" {
		c.example = "YOUR.PACKAGE"
	}
	c.secret = variableName(c.source) + "_KEY"
	return c
}

func plainHTTP(index string) bool { return strings.HasPrefix(strings.ToLower(index), "http://") }

// SourceName makes a name for a source from the gallery's brand and the feed:
// small letters, digits and underscores, beginning with a letter. A shell can
// then set NuGetPackageSourceCredentials_NAME, and nuget.config needs no encoded
// element name.
func SourceName(brand, feed string) string {
	name := slug(brand)
	if name == "" {
		name = "nougat"
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "feed_" + name
	}
	if feed = slug(feed); feed != "" && feed != "main" {
		name += "_" + feed
	}
	return name
}

func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}

// variableName makes a source's name fit for an environment variable.
func variableName(source string) string {
	name := strings.ToUpper(slug(source))
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "FEED_" + name
	}
	return name
}

// xmlName writes a source's name as the name of an XML element, as NuGet does
// for packageSourceCredentials: every character that a name may not hold becomes
// _xHHHH_, and an underscore that would read as such a code is encoded too.
func xmlName(source string) string {
	var b strings.Builder
	runes := []rune(source)
	plain := len(runes) > 0
	for i, r := range runes {
		plain = plain && isNameRune(r, i == 0)
	}
	if plain {
		return source
	}
	for i, r := range runes {
		switch {
		case r == '_' && looksEncoded(runes[i:]):
			b.WriteString("_x005F_")
		case isNameRune(r, i == 0):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, "_x%08X_", r)
		default:
			fmt.Fprintf(&b, "_x%04X_", r)
		}
	}
	return b.String()
}

// isNameRune covers the ASCII part of XML's names; other letters are encoded,
// which reads back the same.
func isNameRune(r rune, first bool) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		return true
	case r >= '0' && r <= '9', r == '-', r == '.':
		return !first
	}
	return false
}

func looksEncoded(r []rune) bool {
	if len(r) < 7 || r[1] != 'x' || r[6] != '_' {
		return false
	}
	for _, d := range r[2:6] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", d) {
			return false
		}
	}
	return true
}

// shellWord quotes a value for a command line where it needs it; double quotes
// are read alike by sh, PowerShell and cmd.
func shellWord(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-./:@%+=,~*", r) {
			return `"` + strings.NewReplacer(`"`, "", "$", "", "`", "", `\`, "").Replace(s) + `"`
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// insecure is the flag that today's dotnet wants for plain HTTP (PROTO-11.3 and PROTO-14).
func (c connection) insecure(flag string) string {
	if c.plain {
		return " " + flag
	}
	return ""
}

func (c connection) dotnetAdd(user, key string) string {
	s := "dotnet nuget add source " + shellWord(c.index) + " --name " + shellWord(c.source)
	if c.private {
		s += " --username " + shellWord(user) + " --password " + shellWord(key) + " --store-password-in-clear-text"
	}
	return s + c.insecure("--allow-insecure-connections")
}

// pushText says what the step that publishes is about, and whose key it shows.
func (c connection) pushText() string {
	switch {
	case c.key0 == nil:
		return "Pack and publish, with an API key of yours."
	case c.key0.Expires.IsZero():
		return "Pack and publish. This key is yours and is shown only now."
	}
	return "Pack and publish. This key is yours and is shown only now; it expires on " + longDate(c.key0.Expires) + "."
}

// steps are the steps of the chosen client.
func (c connection) steps() []step {
	switch c.client {
	case ClientNuGet:
		return c.nugetSteps()
	case ClientVisualStudio:
		return c.visualStudioSteps()
	case ClientRider:
		return c.riderSteps()
	case ClientPaket:
		return c.paketSteps()
	case ClientConfig:
		return c.configSteps()
	case ClientGitHub:
		return c.githubSteps()
	case ClientGitLab:
		return c.gitlabSteps()
	}
	return c.dotnetSteps()
}

func (c connection) dotnetSteps() []step {
	add := step{Text: "Add it as a source, once for each computer.",
		Commands: []command{{Prompt: "$", Text: c.dotnetAdd(c.user, c.key)}}}
	if c.private {
		add.Notes = []string{"On Windows, leave out --store-password-in-clear-text: the key is then stored encrypted."}
	}
	return []step{add,
		{Text: c.pushText(), Commands: []command{{Prompt: "$", Text: "dotnet pack --configuration Release\n" +
			"dotnet nuget push bin/Release/*.nupkg --source " + shellWord(c.source) + " --api-key " + c.key}}},
		{Text: "Use it.", Commands: []command{{Prompt: "$", Text: "dotnet add package " + c.example}}},
	}
}

func (c connection) nugetSteps() []step {
	add := "nuget sources add -Name " + shellWord(c.source) + " -Source " + shellWord(c.index)
	if c.private {
		add += " -Username " + shellWord(c.user) + " -Password " + shellWord(c.key)
	}
	first := step{Text: "Add it as a source, once for each computer.",
		Commands: []command{{Prompt: ">", Text: add + c.insecure("-AllowInsecureConnections")}}}
	if c.plain {
		first.Notes = append(first.Notes, "nuget.exe before 6.11 does not know -AllowInsecureConnections and does not need it: leave it out there.")
	}
	if c.private {
		first.Notes = append(first.Notes, "On Linux and macOS (mono), add -StorePasswordInClearText.")
	}
	return []step{first,
		{Text: c.pushText(), Commands: []command{{Prompt: ">", Text: "nuget pack\n" +
			"nuget push *.nupkg -Source " + shellWord(c.source) + " -ApiKey " + c.key}}},
		{Text: "Use it.", Commands: []command{{Prompt: ">", Text: "nuget install " + c.example}}},
	}
}

func (c connection) visualStudioSteps() []step {
	add := step{Text: "Add a source with the plus sign.",
		Facts: []fact{{"Name", c.source}, {"Source", c.index}}}
	if c.plain {
		add.Notes = []string{"It is served by plain HTTP: tick Allow insecure connections. Older versions ask about it when you save."}
	}
	last := step{Text: "Choose it under Package source in the NuGet Package Manager, and browse."}
	if c.private {
		last.Notes = []string{"Visual Studio asks for a name and a password at the first use: your name here, and an API key with the scope Read as the password."}
		if c.key0 != nil {
			last.Facts = []fact{{"Name", c.user}, {"Password", c.key}}
		}
	}
	return []step{{Text: "Open Tools, Options, NuGet Package Manager, Package Sources."}, add, last}
}

func (c connection) riderSteps() []step {
	facts := []fact{{"Name", c.source}, {"URL", c.index}}
	add := step{Text: "Add a feed with the plus sign."}
	if c.private {
		facts = append(facts, fact{"User", c.user}, fact{"Password", c.key})
	}
	add.Facts = facts
	steps := []step{{Text: "Open the NuGet tool window, tab Sources, and choose the nuget.config to write to."}, add}
	if c.plain {
		steps = append(steps, step{Text: "It is served by plain HTTP: add allowInsecureConnections to the line that Rider wrote into nuget.config.",
			Commands: []command{{Caption: "nuget.config", Text: c.addElement()}}})
	}
	return append(steps, step{Text: "Choose it as the feed in the tab Packages, and search."})
}

func (c connection) paketSteps() []step {
	first := step{Text: "Name it in paket.dependencies.",
		Commands: []command{{Caption: "paket.dependencies", Text: "source " + c.index + "\n\nnuget " + c.example}}}
	steps := []step{first}
	if c.private {
		steps = append(steps, step{Text: "Give Paket the credentials, once for each computer.",
			Commands: []command{{Prompt: "$", Text: "paket config add-credentials " + shellWord(c.index) +
				" --username " + shellWord(c.user) + " --password " + shellWord(c.key)}}})
	}
	site, endpoint := splitPush(c.push)
	return append(steps,
		step{Text: c.pushText(), Commands: []command{{Prompt: "$", Text: "paket pack out\npaket push --url " + shellWord(site) +
			" --endpoint " + shellWord(endpoint) + " --api-key " + c.key + " out/YOUR.PACKAGE.1.0.0.nupkg"}}},
		step{Text: "Use it.", Commands: []command{{Prompt: "$", Text: "paket install"}}})
}

// splitPush divides the push address for Paket, which wants the site and the
// path apart and adds no slash between them.
func splitPush(push string) (site, endpoint string) {
	u, err := url.Parse(push)
	if err != nil || u.Host == "" {
		return push, "/"
	}
	return u.Scheme + "://" + u.Host, u.EscapedPath()
}

// addElement is the line of the source in nuget.config.
func (c connection) addElement() string {
	s := `<add key="` + xmlEscaper.Replace(c.source) + `" value="` + xmlEscaper.Replace(c.index) + `"`
	if c.plain {
		s += ` allowInsecureConnections="true"`
	}
	return s + " />"
}

func (c connection) configSteps() []step {
	text := "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <packageSources>\n    " + c.addElement() + "\n  </packageSources>\n"
	if c.private {
		text += indent(c.credentials("%"+c.secret+"%"), "  ") + "\n"
	}
	text += "</configuration>"
	steps := []step{{Text: "Put this beside the solution, so that everybody who builds it has the source.",
		Commands: []command{{Caption: "nuget.config", Text: text}}}}
	if c.private {
		steps = append(steps, step{Text: "Set " + c.secret + " to an API key with the scope Read, on each computer that builds. The file itself holds no secret and can be checked in.",
			Commands: []command{
				{Caption: "Linux, macOS", Prompt: "$", Text: "export " + c.secret + "=" + c.key},
				{Caption: "PowerShell", Prompt: "PS>", Text: "$env:" + c.secret + ` = "` + c.key + `"`},
			}})
	}
	return append(steps, step{Text: "Restore as always.", Commands: []command{{Prompt: "$", Text: "dotnet restore"}}})
}

// credentials is the packageSourceCredentials block with a key as the password.
func (c connection) credentials(password string) string {
	name := xmlName(c.source)
	return "<packageSourceCredentials>\n  <" + name + ">\n    <add key=\"Username\" value=\"" + xmlEscaper.Replace(c.user) +
		"\" />\n    <add key=\"ClearTextPassword\" value=\"" + xmlEscaper.Replace(password) + "\" />\n  </" + name + ">\n</packageSourceCredentials>"
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// credentialsVariable is the name of the variable in which NuGet looks for the
// credentials of the source. It holds the source's name as it is, not encoded.
func (c connection) credentialsVariable() string { return "NuGetPackageSourceCredentials_" + c.source }

// credentialsValue is that variable's value.
func (c connection) credentialsValue(key string) string {
	return "Username=" + c.user + ";Password=" + key
}

// settable says whether a shell can set credentialsVariable.
func (c connection) settable() bool {
	for _, r := range c.source {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return c.source != ""
}

// openAdd is the command that adds the source without credentials: builds have
// them in a variable.
func (c connection) openAdd() string {
	c.private = false
	return c.dotnetAdd("", "")
}

func (c connection) githubSteps() []step {
	key := "${{ secrets." + c.secret + " }}"
	job := "runs-on: ubuntu-latest\n"
	if c.private {
		job += "env:\n  " + yamlKey(c.credentialsVariable()) + ": " + c.credentialsValue(key) + "\n"
	}
	job += "steps:\n  - uses: actions/checkout@v5\n  - uses: actions/setup-dotnet@v5\n    with:\n      dotnet-version: 10.0.x\n" +
		"  - run: " + c.openAdd() + "\n" +
		"  - run: dotnet restore\n" +
		"  - run: dotnet pack --configuration Release --output out\n" +
		"  - run: dotnet nuget push \"out/*.nupkg\" --source " + shellWord(c.source) + " --api-key " + key + " --skip-duplicate"
	return []step{
		{Text: "Make an API key for the repository, and keep it in its settings under Secrets and variables, Actions.",
			Facts: c.secretFacts()},
		{Text: "Restore and publish in a job of the workflow.",
			Commands: []command{{Caption: ".github/workflows/publish.yml, inside a job", Text: job}},
			Notes:    []string{"The runner must be able to reach " + hostOf(c.index) + "."}},
	}
}

func (c connection) gitlabSteps() []step {
	job := "publish:\n"
	if c.private {
		job += "  variables:\n    " + yamlKey(c.credentialsVariable()) + ": \"" + c.credentialsValue("$"+c.secret) + "\"\n"
	}
	job += "  script:\n    - " + c.openAdd() + "\n    - dotnet restore\n    - dotnet pack --configuration Release --output out\n" +
		"    - dotnet nuget push \"out/*.nupkg\" --source " + shellWord(c.source) + " --api-key \"$" + c.secret + "\" --skip-duplicate"
	return []step{
		{Text: "Make an API key for the project, and keep it in its settings under CI/CD, Variables: masked, and protected when only protected branches publish.",
			Facts: c.secretFacts()},
		{Text: "Restore and publish in a job whose image holds the .NET SDK.",
			Commands: []command{{Caption: ".gitlab-ci.yml", Text: job}},
			Notes:    []string{"The runner must be able to reach " + hostOf(c.index) + "."}},
	}
}

func (c connection) secretFacts() []fact {
	facts := []fact{{"Name", c.secret}}
	if c.key0 != nil {
		facts = append(facts, fact{"Value", c.key})
	}
	return facts
}

func yamlKey(s string) string {
	if strings.ContainsAny(s, " :#") {
		return `"` + s + `"`
	}
	return s
}

func hostOf(index string) string {
	u, err := url.Parse(index)
	if err != nil || u.Host == "" {
		return index
	}
	return u.Host
}

// mapping is the package source mapping that takes the feed's own names from the
// feed and from nowhere else.
func (c connection) mapping(patterns []string) string {
	var b strings.Builder
	b.WriteString("<packageSourceMapping>\n  <packageSource key=\"" + xmlEscaper.Replace(c.source) + "\">\n")
	for _, p := range patterns {
		b.WriteString("    <package pattern=\"" + xmlEscaper.Replace(p) + "\" />\n")
	}
	b.WriteString("  </packageSource>\n  <packageSource key=\"nuget.org\">\n    <package pattern=\"*\" />\n  </packageSource>\n</packageSourceMapping>")
	return b.String()
}

// connectView is what the template of ConnectPage shows beside the page itself.
type connectView struct {
	Tabs  []connectTab
	Tab   connectTab
	Steps []step
	Plain bool
	// Source is the name of the source as shown.
	Source string
	// Others are the other clients, while a key is shown that another page would
	// not show again.
	Others []otherClient
	// HasCredentials and HasMapping say which sections under the steps are of use
	// to this client: the steps of some give the credentials already, and Paket
	// has no source mapping.
	HasCredentials, HasMapping bool
	// Config and Variable are the two ways to give credentials to a private feed.
	Config   command
	Variable []command
	// VariableName is the variable's name when no shell can set it, else "".
	VariableName string
	Mapping      command
	// Example says that the pattern in Mapping is only an example.
	Example  bool
	Patterns []string
}

// otherClient is a client that is not chosen.
type otherClient struct {
	Label string
	Steps []step
}

func viewConnect(p ConnectPage) connectView {
	c := connect(p)
	v := connectView{Tabs: connectTabs, Steps: c.steps(), Plain: c.plain, Source: c.source, Patterns: p.Patterns}
	for _, t := range connectTabs {
		if t.Key == c.client {
			v.Tab = t
		} else if p.Key != nil {
			other := c
			other.client = t.Key
			v.Others = append(v.Others, otherClient{t.Label, other.steps()})
		}
	}
	v.HasMapping = c.client != ClientPaket
	v.HasCredentials = p.Private && (c.client == ClientDotnet || c.client == ClientNuGet || c.client == ClientVisualStudio)
	if v.HasCredentials {
		v.Config = command{Caption: "nuget.config", Text: c.credentials(c.key)}
		if c.settable() {
			v.Variable = []command{
				{Caption: "Linux, macOS", Prompt: "$", Text: "export " + c.credentialsVariable() + `="` + c.credentialsValue(c.key) + `"`},
				{Caption: "PowerShell", Prompt: "PS>", Text: "$env:" + c.credentialsVariable() + ` = "` + c.credentialsValue(c.key) + `"`},
			}
		} else {
			v.VariableName = c.credentialsVariable()
		}
	}
	if len(v.Patterns) == 0 {
		v.Patterns, v.Example = []string{"Contoso.*"}, true
	}
	v.Mapping = command{Caption: "nuget.config", Text: c.mapping(v.Patterns)}
	return v
}

// keyCommands are what a key made a moment ago is used for: to add the source,
// and to publish where it may. They stand beside the key, since another page
// would not show it again.
func keyCommands(p KeysPage) []command {
	c := connect(ConnectPage{Frame: p.Frame, Source: p.Source, Index: p.Index, Private: p.Private || !p.New.MayPush, Key: p.New})
	commands := []command{{Caption: "Add the source, once for each computer", Prompt: "$", Text: c.dotnetAdd(c.user, c.key)}}
	if p.New.MayPush {
		commands = append(commands, command{Caption: "Publish", Prompt: "$",
			Text: "dotnet nuget push bin/Release/*.nupkg --source " + shellWord(c.source) + " --api-key " + c.key})
	}
	return commands
}
