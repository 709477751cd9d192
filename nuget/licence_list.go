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

// findLicence looks an identifier up, in its exact spelling: by halves, since
// the lines are sorted by their bytes and the # of the first ones comes before
// every letter. So no table is built at the start.
func findLicence(id string) (flags licenceFlags, ok bool) {
	if id == "" || strings.ContainsAny(id, " \n#") {
		return licenceFlags{}, false
	}
	for list := licenceList; list != ""; {
		middle := len(list) / 2
		start := strings.LastIndexByte(list[:middle], '\n') + 1
		end := middle + strings.IndexByte(list[middle:], '\n')
		name, letters, _ := strings.Cut(list[start:end], " ")
		switch strings.Compare(id, name) {
		case -1:
			list = list[:start]
		case 1:
			list = list[end+1:]
		default:
			return licenceFlags{
				osi:        strings.Contains(letters, "o"),
				fsf:        strings.Contains(letters, "f"),
				deprecated: strings.Contains(letters, "d"),
				exception:  strings.Contains(letters, "x"),
			}, true
		}
	}
	return licenceFlags{}, false
}
