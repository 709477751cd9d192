package tests

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"nougat/internal/pack"
)

// TestEverythingAtOnce pushes, unlists, relists, searches, downloads and looks at
// pages at the same time. Nothing fails, and who was answered sees it at once.
// It is for the race detector, which sees the program too.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, c := wholeProgram(t)
	seed := seeded(t)
	pushes := 30
	if testing.Short() {
		pushes = 8
	}
	const pushers, readers, ids = 6, 10, 3
	c.http.Transport.(*http.Transport).MaxIdleConnsPerHost = pushers + readers
	id := func(n int) string { return fmt.Sprintf("Contoso.Busy%d", n) }
	for n := range ids {
		c.pushed(t, pack.Spec{ID: id(n), Version: "0.1.0"})
	}
	var over atomic.Bool
	var asked atomic.Int64
	var reading sync.WaitGroup
	for i := range readers {
		reading.Go(func() {
			chance := rand.New(rand.NewPCG(seed, uint64(i)))
			for !over.Load() && !t.Failed() {
				id := id(chance.IntN(ids))
				lower := strings.ToLower(id)
				path := []string{
					"/v3/flat/" + lower + "/index.json", nupkgPath(id, "0.1.0"), "/v3/reg-gz-semver2/" + lower + "/index.json", "/v3/reg/" + lower + "/index.json", "/v3/reg/" + lower + "/0.1.0.json",
					"/v3/query?q=busy&semVerLevel=2.0.0", "/v3/query?q=" + lower + "&prerelease=true&take=1", "/v3/autocomplete?q=con", "/v3/autocomplete?id=" + lower, "/v3/catalog/index.json", "/v3/catalog/page0.json",
					"/", "/packages", "/packages?q=busy&sort=recent", "/packages/" + id, "/packages/" + id + "/0.1.0", "/v3/index.json", "/api/health-probe",
				}[chance.IntN(18)]
				if r, err := c.try(http.MethodGet, path, nil); err != nil || r.status != http.StatusOK {
					t.Errorf("GET %s: %v, %v", path, r, err)
				}
				asked.Add(1)
			}
		})
	}
	together(pushers, func(i int) {
		chance := rand.New(rand.NewPCG(seed, uint64(100+i)))
		for n := range pushes {
			s := pack.Spec{ID: id(chance.IntN(ids)), Version: fmt.Sprintf("1.%d.%d", i, n)}
			content := pack.Nupkg(s)
			if r, err := c.tryPush(content); err != nil || r.status != http.StatusCreated {
				t.Errorf("the push of %s %s: %v, %v", s.ID, s.Version, r, err)
				return
			}
			if !slices.Contains(flatVersions(t, c, s.ID), s.Version) || !slices.Contains(found(t, c, s.ID), s.Version) || !registered(t, c, s.ID)[s.Version] {
				t.Errorf("%s %s was pushed and is not everywhere at once", s.ID, s.Version)
			}
			if r := c.do(t, http.MethodGet, nupkgPath(s.ID, s.Version), nil); !bytes.Equal(r.body, content) {
				t.Errorf("%s %s: %v", s.ID, s.Version, r)
			}
			if n%3 > 0 {
				continue
			}
			address := "/v3/package/" + s.ID + "/" + s.Version
			if r := c.do(t, http.MethodDelete, address, nil, "X-NuGet-ApiKey", c.key); r.status != http.StatusNoContent {
				t.Errorf("unlisting: %v", r)
			}
			if slices.Contains(found(t, c, s.ID), s.Version) || registered(t, c, s.ID)[s.Version] {
				t.Errorf("%s %s was unlisted and is not everywhere at once", s.ID, s.Version)
			}
			if n%2 > 0 {
				continue
			}
			if r := c.do(t, http.MethodPost, address, nil, "X-NuGet-ApiKey", c.key); r.status != http.StatusOK {
				t.Errorf("relisting: %v", r)
			}
			if !slices.Contains(found(t, c, s.ID), s.Version) || !registered(t, c, s.ID)[s.Version] {
				t.Errorf("%s %s was relisted and is not everywhere at once", s.ID, s.Version)
			}
		}
	})
	over.Store(true)
	reading.Wait()
	t.Logf("%d reads beside %d pushes", asked.Load(), pushers*pushes)
}
