package ui

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colours reads the custom properties of the style sheet: for each name its
// value in the light and in the dark theme.
func colours(t *testing.T, css string) map[string][2]string {
	t.Helper()
	list := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(css, -1) {
		list[m[1]] = [2]string{m[2], m[3]}
	}
	for _, m := range regexp.MustCompile(`--([\w-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		list[m[1]] = [2]string{m[2], m[2]}
	}
	list["white"] = [2]string{"#ffffff", "#ffffff"}
	return list
}

// luminance is WCAG's relative luminance of a colour written #rrggbb.
func luminance(colour string) float64 {
	n, _ := strconv.ParseUint(colour[1:], 16, 32)
	channel := func(shift int) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestContrast: every text that the style sheet puts on a background meets AA
// (4.5), every edge of a control and the focus ring 3, in both themes.
func TestContrast(t *testing.T) {
	r := newRenderer(t)
	asset, _ := r.Asset(r.AssetURL("style.css"))
	list := colours(t, string(asset.Body))
	if len(list) < 30 {
		t.Fatalf("only %d colours were found", len(list))
	}
	type pair struct {
		text, ground string
		least        float64
	}
	var pairs []pair
	for _, ground := range []string{"paper", "wash", "card", "code"} {
		for _, text := range []string{"ink", "soft", "link"} {
			pairs = append(pairs, pair{text, ground, 4.5})
		}
	}
	for _, ground := range []string{"paper", "wash", "card"} {
		pairs = append(pairs, pair{"edge", ground, 3}, pair{"accent", ground, 3}, pair{"bad", ground, 4.5})
	}
	pairs = append(pairs, pair{"ok", "ok-wash", 4.5}, pair{"warn", "warn-wash", 4.5}, pair{"bad", "bad-wash", 4.5},
		pair{"on-accent", "accent", 4.5}, pair{"ink", "mark", 4.5})
	for i := range tiles {
		pairs = append(pairs, pair{"white", "tile-" + strconv.Itoa(i), 4.5})
	}
	for _, p := range pairs {
		text, ok := list[p.text]
		ground, ok2 := list[p.ground]
		if !ok || !ok2 {
			t.Errorf("the style sheet has no --%s or no --%s", p.text, p.ground)
			continue
		}
		for i, theme := range []string{"light", "dark"} {
			if c := contrast(text[i], ground[i]); c < p.least {
				t.Errorf("%s: %s %s on %s %s has a contrast of %.2f, want %.1f", theme, p.text, text[i], p.ground, ground[i], c, p.least)
			}
		}
	}
}

func TestContrastItself(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want string
	}{{"#000000", "#ffffff", "21.00"}, {"#777777", "#ffffff", "4.48"}, {"#ffffff", "#ffffff", "1.00"}} {
		if got := fmt.Sprintf("%.2f", contrast(tt.a, tt.b)); got != tt.want {
			t.Errorf("the contrast of %s and %s is %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestColoursAreNamed: outside the list of custom properties the style sheet
// names no colour but white on a tile and the shadows, so that TestContrast sees
// all of them; and every property that is used exists.
func TestColoursAreNamed(t *testing.T) {
	r := newRenderer(t)
	asset, _ := r.Asset(r.AssetURL("style.css"))
	css := string(asset.Body)
	_, rules, ok := strings.Cut(css, "[data-theme=light]")
	if !ok {
		t.Fatal("the style sheet does not begin with its colours")
	}
	rules, _, _ = strings.Cut(rules, "@media print")
	for _, m := range regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`).FindAllString(rules, -1) {
		if m != "#fff" {
			t.Errorf("the colour %s has no name", m)
		}
	}
	for _, m := range regexp.MustCompile(`var\(--([\w-]+)\)`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, "--"+m[1]+":") {
			t.Errorf("there is no --%s", m[1])
		}
	}
	for i := 1; i < tiles; i++ {
		if !strings.Contains(css, fmt.Sprintf(".t%d {", i)) {
			t.Errorf("there is no class .t%d", i)
		}
	}
}
