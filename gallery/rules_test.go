package gallery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"nougat/nuget"
)

// TestMayPush is the truth table of R-PUSH-09 and the upload rows of R-PERM-01.
func TestMayPush(t *testing.T) {
	const ann, bob = 1, 2
	mine := &Package{ID: "Contoso.Tables", Owners: []AccountNo{ann}}
	key := func(s Scope, patterns ...string) *Key {
		if patterns == nil {
			patterns = []string{"*"}
		}
		return &Key{Scopes: s, Packages: patterns}
	}
	for _, tt := range []struct {
		name  string
		actor Actor
		pkg   *Package
		want  string // start of the refusal; empty: allowed
	}{
		{"nobody, new ID", Actor{}, nil, "Name or password"},
		{"password, new ID", Actor{Account: ann, Owner: ann, Name: "ann"}, nil, ""},
		{"password, own package", Actor{Account: ann, Owner: ann, Name: "ann"}, mine, ""},
		{"password, another's package", Actor{Account: bob, Owner: bob, Name: "bob"}, mine, "bob does not own"},
		{"administrator, another's package", Actor{Account: bob, Owner: bob, Name: "bob", Admin: true}, mine, "bob does not own"},
		{"push key, new ID", Actor{Account: ann, Owner: ann, Key: key(ScopePush)}, nil, ""},
		{"push key, own package", Actor{Account: ann, Owner: ann, Key: key(ScopePush)}, mine, ""},
		{"pushversion key, new ID", Actor{Account: ann, Owner: ann, Key: key(ScopePushVersion)}, nil, "This key may not push the new ID"},
		{"pushversion key, own package", Actor{Account: ann, Owner: ann, Key: key(ScopePushVersion)}, mine, ""},
		{"unlist key, own package", Actor{Account: ann, Owner: ann, Key: key(ScopeUnlist)}, mine, "This key may not push"},
		{"read key, new ID", Actor{Account: ann, Owner: ann, Key: key(ScopeRead)}, nil, "This key may not push"},
		{"pattern that covers", Actor{Account: ann, Owner: ann, Key: key(ScopePush, "Other", "contoso.*")}, nil, ""},
		{"pattern that does not", Actor{Account: ann, Owner: ann, Key: key(ScopePush, "Contoso")}, nil, "This key may not push"},
		{"bob's key, ann's package", Actor{Account: bob, Owner: bob, Name: "bob", Key: key(ScopePush)}, mine, "bob does not own"},
		{"bob made it for ann, ann's package", Actor{Account: bob, Owner: ann, Name: "ann", Key: key(ScopePush)}, mine, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, mayPush(tt.actor, "Contoso.Tables", tt.pkg), tt.want) })
	}
}

// TestMayList is the truth table of Q-26's scope, ownership and lock.
func TestMayList(t *testing.T) {
	const ann, bob = 1, 2
	mine := &Package{ID: "Contoso.Tables", Owners: []AccountNo{ann}}
	locked := &Package{ID: "Contoso.Tables", Owners: []AccountNo{ann}, Locked: true}
	for _, tt := range []struct {
		name  string
		actor Actor
		pkg   *Package
		want  string
	}{
		{"nobody", Actor{}, mine, "Name or password"},
		{"owner", Actor{Account: ann, Owner: ann}, mine, ""},
		{"stranger", Actor{Account: bob, Owner: bob, Name: "bob"}, mine, "bob does not own"},
		{"administrator without owning", Actor{Account: bob, Owner: bob, Admin: true}, mine, ""},
		{"operator", Operator(), mine, ""},
		{"key with unlist", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopeUnlist, Packages: []string{"*"}}}, mine, ""},
		{"key with push only", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopePush, Packages: []string{"*"}}}, mine, "This key may not unlist"},
		{"key for other packages", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopeUnlist, Packages: []string{"Other.*"}}}, mine, "This key may not unlist"},
		{"owner, locked", Actor{Account: ann, Owner: ann}, locked, "Contoso.Tables is locked"},
		{"administrator, locked", Actor{Account: bob, Owner: bob, Admin: true}, locked, "Contoso.Tables is locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := mayListWith(tt.actor, string(tt.pkg.ID))
			if err == nil {
				err = mayList(tt.actor, tt.pkg)
			}
			wantRefusal(t, err, tt.want)
			if got := CanList(tt.actor, tt.pkg); got != (tt.want == "") {
				t.Errorf("CanList = %v, the rule says %v", got, err)
			}
		})
	}
}

