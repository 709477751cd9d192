package server_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"nougat/gallery"
	"nougat/internal/need"
	"nougat/internal/pack"
	"nougat/server"
)

var pictures = flag.String("pictures", "", "a folder for pictures of every page, in both themes, on a desktop and a phone")

// A tab is a browser's tab on a website. Whatever the browser objects to, and
// every request that leaves the host, fails the test.
type tab struct {
	context.Context
	t    *testing.T
	site string
	mu   sync.Mutex
	bad  []string
}

func (w *website) tab(t *testing.T) *tab {
	t.Helper()
	program := need.Tool(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.UserDataDir(t.TempDir()))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, t: t, site: w.url}
	if err := chromedp.Do(ctx); err != nil {
		need.Missing(t, "chromium", err.Error())
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *browserlog.EventEntryAdded: // breaches of the policy, too
			// That a page is an error is said by the test, not by its status.
			if e.Entry.Source != "network" || !strings.HasPrefix(e.Entry.URL, b.site+"/") {
				b.complain("%s: %s", e.Entry.Source, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			b.complain("script: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.complain("console: %s", e.Type)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, b.site+"/") {
				b.complain("a request to %s", e.Request.URL)
			}
		case *network.EventResponseReceived:
			if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
				b.complain("%s answers %d", e.Response.URL, e.Response.Status)
			}
		}
	})
	b.must(err)
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	_, err = chromedp.Call(ctx, browserlog.Enable, cdp.Empty{})
	b.must(err)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, what := range b.bad {
			t.Error(what)
		}
	})
	return b
}

func (b *tab) complain(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = append(b.bad, fmt.Sprintf(format, args...))
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b, steps...))
}

func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

// window sets size and theme.
func (b *tab) window(width, height int64, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 720})
	b.must(err)
	_, err = chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.must(err)
}

func evaluate[T any](b *tab, script string) T {
	b.t.Helper()
	got, err := chromedp.Run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	b.must(err)
	return got
}

