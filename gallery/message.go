package gallery

import (
	"fmt"
	"strings"
	"time"
)

// The messages of GAL-B21 that this room says, each written once and
// used in the reason phrase, the warning header, the body and on pages. M-15 to
// M-24, M-26 and M-27, about the format of what was sent, are package nuget's.
// What comes from outside is cut to its allowed length before it gets here, and
// the server room makes the whole fit for a header.

// MsgNoCredentials is said where nothing was sent that names anybody (M-01).
func MsgNoCredentials(keysURL string) string {
	return "No API key or password was sent. Create a key at " + keysURL + "."
}

// MsgDiskFull is said when there is no room, by stores also of a commit (M-34).
const MsgDiskFull = "The disk of the server is full."

const (
	msgKeyUnknown     = "This API key is not known here, was revoked, or has expired." // M-02
	msgSignInWrong    = "Name or password is wrong."                                   // M-35, M-54
	msgSessionEnded   = "Your session has ended. Sign in again."
	msgNameForm       = "Names start and end with a letter or digit and may hold letters, digits, _ . - between (3 to 64)."                            // M-50
	msgEmailForm      = "This does not look like an email address."                                                                                    // M-52
	msgEmailTaken     = "This address cannot be used."                                                                                                 // M-53
	msgKeyName        = "Give the key a name, so that you know later what uses it (at most 100 characters)."                                           // R-KEY-05
	msgPatternForm    = "A package pattern may hold letters, digits, _ . - and the wildcard *, at most 100 characters: Contoso.*"                      // R-KEY-08
	msgNoScope        = "Choose at least one thing that the key may do."                                                                               // R-KEY-05
	msgAccountExists  = "This gallery has an account already; the set-up link works only before the first one is made. Sign in instead."
	msgTooManySignIns = "Too many sign-ins from your network are being checked. Try again in a moment."                                                // SM-16
	msgTooManyUploads = "This account has too many uploads running already. Wait until one has ended, then push again."                                // ENG-4
	msgPasswordLength = "A password has 10 to 128 characters."                                                                                         // R-ACC-07
	msgPasswordCommon = "This password is too easy to guess: it is the name, the address, the gallery's name or one of the commonest. Choose another."
)

// What is wrong with a file that the manifest names, of its kind and path (M-25).
const (
	msgPartMissing   = "The %s file %s is not in the package. Pack it, or correct the path in the nuspec."
	msgPartLarge     = "The %s file %s is larger than 1 MB."
	msgPartText      = "The %s file %s is not UTF-8 text."
	msgPartExtension = "The %s file %s has a wrong extension. Allowed: %s."
)

func msgOtherFeed(feed string) string { // M-03
	return fmt.Sprintf("This key belongs to the feed %s; it does not work here.", feed)
}

func msgKeyMayNot(act, id string, k *Key) string { // M-04
	what := act
	if id != "" {
		what += " " + id
	}
	return fmt.Sprintf("This key may not %s. It allows: %s on %s.", what, strings.Join(k.Scopes.Names(), ", "), strings.Join(k.Packages, ", "))
}

func msgNotOwner(owner, id string) string { // M-05
	return fmt.Sprintf("%s does not own %s. Ask one of its owners to publish it or to add you.", owner, id)
}

func msgLockedPackage(id string) string { // M-08
	return id + " is locked. No new versions, listing or deprecation changes until an administrator unlocks it."
}

func msgLockedAccount(name string) string { // M-09
	return fmt.Sprintf("The account %s is locked. Contact an administrator.", name)
}

func msgExists(id, version string) string { // M-11
	return fmt.Sprintf("%s %s is already here and cannot be replaced. Publish a new version.", id, version)
}

func msgExistsButMetadata(id, version, other string) string { // M-13
	return fmt.Sprintf("%s %s differs from the existing %s only in build metadata, which does not count.", id, version, other)
}

func msgTooLarge(limit int64) string { // M-14
	return fmt.Sprintf("The package is larger than %s.", FormatBytes(limit))
}

func msgNoPackage(id, version string) string { // M-29
	if version == "" {
		return fmt.Sprintf("There is no package %s here.", id)
	}
	return fmt.Sprintf("There is no package %s %s here.", id, version)
}

func msgKeyExpires(left time.Duration, keysURL string) string { // M-40
	days := int(left / (24 * time.Hour))
	when := fmt.Sprintf("in %d days", days)
	switch days {
	case 0:
		when = "today"
	case 1:
		when = "in 1 day"
	}
	return fmt.Sprintf("This key expires %s. Replace it at %s.", when, keysURL)
}

func msgSize(size int64, largest []string) string { // M-43
	s := fmt.Sprintf("The package is %s", FormatBytes(size))
	if len(largest) > 0 {
		s += "; largest parts: " + strings.Join(largest, ", ")
	}
	return s + "."
}

func msgResembles(other string) string { return "The ID resembles " + other + "." } // M-45

func msgLastAdmin(name string) string { // M-63
	return fmt.Sprintf("%s is the last administrator, who cannot leave or step down. Make another one first: nougat user admin NAME --on", name)
}

func msgOwnsPackages(name, id string) string {
	return fmt.Sprintf("%s owns packages, %s among them, and is not removed: nobody could publish their next versions. To keep %s out, lock the account: nougat user lock %s", name, id, name, name)
}

func msgNameTaken(name string) string { // M-51
	return fmt.Sprintf("The username %s is not available.", name)
}

func msgTooManyFailures(left time.Duration) string { // M-55
	minutes := int((left + time.Minute - 1) / time.Minute)
	unit := "minutes"
	if minutes <= 1 {
		minutes, unit = 1, "minute"
	}
	return fmt.Sprintf("Too many failed attempts. Try again in %d %s.", minutes, unit)
}

// FormatBytes prints a size for people: "1,023 bytes", "18 KB", "2.5 MB", in
// steps of 1,024.
func FormatBytes(n int64) string {
	switch {
	case n < 1024:
		return fmt.Sprintf("%d bytes", n)
	case n < 1024*1024:
		return fmt.Sprintf("%d KB", (n+512)/1024)
	case n < 10*1024*1024 && n%(1024*1024) != 0:
		return fmt.Sprintf("%.1f MB", float64(n)/(1024*1024))
	default:
		return fmt.Sprintf("%d MB", (n+512*1024)/(1024*1024))
	}
}