// TestMayRead is the truth table of who may read a feed.
func TestMayRead(t *testing.T) {
	const ann = 1
	open, closed := &Feed{OpenToRead: true}, &Feed{}
	for _, tt := range []struct {
		name  string
		actor Actor
		feed  *Feed
		want  string
	}{
		{"nobody, open", Actor{}, open, ""},
		{"nobody, closed", Actor{}, closed, "No API key or password"},
		{"person, closed", Actor{Account: ann, Owner: ann}, closed, ""},
		{"operator, closed", Operator(), closed, ""},
		{"key with read, closed", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopeRead}}, closed, ""},
		{"key without read, closed", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopePush, Packages: []string{"*"}}}, closed, "This key may not read packages"},
		{"key without read, open", Actor{Account: ann, Owner: ann, Key: &Key{Scopes: ScopePush}}, open, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, MayRead(tt.actor, tt.feed), tt.want) })
	}
}

// TestMayAdminister is the truth table of who manages accounts.
func TestMayAdminister(t *testing.T) {
	for _, tt := range []struct {
		name  string
		actor Actor
		want  string
	}{
		{"nobody", Actor{}, "Sign in as an administrator."},
		{"person", Actor{Account: 1, Owner: 1}, "Only an administrator may do this."},
		{"administrator", Actor{Account: 1, Owner: 1, Admin: true}, ""},
		{"administrator's key", Actor{Account: 1, Owner: 1, Admin: true, Key: &Key{}}, "An API key cannot manage accounts."},
		{"operator", Operator(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, mayAdminister(tt.actor), tt.want) })
	}
}

// TestMayPublish is the truth table of a push's lock and existence, behind its
// rights.
func TestMayPublish(t *testing.T) {
	const ann = 1
	owner, stranger := Actor{Account: ann, Owner: ann, Name: "ann"}, Actor{Account: 2, Owner: 2, Name: "bob"}
	v, err := nuget.ParseVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	m := &nuget.Manifest{ID: "Contoso.Tables", Version: v}
	pkg := func(locked bool) *Package { return &Package{ID: m.ID, Owners: []AccountNo{ann}, Locked: locked} }
	head := func(state ReleaseState) *Head { return &Head{ID: m.ID, Version: v, State: state} }
	release, test := &Feed{}, &Feed{Kind: TestFeed, Replace: true}
	for _, tt := range []struct {
		name  string
		actor Actor
		s     target
		want  string
	}{
		{"new ID", owner, target{feed: release, manifest: m}, ""},
		{"new version", owner, target{feed: release, manifest: m, pkg: pkg(false)}, ""},
		{"there already", owner, target{feed: release, manifest: m, pkg: pkg(false), old: head(Served)}, "Contoso.Tables 1.0.0 is already here"},
		{"there already, on a test feed that replaces", owner, target{feed: test, manifest: m, pkg: pkg(false), old: head(Served)}, ""},
		{"removed", owner, target{feed: release, manifest: m, pkg: pkg(false), old: head(Removed)}, "Contoso.Tables 1.0.0 is already here"},
		{"removed, on a test feed that replaces", owner, target{feed: test, manifest: m, pkg: pkg(false), old: head(Removed)}, "Contoso.Tables 1.0.0 is already here"},
		{"locked", owner, target{feed: release, manifest: m, pkg: pkg(true)}, "Contoso.Tables is locked"},
		{"locked and there already", owner, target{feed: release, manifest: m, pkg: pkg(true), old: head(Served)}, "Contoso.Tables is locked"},
		{"a stranger, there already", stranger, target{feed: release, manifest: m, pkg: pkg(false), old: head(Served)}, "bob does not own"},
		{"a stranger, locked", stranger, target{feed: release, manifest: m, pkg: pkg(true)}, "bob does not own"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, mayPublish(tt.actor, tt.s), tt.want) })
	}
}