// until waits for a script to be true; between two pages it may fail.
func (b *tab) until(script string) {
	b.t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		if is, err := chromedp.Run(b, chromedp.Evaluate[bool](script)); err == nil && is {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("never true: %s\nat %s", script, evaluate[string](b, "location.href + ' ' + document.body.innerText"))
}

// heading waits for the page whose heading begins so.
func (b *tab) heading(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.readyState === "complete" && (document.querySelector("h1")?.innerText ?? "").startsWith(%q)`, text))
}

// press types one key as a keyboard does: a page that takes the key for itself
// keeps its character from being typed.
func (b *tab) press(key, code string, number int64) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{"rawKeyDown", "char", "keyUp"} {
		event := input.DispatchKeyEventParams{Type: kind, Key: key, Code: code, WindowsVirtualKeyCode: number}
		if kind == "char" {
			event.Text, event.UnmodifiedText = key, key
		}
		_, err := chromedp.Call(b, input.DispatchKeyEvent, event)
		b.must(err)
	}
}

// narrow fails when the page scrolls sideways in a window of 320 px.
func (b *tab) narrow() {
	b.t.Helper()
	b.window(320, 640, "light")
	if wide := evaluate[int](b, "document.documentElement.scrollWidth"); wide > 320 {
		b.t.Errorf("%s is %d px wide in a window of 320 px", evaluate[string](b, "location.pathname"), wide)
	}
	b.window(1200, 900, "light")
}

// A person sets the gallery up, connects, looks for a package, makes and revokes
// a key and signs out, in a real browser.
func TestBrowserFlows(t *testing.T) {
	w := openWebsite(t, func(_ *gallery.Options, o *server.Options) { o.Brand = "" })
	b := w.tab(t)
	b.window(1200, 900, "light")
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: w.url})
		b.must(err)
	}

	b.open("/setup/" + setupToken)
	b.heading("Set up")
	b.narrow()
	b.do(chromedp.SendKeys(chromedp.CSS("#f-name"), "ann"), chromedp.SendKeys(chromedp.CSS("#f-password"), annPassword),
		chromedp.Clear(chromedp.CSS("#f-brand")), chromedp.SendKeys(chromedp.CSS("#f-brand"), "Contoso packages"), chromedp.Click(chromedp.CSS("button.primary")))
	b.heading("Your gallery is ready")
	b.narrow()
	push := evaluate[string](b, `[...document.querySelectorAll(".command code")].find(c => c.textContent.includes("push")).textContent`)
	if !keyForm.MatchString(push) {
		t.Fatalf("the push command is %q", push)
	}
	evaluate[bool](b, `[...document.querySelectorAll(".command")].find(c => c.textContent.includes("push")).querySelector("button.copy").click(), true`)
	b.until(`[...document.querySelectorAll("button.copy")].some(b => b.textContent === "Copied")`)
	if got := evaluate[string](b, "navigator.clipboard.readText()"); got != push || strings.HasPrefix(got, "$") {
		t.Errorf("copied %q, want %q", got, push)
	}

	b.do(chromedp.Click(chromedp.CSS("details.fold summary"))) // another client, without losing the key
	key := keyForm.FindString(push)
	b.until(fmt.Sprintf(`document.querySelector("details.fold[open]").innerText.includes(%q)`, key))
	b.narrow()

	ann := w.person("ann")
	w.publish(ann, w.main, library("3.2.0", ""), library("4.0.0-beta.2", ""), icon("Contoso.Icon", "1.0.0"))
	b.open("/")
	b.heading("Contoso packages")
	b.narrow()
	b.press("/", "Slash", 191)
	b.until(`document.activeElement.id === "q" && document.activeElement.value === ""`)
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "tables"+kb.Enter))
	b.heading("1 package for “tables”")
	b.narrow()
	b.do(chromedp.Click(chromedp.CSS(".row h2 a")))
	b.heading("Contoso.Text.Tables")
	for _, show := range []string{"readme", "dependencies", "versions", "frameworks", "notes"} {
		b.open("/packages/Contoso.Text.Tables?show=" + show)
		b.heading("Contoso.Text.Tables")
		b.narrow()
	}
	b.open("/packages/Contoso.Text.Tables/3.2.0/license")
	b.narrow()
	b.open("/packages/Contoso.Text.Table")
	b.heading("Contoso.Text.Table is not here")
	b.narrow()

	b.open("/account/apikeys")
	b.heading("API keys")
	b.do(chromedp.SendKeys(chromedp.CSS("#f-name"), "build server"), chromedp.Click(chromedp.CSS("form[action='/account/apikeys'] button.primary")))
	b.until(`/ngt_p\w{46}/.test(document.querySelector(".new")?.innerText ?? "")`)
	b.narrow()
	b.do(chromedp.Click(chromedp.CSS(".rows .key summary")))
	b.do(chromedp.Click(chromedp.CSS(".rows .key form button")))
	b.until(`(document.querySelector("[role=status]")?.innerText ?? "").includes("revoked")`)

	b.do(chromedp.Click(chromedp.CSS(".themes button[value=dark]")))
	b.until(`document.documentElement.dataset.theme === "dark"`)
	b.signOut()
	b.until(`[...document.querySelectorAll("header a")].some(a => a.innerText === "Sign in")`)
	b.open("/account/apikeys")
	b.heading("Sign in")
	b.narrow()
}

// TestPictures draws every page into the folder of -pictures, over real packages.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no folder is named with -pictures")
	}
	w := openWebsite(t, nil)
	ann, bob := w.people()
	w.corpus(ann, "serilog.2.10.0", "serilog.3.1.1", "serilog.4.4.0", "moq.4.20.72", "newtonsoft.json.13.0.4", "newtonsoft.json.14.0.1-beta2", "nunit.3.14.0",
		"dapper.2.1.66", "polly.8.5.2", "spectre.console.0.49.1", "castle.core.5.1.1", "dotnet-ef.3.1.1", "stylecop.analyzers.1.2.0-beta.556",
		"netstandard.library.2.0.3", "system.reactive.6.0.1", "humanizer.core.2.14.1", "polysharp.1.16.0", "minver.8.0.0")
	for i := range 30 {
		w.push(bob, w.main, packMany(i))
	}
	w.publish(bob, w.main, library("3.2.0", ""), library("4.0.0-beta.2", ""))
	if err := w.SetListed(t.Context(), bob, w.main, "Contoso.Storage", "1.4.0", false); err != nil {
		t.Fatal(err)
	}
	for range 48 {
		h, err := w.Head(t.Context(), w.main, "serilog", "4.4.0")
		if err != nil {
			t.Fatal(err)
		}
		w.CountDownload(w.main, &h)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	person := w.signedIn("bob", bobPassword)
	person.post("/account/apikeys", "name", "build server of the storage team", "days", "365", "scopes", "push", "packages", "Contoso.Storage*")
	person.get("/account/apikeys")
	person.post("/account/apikeys", "name", "laptop", "days", "1", "scopes", "push", "scopes", "read")
	person.get("/account/apikeys")
	b := w.tab(t)
	for _, window := range windows {
		b.window(window.width, window.height, window.scheme)
		for name, path := range picturesOf(false) {
			b.picture(window.name, name, path)
		}
		b.signIn("bob", bobPassword)
		for name, path := range picturesOf(true) {
			b.picture(window.name, name, path)
		}
		b.open("/account/apikeys")
		b.do(chromedp.SendKeys(chromedp.CSS("#f-name"), "new "+window.name), chromedp.Click(chromedp.CSS("form[action='/account/apikeys'] button.primary")))
		b.until(`document.querySelector(".new") !== null`)
		b.picture(window.name, "keys-new", "")
		b.signOut()
	}
	for _, window := range windows {
		w := openWebsite(t, closed)
		b := w.tab(t)
		b.window(window.width, window.height, window.scheme)
		b.picture(window.name, "setup", "/setup/"+setupToken)
		b.do(chromedp.SendKeys(chromedp.CSS("#f-name"), "ann"), chromedp.SendKeys(chromedp.CSS("#f-password"), "short"), chromedp.Click(chromedp.CSS("button.primary")))
		b.until(`document.querySelector("#f-password-error") !== null`)
		b.picture(window.name, "setup-wrong", "")
		b.do(chromedp.SendKeys(chromedp.CSS("#f-password"), annPassword), chromedp.Click(chromedp.CSS("button.primary")))
		b.heading("Your gallery is ready")
		b.picture(window.name, "connect-ready", "")
		b.picture(window.name, "home-empty", "/")
		b.picture(window.name, "keys-first", "/account/apikeys")
		b.picture(window.name, "search-empty", "/packages")
		b.picture(window.name, "test-feed", "/test/packages")
		b.signOut()
		b.picture(window.name, "signin-closed", "/packages")
		b.picture(window.name, "wrong-method", "/theme")
	}
}

// windows are those in which pictures are taken.
var windows = []struct {
	name          string
	width, height int64
	scheme        string
}{{"desktop", 1200, 900, "light"}, {"desktop-dark", 1200, 900, "dark"}, {"phone", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"}}

// picture draws the whole page at path, or the one that is open.
func (b *tab) picture(folder, name, path string) {
	b.t.Helper()
	if path != "" {
		b.open(path)
	}
	drawn, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	b.must(err)
	b.must(os.MkdirAll(filepath.Join(*pictures, folder), 0o755))
	b.must(os.WriteFile(filepath.Join(*pictures, folder, name+".png"), drawn, 0o644))
}

func (b *tab) signIn(name, password string) {
	b.t.Helper()
	b.open("/account/signin")
	b.do(chromedp.SendKeys(chromedp.CSS("#f-name"), name), chromedp.SendKeys(chromedp.CSS("#f-password"), password+kb.Enter))
	b.until(fmt.Sprintf(`document.querySelector("header summary").innerText.includes(%q)`, name))
}

func (b *tab) signOut() {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS("details.menu summary")), chromedp.Click(chromedp.CSS("details.menu form button")))
	b.until(`document.readyState === "complete" && document.querySelector("details.menu form") === null`)
}

func picturesOf(signedIn bool) map[string]string {
	if signedIn {
		return map[string]string{
			"versions-owner": "/packages/Contoso.Storage?show=versions", "unlisted": "/packages/Contoso.Storage/1.4.0",
			"keys": "/account/apikeys", "connect-signed-in": "/connect?client=nuget",
		}
	}
	pages := map[string]string{
		"home": "/", "packages": "/packages", "search": "/packages?q=serilog", "search-none": "/packages?q=serilok", "search-recent": "/packages?q=contoso&sort=recent",
		"package": "/packages/Serilog", "package-old": "/packages/Serilog/2.10.0", "prerelease": "/packages/Newtonsoft.Json/14.0.1-beta2", "package-own": "/packages/Contoso.Text.Tables",
		"tool": "/packages/dotnet-ef", "nunit": "/packages/NUnit", "licence-file": "/packages/NUnit/3.14.0/license", "licence": "/packages/Contoso.Text.Tables/3.2.0/license",
		"missing-version": "/packages/Serilog/9.9.9", "missing": "/packages/Serilok", "nowhere": "/nowhere", "signin": "/account/signin?return=/account/apikeys",
		"dependencies": "/packages/Serilog?show=dependencies", "versions": "/packages/Contoso.Storage?show=versions", "frameworks": "/packages/Serilog?show=frameworks",
		"notes": "/packages/Newtonsoft.Json?show=notes", "dependencies-many": "/packages/NETStandard.Library?show=dependencies", "spectre": "/packages/Spectre.Console",
		"polly": "/packages/Polly", "minver": "/packages/MinVer", "stylecop": "/packages/StyleCop.Analyzers", "test-home": "/test", "setup-dead": "/setup/x",
		"reference": "/packages/Serilog?tab=reference", "central": "/packages/Serilog?tab=central",
	}
	for _, client := range []string{"dotnet", "nuget", "visual-studio", "rider", "paket", "config", "github", "gitlab"} {
		pages["connect-"+client] = "/connect?client=" + client
	}
	return pages
}

// packMany is one of many versions of a package.
func packMany(i int) []byte {
	return pack.Nupkg(pack.Spec{ID: "Contoso.Storage", Version: fmt.Sprintf("1.%d.0", i), Authors: "The storage team",
		Description: "Typed access to table storage, with batching and retries that follow the service’s own advice."})
}
