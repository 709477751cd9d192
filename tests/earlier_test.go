package tests

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"nougat/internal/pack"
	"nougat/store/storetest"
)

// TestEarlierProgram lets the program of today open, verify and serve the data
// folder that the program of schema 1 left, as an upgrade does.
func TestEarlierProgram(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	storetest.EarlierData(t, 1, data)
	p := startProgram(t, data, "--access-read", "anyone")
	c := p.client(t, strings.TrimSpace(verbOutput(t, "", "key", "add", "--owner", "ann", "--data", data)))
	c.get(t, http.StatusOK, "/v3/index.json")
	if r := c.get(t, http.StatusOK, "/v3/flat/contoso.json/index.json"); !strings.Contains(string(r.body), `"0.9.0","1.0.0","1.1.0-beta.1"`) {
		t.Errorf("versions: %s", r.body)
	}
	if r := c.get(t, http.StatusOK, "/v3/query?q=contoso"); !strings.Contains(string(r.body), `"totalHits":3`) {
		t.Errorf("search: %.300s", r.body)
	}
	c.get(t, http.StatusOK, "/v3/flat/contoso.json/1.0.0/contoso.json.1.0.0.nupkg")
	c.get(t, http.StatusOK, "/packages/Contoso.Json/1.0.0")
	if r := c.push(t, pack.Nupkg(pack.Spec{ID: "Contoso.Core", Version: "1.2.3.4"})); r.status != http.StatusConflict {
		t.Errorf("a push of a version that is there: %v", r)
	}
	p.end(t, data)
	p.loggedNoError(t)
	verbOutput(t, "", "verify", "--data", data)
}