func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	e, ok := err.(*Error)
	if !ok || !strings.HasPrefix(e.Msg, want) {
		t.Errorf("got %v, want a refusal that starts %q", err, want)
	}
}

func TestGlob(t *testing.T) { // R-KEY-08
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"*", "anything", true}, {"a", "a", true}, {"a", "ab", false}, {"a", "", false},
		{"Contoso.*", "contoso.tables", true}, {"Contoso.*", "Contoso", false}, {"*tables", "Contoso.Tables", true},
		{"c*s*t", "contoso.text", true}, {"c*s*t", "contoso.texts", false}, {"**", "x", true}, {"a*a", "a", false},
		{strings.Repeat("*a", 40) + "b", strings.Repeat("a", 100), false},
	} {
		k := Key{Packages: []string{tt.pattern}}
		if got := k.covers(tt.text); got != tt.want {
			t.Errorf("%q covers %q = %v", tt.pattern, tt.text, got)
		}
	}
}

// ForgeKey is a well-formed key with a public ID that is known and a secret that
// is not.
func ForgeKey(id string) string {
	body := keyPrefix + "p" + id + strings.Repeat("0", keyRandLen)
	return body + keySum(body)
}

func TestKeyForm(t *testing.T) { // R-KEY-04, Q-06
	for _, kind := range []FeedKind{ReleaseFeed, TestFeed} {
		secret, err := newSecret(kind)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[FeedKind]string{ReleaseFeed: "ngt_p", TestFeed: "ngt_t"}[kind]; !strings.HasPrefix(secret, want) || len(secret) != 51 {
			t.Errorf("key %q: want 51 characters that start %s", secret, want)
		}
		id, hash, ok := readKey(secret)
		if !ok || id != secret[5:13] || hash == [32]byte{} {
			t.Errorf("readKey(%q) = %q, %v", secret, id, ok)
		}
		for i := range secret { // any one character wrong is seen without a look-up
			c := byte('x')
			if secret[i] == c {
				c = 'y'
			}
			if _, _, ok := readKey(secret[:i] + string(c) + secret[i+1:]); ok {
				t.Fatalf("a typing error at %d passes", i)
			}
		}
	}
	if _, _, ok := readKey("oy2" + strings.Repeat("a", 43)); ok {
		t.Error("a key of another gallery passes")
	}
}

// keyText and keyTextSum are R-KEY-04 once more, in other words than the program's.
var keyText = regexp.MustCompile(`^ngt_[pt]([0-9A-Za-z]{8})[0-9A-Za-z]{32}([0-9A-Za-z]{6})$`)

