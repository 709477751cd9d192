package ui

import "net/http"

// PackageNotHere answers 404 for an ID that the feed does not have. near may be
// empty.
func PackageNotHere(f Frame, id string, near []PackageRow) ErrorPage {
	p := ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: id + " is not here", Near: near, CacheHint: true}
	if len(near) > 0 {
		p.Text = []string{"No package of that name was ever published on this feed. Did you mean one of these?"}
	} else {
		p.Text = []string{"No package of that name was ever published on this feed."}
		p.Action = &Action{Label: "Look at all packages", URL: f.PackagesURL()}
	}
	return p
}

// VersionNotHere answers 404 for a version that the package does not have.
func VersionNotHere(f Frame, id, version string) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: id + " " + version + " is not here",
		Text:   []string{"The package is here, but this version of it was never published on this feed."},
		Action: &Action{Label: "Look at its versions", URL: f.PackageURL(id, "") + "?show=" + ShowVersions}, CacheHint: true}
}

// PageNotHere answers 404 for any other address.
func PageNotHere(f Frame) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: "There is no such page",
		Text:   []string{"The address may be mistyped, or the page was moved. A package is found by its name in the search box."},
		Action: &Action{Label: "Look at all packages", URL: f.PackagesURL()}}
}

// NotAllowed answers 403: what is the sentence that says which right is missing
// and who can grant it (GAL-B21).
func NotAllowed(f Frame, what string) ErrorPage {
	p := ErrorPage{Frame: f, Status: http.StatusForbidden, Heading: "You may not do this", Text: []string{what}}
	if f.User == nil && f.CanSignIn {
		p.Action = &Action{Label: "Sign in", URL: f.SignInURL()}
	}
	return p
}

// BadForm answers 400 for a form or an address that could not be read; what says
// why in a sentence.
func BadForm(f Frame, what string) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusBadRequest, Heading: "That could not be read",
		Text: []string{what, "Nothing was changed. Go back, reload the page, and try again."}}
}

// TooManyRequests answers 429.
func TooManyRequests(f Frame, seconds int) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusTooManyRequests, Heading: "Too many requests",
		Text: []string{"Try again in " + count(int64(seconds), "second") + "."}}
}

// SetupLinkDead answers 404 for a set-up link that was used, or belongs to an
// earlier start.
func SetupLinkDead(f Frame) ErrorPage {
	p := ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: "This set-up link is not valid any more",
		Text: []string{"A set-up link works until the first account exists, and a new one is made at each start of the program."}}
	if f.CanSignIn {
		p.Text = append(p.Text, "This gallery has been set up.")
		p.Action = &Action{Label: "Sign in", URL: f.SignInURL()}
	} else {
		p.Text = append(p.Text, "The current link stands on the terminal, or in the log, where the program was started.")
	}
	return p
}

// NothingToChange answers 404 for a form about something that is not here, as
// what says in a sentence.
func NothingToChange(f Frame, what string) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: "That is not here", Text: []string{what, "Nothing was changed."}}
}

// Unavailable answers 503, or 507 for a full disk: what says what is the matter
// and when to try again.
func Unavailable(f Frame, status int, what string) ErrorPage {
	return ErrorPage{Frame: f, Status: status, Heading: "This cannot be done now", Text: []string{what}}
}

// Failed answers 500.
func Failed(f Frame, requestID string) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusInternalServerError, Heading: "Something went wrong here",
		Text:      []string{"This is a fault of the gallery, not of your request. Try again; if it stays, tell an administrator the request ID, which the log names too."},
		RequestID: requestID}
}
