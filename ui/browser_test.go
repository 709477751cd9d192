package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"nougat/internal/need"
)

// view is a window in which every fixture is looked at.
type view struct {
	name          string
	width, height int64
	scheme        string
	// look says that the view is only for pictures: its layout is that of another.
	look bool
}

var views = []view{
	{"desktop", 1200, 900, "light", false},
	{"desktop-dark", 1200, 900, "dark", true},
	{"phone", 390, 844, "light", true},
	{"phone-dark", 390, 844, "dark", true},
	{"narrow", 320, 568, "light", false},
}

// drawnWhole keeps a page from being drawn before all of it is there. A browser
// on a busy machine draws what it has, and what is below moves as the rest comes;
// that says nothing of the page.
func drawnWhole(t *testing.T, page string) string {
	t.Helper()
	page, head := replaceOnce(page, "<head>", `<head><link rel="expect" href="#whole" blocking="render">`)
	page, end := replaceOnce(page, "</body>", `<i id="whole" hidden></i></body>`)
	if !head || !end {
		t.Fatalf("a page without head or body:\n%s", page)
	}
	return page
}

func replaceOnce(text, old, new string) (string, bool) {
	return strings.Replace(text, old, new, 1), strings.Count(text, old) == 1
}

// serveFixtures serves every fixture at /NAME with the policy that the server
// sends, and the assets.
func serveFixtures(t *testing.T, r *Renderer) *httptest.Server {
	pages := map[string]string{}
	for _, f := range fixtures() {
		pages["/"+f.name] = drawnWhole(t, render(t, r, f.page))
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if a, ok := r.Asset(strings.TrimPrefix(req.URL.Path, "/gallery")); ok {
			w.Header().Set("Content-Type", a.ContentType)
			_, _ = w.Write(a.Body)
			return
		}
		html, ok := pages[req.URL.Path]
		if !ok {
			http.NotFound(w, req)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", ContentSecurityPolicy)
		_, _ = w.Write([]byte(html))
	}))
	t.Cleanup(s.Close)
	return s
}

// browser starts chromium and returns a tab.
func browser(t *testing.T) context.Context {
	t.Helper()
	program := need.Tool(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	tab, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(cancelTab)
	tab, cancelTime := context.WithTimeout(tab, 5*time.Minute)
	t.Cleanup(cancelTime)
	if err := chromedp.Do(tab); err != nil {
		need.Missing(t, "chromium", err.Error())
	}
	return tab
}

// complaints collects what the browser objects to: errors of scripts, breaches of
// the policy, requests to other hosts.
type complaints struct {
	sync.Mutex
	list []string
}

func (c *complaints) add(format string, args ...any) {
	c.Lock()
	defer c.Unlock()
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func (c *complaints) take() []string {
	c.Lock()
	defer c.Unlock()
	list := c.list
	c.list = nil
	return list
}

// TestBrowser looks at every fixture in a real browser, at every width and in
// both themes: nothing scrolls sideways, the policy is never breached, nothing
// is asked of another host, and nothing moves after it was drawn.
func TestBrowser(t *testing.T) {
	tab := browser(t)
	r := newRenderer(t)
	s := serveFixtures(t, r)
	var c complaints
	err := chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if !strings.Contains(e.Entry.URL, "favicon") {
				c.add("%s: %s", e.Entry.Source, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			c.add("script: %s", e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, s.URL) {
				c.add("request to %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if v.look && *writeTo == "" {
			continue
		}
		if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: v.width, Height: v.height, DeviceScaleFactor: 1, Mobile: v.width < 720}); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}}); err != nil {
			t.Fatal(err)
		}
		for _, f := range fixtures() {
			look(t, tab, s.URL, v, f, &c)
		}
	}
}

// measure is what look asks the page about itself.
type measure struct {
	Width int
	Wide  []string
	// Unnamed are the links and buttons that nobody hears of who does not see them.
	Unnamed []string
	Shift   float64
}