func keyTextSum(text string) string {
	digits := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))).Text(62) // lower case before upper case
	return strings.Map(func(c rune) rune {
		if unicode.IsLower(c) {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, fmt.Sprintf("%06s", digits))
}

// What is read as a key is one; what is made of any text by the rule is read,
// and is not with any one character of it changed.
func FuzzReadKey(f *testing.F) {
	secret, _ := newSecret(ReleaseFeed)
	f.Add(secret, uint(0), byte('x'))
	f.Add(secret[:50]+"!", uint(5), byte('0'))
	f.Add("ngt_p", uint(50), byte(0))
	f.Add("", uint(12), byte(0xff))
	strange := "ngt_z" + strings.Repeat("\x00", 40) // with the right checksum
	f.Add(strange+keySum(strange), uint(0), byte(0))
	f.Fuzz(func(t *testing.T, s string, at uint, with byte) {
		isKey := func(s, wantID string) {
			t.Helper()
			m := keyText.FindStringSubmatch(s)
			if id, hash, ok := readKey(s); !ok || m == nil || id != m[1] || id != wantID || m[2] != keyTextSum(s[:45]) || hash != sha256.Sum256([]byte(s)) {
				t.Errorf("readKey(%q) = %q, %x, %v", s, id, hash, ok)
			}
		}
		if id, _, ok := readKey(s); ok {
			isKey(s, id)
		}
		body := []byte(s + strings.Repeat("0", 40))[:40]
		for i, c := range body {
			body[i] = base62[int(c)%len(base62)]
		}
		good := "ngt_" + "pt"[at%2:at%2+1] + string(body)
		good += keyTextSum(good)
		isKey(good, good[5:13])
		bad := []byte(good)
		if bad[at%51] = with; string(bad) != good {
			if _, _, ok := readKey(string(bad)); ok {
				t.Errorf("readKey(%q) is ok, as %q is", bad, good)
			}
		}
	})
}

func TestKeyState(t *testing.T) { // R-KEY-10
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		k    Key
		want string
	}{
		{Key{}, "live"},
		{Key{Expires: now.AddDate(0, 0, 11)}, "live"},
		{Key{Expires: now.AddDate(0, 0, 10)}, "expiring"},
		{Key{Expires: now}, "expired"},
		{Key{Expires: now.AddDate(0, 0, 11), Revoked: now}, "revoked"},
	} {
		if got := tt.k.State(now); got != tt.want {
			t.Errorf("State(%+v) = %s, want %s", tt.k, got, tt.want)
		}
	}
}

// TestLatest is R-DEL-04 over the four views.
func TestLatest(t *testing.T) {
	c := &Card{}
	list := func(version string, semVer2, listed bool) {
		v, err := nuget.ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		setListed(c, &Release{Head: Head{Version: v, SemVer2: semVer2, Listed: listed}})
	}
	want := func(stable, any, stable2, any2 string) {
		t.Helper()
		top := latest(c.Versions)
		for i, w := range []string{stable, any, stable2, any2} {
			got := ""
			if !top[i].IsZero() {
				got = top[i].String()
			}
			if got != w {
				t.Errorf("view %d shows %q, want %q", i, got, w)
			}
		}
	}
	want("", "", "", "")
	list("1.0.0-beta", false, true)
	want("", "1.0.0-beta", "", "1.0.0-beta")
	list("1.0.0", false, true)
	want("1.0.0", "1.0.0", "1.0.0", "1.0.0")
	list("2.0.0-rc.1", true, true)
	want("1.0.0", "1.0.0", "1.0.0", "2.0.0-rc.1")
	list("1.5.0", true, true)
	want("1.0.0", "1.0.0", "1.5.0", "2.0.0-rc.1")
	list("0.9.0", false, true)
	list("1.0.0", false, false)
	want("0.9.0", "1.0.0-beta", "1.5.0", "2.0.0-rc.1")
	list("1.0", false, true) // the same version, written otherwise
	want("1.0.0", "1.0.0", "1.5.0", "2.0.0-rc.1")
	if len(c.Versions) != 5 {
		t.Errorf("%d listed versions, want 5", len(c.Versions))
	}
}

func TestFailures(t *testing.T) { // SM-16
	var f failures
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for n, want := range map[int]time.Duration{1: 0, 9: 0, 10: time.Minute, 19: time.Minute, 20: 10 * time.Minute, 30: 100 * time.Minute, 45: 1000 * time.Minute} {
		f.clear("ann")
		for range n {
			f.add("ann", now)
		}
		if got := max(f.wait("ann", now), 0); got != want {
			t.Errorf("after %d failures the wait is %v, want %v", n, got, want)
		}
	}
	if f.wait("ann", now.Add(1000*time.Minute)) > 0 || f.wait("bob", now) > 0 {
		t.Error("the wait does not end, or meets another")
	}
}

