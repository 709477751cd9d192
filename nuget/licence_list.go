package nuget

import (
	_ "embed"
	"strings"
)

//go:embed licences.txt
var licenceList string

// licenceFlags says what SPDX holds of an identifier.
type licenceFlags struct {
	osi, fsf   bool // approved by the Open Source Initiative, free for the Free Software Foundation
	deprecated bool
	exception  bool // it stands after WITH, and nowhere else
}

// findLicence looks an identifier up, in its exact spelling. It searches the
// text of the list, which takes less than a microsecond and needs no table to
// be built at the start.
func findLicence(id string) (flags licenceFlags, ok bool) {
	if id == "" || strings.ContainsAny(id, " \n#") {
		return licenceFlags{}, false
	}
	_, rest, ok := strings.Cut(licenceList, "\n"+id+" ")
	if !ok {
		return licenceFlags{}, false
	}
	letters, _, _ := strings.Cut(rest, "\n")
	return licenceFlags{
		osi:        strings.Contains(letters, "o"),
		fsf:        strings.Contains(letters, "f"),
		deprecated: strings.Contains(letters, "d"),
		exception:  strings.Contains(letters, "x"),
	}, true
}
