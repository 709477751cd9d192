package ui

import "net/http"

// What the server fills in where a page cannot know which words fit.
const (
	// FirstKeyName is what the key is called that set-up makes.
	FirstKeyName = "first key"
	// PasswordRule is SetupPage.PasswordRule: what a new password must be (R-ACC-07)
	// and not be.
	PasswordRule = "10 to 128 characters, and not one that everybody uses. A short sentence is easy to remember."

	// WhyAccount and WhyClosed are for SignInPage.Why.
	WhyAccount = "That page belongs to an account."
	WhyClosed  = "This gallery is for people with an account."

	// KeyRevoked is for Frame.Notice.
	KeyRevoked = "The key is revoked. Whatever used it has to be given another."

	// What is wrong with a field of a form.
	AddressWrong   = "This is no address of a gallery. Write it like https://packages.example.org, with a path if there is one."
	KeyNameMissing = "Give the key a name, so that you know later what uses it."
	DaysMissing    = "Choose how long the key works."
)

// ListingDone is for Frame.Notice after a version was unlisted or relisted.
func ListingDone(id, version string, listed bool) string {
	if listed {
		return id + " " + version + " is listed again."
	}
	return id + " " + version + " is unlisted. Search does not show it; projects that use it still restore."
}

// NoAccountYet answers 404 for the sign-in page of a gallery that is not set up.
func NoAccountYet(f Frame) ErrorPage {
	f.Bare = true
	return ErrorPage{Frame: f, Status: http.StatusNotFound, Heading: "Nobody has an account here yet",
		Text: []string{"The first one is made with the set-up link. It stands on the terminal, or in the log, where the program was started."}}
}

// WrongMethod answers 405, which a person meets who reloads the address that a
// form was posted to.
func WrongMethod(f Frame) ErrorPage {
	return ErrorPage{Frame: f, Status: http.StatusMethodNotAllowed, Heading: "This address only takes forms",
		Text:   []string{"It is where a form of this gallery posts to, and has nothing to show by itself. Go back to the page with the form."},
		Action: &Action{Label: "Look at all packages", URL: f.PackagesURL()}}
}