// It waits until the page is there with its fonts and pictures, and two frames
// have been drawn since.
const measureScript = `new Promise(done => {
  const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(look, 0)));
  document.readyState === "complete" ? document.fonts.ready.then(drawn) : addEventListener("load", () => document.fonts.ready.then(drawn));
  const look = () => {
  let shift = 0;
  const observer = new PerformanceObserver(() => {});
  observer.observe({type: "layout-shift", buffered: true});
  for (const e of observer.takeRecords()) shift += e.value;
  const width = document.documentElement.clientWidth;
  const inScroller = e => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX != "visible") return true; };
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 1 && !inScroller(e) && !e.classList.contains("vh"))
    .map(e => e.tagName + "." + e.className);
  const unnamed = [...document.querySelectorAll("a, button, summary")].filter(e => e.checkVisibility() && !e.innerText.trim() && !e.ariaLabel).map(e => e.outerHTML);
  done({Width: document.documentElement.scrollWidth, Wide: wide.slice(0, 5), Unnamed: unnamed, Shift: shift});
  };
})`

func look(t *testing.T, tab context.Context, site string, v view, f fixture, c *complaints) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Navigate(site+"/"+f.name)); err != nil {
		t.Fatalf("%s, %s: %v", f.name, v.name, err)
	}
	m, err := chromedp.Run(tab, chromedp.Evaluate[measure](measureScript, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s, %s: %v", f.name, v.name, err)
	}
	if m.Width > int(v.width) || len(m.Wide) > 0 {
		t.Errorf("%s, %s: %d px wide in a window of %d px: %v", f.name, v.name, m.Width, v.width, m.Wide)
	}
	if len(m.Unnamed) > 0 {
		t.Errorf("%s, %s: without a name: %q", f.name, v.name, m.Unnamed)
	}
	if m.Shift > 0.001 {
		t.Errorf("%s, %s: the layout moved (%.4f)", f.name, v.name, m.Shift)
	}
	for _, what := range c.take() {
		t.Errorf("%s, %s: %s", f.name, v.name, what)
	}
	if *writeTo != "" {
		shot, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(*writeTo, v.name, f.name+".png"), shot)
	}
}

// TestScript: "/" goes to the search box, Copy says what it did and leaves
// prompts out, Escape closes the menu, a wrong field has the focus.
func TestScript(t *testing.T) {
	tab := browser(t)
	s := serveFixtures(t, newRenderer(t))
	run := func(name, script string) string {
		t.Helper()
		if err := chromedp.Do(tab, chromedp.Navigate(s.URL+"/"+name)); err != nil {
			t.Fatal(err)
		}
		got, err := chromedp.Run(tab, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const key = `document.body.dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true, cancelable: true}));`
	for _, tt := range []struct{ name, page, script, want string }{
		{"slash", "search", fmt.Sprintf(key, "/") + `document.activeElement.id`, "q"},
		{"slash on the home page", "home", fmt.Sprintf(key, "/") + `document.activeElement.id`, "q"},
		{"other key", "search", fmt.Sprintf(key, "x") + `document.activeElement.id`, ""},
		{"copy", "connect-dotnet", `const before = document.querySelector(".steps .copy").textContent; document.querySelector(".steps .copy").click();
			new Promise(done => { const b = document.querySelector(".steps .copy"), look = () => b.textContent === before ? setTimeout(look, 5) : done(b.textContent.replace("Selected", "Copied")); look(); })`, "Copied"},
		{"copied text", "connect-ready", `document.querySelectorAll(".steps code")[1].textContent`,
			"dotnet pack --configuration Release\ndotnet nuget push bin/Release/*.nupkg --source contoso --api-key " + sampleKey},
		{"escape", "package", `document.querySelector(".menu").open = true;` + fmt.Sprintf(key, "Escape") + `String(document.querySelector(".menu").open)`, "false"},
		{"click beside", "package", `document.querySelector(".menu").open = true; document.querySelector("h1").click(); String(document.querySelector(".menu").open)`, "false"},
		{"a form is sent once", "keys", `const form = document.querySelector("form[action$=apikeys]"); let sent = 0;
			document.addEventListener("submit", e => { if (!e.defaultPrevented) sent++; e.preventDefault(); });
			form.elements.name.value = "x"; form.requestSubmit(); form.requestSubmit(); String(sent)`, "1"},
		{"what scrolls", "connect-github", `const box = document.querySelector(".block pre"); box.scrollWidth > box.clientWidth ? String(box.tabIndex) : "it does not"`, "0"},
		{"what does not scroll", "connect-dotnet", `String(document.querySelector(".command pre").tabIndex)`, "-1"},
		{"wrong field", "setup-errors", `new Promise(done => { // autofocus comes with a frame, after loading
			const look = () => document.activeElement === document.body ? setTimeout(look, 5) : done(document.activeElement.id); look(); })`, "f-name"},
	} {
		if got := run(tt.page, tt.script); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