// Verdicts of wrong secrets make room before those of good ones.
func TestRoomForVerdicts(t *testing.T) {
	var v verdicts
	if err := v.init(); err != nil {
		t.Fatal(err)
	}
	good := v.of("ann", "right")
	good.good.Store(true)
	for i := range 2 * maxVerdicts {
		v.of("ann", strconv.Itoa(i))
	}
	if v.of("ann", "right") != good {
		t.Error("wrong secrets push a good one out")
	}
	for i := range 2 * maxVerdicts {
		v.of("ann", strconv.Itoa(i)).good.Store(true)
	}
	if len(v.m) > maxVerdicts {
		t.Errorf("%d verdicts are kept", len(v.m))
	}
}

// Who uses a file at the same time as others has the very same bytes.
func TestSharedFiles(t *testing.T) {
	var files sharedFiles
	reads := 0
	read := func() ([]byte, error) {
		reads++
		return make([]byte, 10), nil
	}
	key := sharedKey{name: "icon.png"}
	a, err := files.use(key, read)
	if err != nil {
		t.Fatal(err)
	}
	b, err := files.use(key, read)
	if err != nil || &a.Data[0] != &b.Data[0] || reads != 1 {
		t.Errorf("two users read %d times: %v", reads, err)
	}
	a.Close()
	if c, _ := files.use(key, read); reads != 1 {
		t.Errorf("%d reads while one user is left", reads)
	} else {
		c.Close()
	}
	b.Close()
	if _, err := files.use(key, func() ([]byte, error) { return nil, errors.New("broken") }); err == nil {
		t.Error("a file that cannot be read is used")
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = files.use(sharedKey{name: "panic"}, func() ([]byte, error) { panic("broken") })
	}()
	if len(files.m) > 0 {
		t.Errorf("%d files are kept", len(files.m))
	}
}

func TestTurns(t *testing.T) {
	ctx := t.Context()
	turns := turns[string]{each: 1, most: 2}
	if err := turns.enter(ctx, "a", 0); err != nil {
		t.Fatal(err)
	}
	if err := turns.enter(ctx, "b", 0); err != nil {
		t.Errorf("another key has to wait: %v", err)
	}
	second := make(chan error)
	go func() { second <- turns.enter(ctx, "a", 0) }()
	for users := 0; users < 2; time.Sleep(time.Millisecond) {
		turns.mu.Lock()
		users = turns.m["a"].users
		turns.mu.Unlock()
	}
	if err := turns.enter(ctx, "a", 0); err != errCrowd {
		t.Errorf("a third waits: %v", err)
	}
	turns.leave("a")
	if err := <-second; err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := turns.enter(short, "a", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait does not end: %v", err)
	}
	turns.leave("a")
	turns.leave("b")
	if len(turns.m) != 0 {
		t.Errorf("%d keys are remembered", len(turns.m))
	}
}

func TestNames(t *testing.T) { // R-ACC-01, S-97, Q-05
	for name, ok := range map[string]bool{
		"ann": true, "a.b": true, "con": true, "A_1-x.y9": true, "admin": true, strings.Repeat("a", 64): true,
		"": false, "an": false, "-ann": false, "ann.": false, "ann lee": false, "änn": false, "ann\n": false, strings.Repeat("a", 65): false,
	} {
		if err := checkName(name, false); (err == nil) != ok {
			t.Errorf("checkName(%q) = %v", name, err)
		}
	}
	if checkName("Admin", true) == nil || checkName("nougat", true) == nil {
		t.Error("self-registration takes a reserved name")
	}
}

func TestPasswordRules(t *testing.T) { // R-ACC-07, Q-25
	g := &Gallery{o: Options{Brand: func() string { return "Contoso packages" }}}
	for password, ok := range map[string]bool{
		"correct horse": true, "short1!": false, "123456789": false, "1234567890": false, "QwertyUiop": false,
		"contoso PACKAGES": false, "Annabella.Lee": false, "ann.lee@contoso.com": false, "ünïcödé wörds": true,
		strings.Repeat("a b", 42): true, strings.Repeat("a", 129): false,
	} {
		if err := g.checkNewPassword(password, "annabella.lee", "Ann.Lee@contoso.com"); (err == nil) != ok {
			t.Errorf("checkNewPassword(%q) = %v", password, err)
		}
	}
}
