package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"nougat/gallery"
	"nougat/ui"
)

// maxForm bounds what a form may send: names, a password, package patterns.
const maxForm = 64 << 10

// readForm reads the fields that a page's form posted.
func readForm(r *http.Request) (url.Values, error) {
	if err := gallery.PlainBody(r.Header.Get("Content-Encoding")); err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, badForm("The form came in another form than a browser's.", err)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, badForm("The form did not arrive whole.", err)
	}
	if len(body) > maxForm {
		return nil, badForm("The form is larger than any that this gallery has.", nil)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badForm("The fields of the form cannot be told apart.", err)
	}
	return form, nil
}

func badForm(why string, err error) error {
	return &gallery.Error{Kind: gallery.Invalid, Op: "form", Msg: why, Err: err}
}

// fieldErrors puts what is wrong with a form beside its fields: every refusal in
// err that names one. It is empty for an error that is about no field.
func fieldErrors(err error) ui.Errors {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	wrong := ui.Errors{}
	for _, err := range all {
		if e, ok := errors.AsType[*gallery.Error](err); ok && e.Field != "" {
			wrong[e.Field] = e.Msg
		}
	}
	return wrong
}

// localPath is where a form asks to be led back to, a path below the base; "/"
// for anything that a browser could take for an address elsewhere (R-ACC-14),
// and for the pages that only sign in or out.
func localPath(p string) string {
	if !strings.HasPrefix(p, "/") || len(p) > 2000 || strings.HasPrefix(p, "//") || strings.ContainsFunc(p, notInPath) {
		return "/"
	}
	u, err := url.Parse(p)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil {
		return "/"
	}
	low := strings.ToLower(u.Path)
	for _, away := range []string{"/account/sign", "/users/account/log", "/setup/"} {
		if strings.HasPrefix(low, away) {
			return "/"
		}
	}
	return p
}

// notInPath finds what never stands in an address as it is sent: browsers drop
// tabs and line ends and read a backslash as a slash.
func notInPath(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }
