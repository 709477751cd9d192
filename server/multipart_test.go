package server

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"nougat/gallery"
)

// readPart reads the package out of a body as a push does.
func readPart(contentType string, body io.Reader) ([]byte, error) {
	r := &http.Request{Header: http.Header{"Content-Type": {contentType}}}
	pkg, release, err := packageIn(r, body)
	if err != nil {
		return nil, err
	}
	defer release()
	return io.ReadAll(pkg)
}

func TestPackageInForm(t *testing.T) {
	const plain = "multipart/form-data; boundary=BOUND"
	head := "--BOUND\r\nContent-Disposition: form-data; name=package\r\n\r\n"
	long := strings.Repeat("0123456789\r\n--BOUN", 20_000)
	for name, c := range map[string]struct {
		kind, body, want string
		fails            bool
	}{
		"CRLF throughout":                      {plain, head + "data\r\n--BOUND--\r\n", "data", false},
		"bare LF before the last boundary":     {plain, head + "data\n--BOUND--\n", "data", false},
		"bare LF throughout":                   {plain, "--BOUND\nContent-Type: a/b\n\ndata\n--BOUND--\n", "data", false},
		"no final line break":                  {plain, head + "data\r\n--BOUND--", "data", false},
		"no headers":                           {plain, "--BOUND\r\n\r\ndata\r\n--BOUND--", "data", false},
		"a preamble":                           {plain, "hello\r\nthere\r\n" + head + "data\r\n--BOUND--", "data", false},
		"an epilogue":                          {plain, head + "data\r\n--BOUND--\r\nbye", "data", false},
		"blanks after the boundary":            {plain, "--BOUND \t\r\n\r\ndata\r\n--BOUND \r\n\r\nmore\r\n--BOUND--", "data", false},
		"further parts":                        {plain, head + "data\r\n--BOUND\r\nA: b\r\n\r\nmore\r\n--BOUND\r\n\r\n\r\n--BOUND--\r\n", "data", false},
		"data that ends in CR":                 {plain, head + "data\r\r\n--BOUND--\r\n", "data\r", false},
		"data that ends in line ends":          {plain, head + "data\n\n\n--BOUND--\r\n", "data\n\n", false},
		"data with the boundary inside a line": {plain, head + "a --BOUND-- b\r\n--BOUND--", "a --BOUND-- b", false},
		"data with a longer boundary":          {plain, head + "a\r\n--BOUNDARY\r\nb\r\n--BOUND-x\r\n--BOUND--", "a\r\n--BOUNDARY\r\nb\r\n--BOUND-x", false},
		"data of many near-boundaries":         {plain, head + long + "\r\n--BOUND--", long, false},
		"an empty part":                        {plain, head + "\r\n--BOUND--", "", false},
		"an empty part without its line":       {plain, "--BOUND\r\nA: b\r\n\r\n--BOUND--", "", false},
		"quoted boundary":                      {`multipart/form-data; boundary="a b:c"`, "--a b:c\r\n\r\ndata\r\n--a b:c--", "data", false},
		"another multipart":                    {"Multipart/Mixed; boundary=BOUND", head + "data\r\n--BOUND--", "data", false},
		"raw":                                  {"application/octet-stream", "PK data", "PK data", false},
		"raw without a type":                   {"", "--BOUND", "--BOUND", false},
		"cut off in the data":                  {plain, head + "data", "", true},
		"cut off in the last boundary":         {plain, head + "data\r\n--BOUND-", "", true},
		"cut off after a boundary":             {plain, head + "data\r\n--BOUND", "", true},
		"cut off in a further part":            {plain, head + "data\r\n--BOUND\r\n\r\nmore", "", true},
		"cut off in the headers":               {plain, "--BOUND\r\nA: b\r\n", "", true},
		"no boundary line":                     {plain, "data", "", true},
		"nothing":                              {plain, "", "", true},
		"only the last boundary":               {plain, "--BOUND--\r\n", "", true},
		"no boundary parameter":                {"multipart/form-data", head + "data\r\n--BOUND--", "", true},
		"a boundary that is too long":          {"multipart/form-data; boundary=" + strings.Repeat("x", 300), "", "", true},
		"an endless preamble":                  {plain, strings.Repeat("x\r\n", 50_000), "", true},
		"endless headers":                      {plain, "--BOUND\r\n" + strings.Repeat("X: y\r\n", 50_000), "", true},
		"one endless header":                   {plain, "--BOUND\r\nX: " + strings.Repeat("y", 500_000), "", true},
		"too much behind the package":          {plain, head + "data\r\n--BOUND--\r\n" + strings.Repeat("x", maxAfterPart+100_000), "", true},
		"too much in further parts":            {plain, head + "data\r\n--BOUND\r\n\r\n" + strings.Repeat("x", maxAfterPart+100_000) + "\r\n--BOUND--", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for how, body := range map[string]io.Reader{
				"at once":     strings.NewReader(c.body),
				"by halves":   iotest.HalfReader(strings.NewReader(c.body)),
				"end early":   iotest.DataErrReader(strings.NewReader(c.body)),
				"byte by one": iotest.OneByteReader(strings.NewReader(c.body)),
			} {
				if how == "byte by one" && len(c.body) > 400_000 {
					continue
				}
				got, err := readPart(c.kind, body)
				var refusal *gallery.Error
				switch {
				case c.fails && (!errors.As(err, &refusal) || refusal.Kind != gallery.Invalid):
					t.Errorf("%s: %v, want a refusal", how, err)
				case !c.fails && err != nil:
					t.Errorf("%s: %v", how, err)
				case !c.fails && string(got) != c.want:
					t.Errorf("%s: %.100q, want %.100q", how, got, c.want)
				}
			}
		})
	}
}

// An error of the connection comes through as it is.
func TestPackageInFormKeepsTheReadersError(t *testing.T) {
	broken := errors.New("broken")
	body := io.MultiReader(strings.NewReader("--B\r\n\r\ndata"), iotest.ErrReader(broken))
	if _, err := readPart("multipart/form-data; boundary=B", body); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// FuzzPackageInForm holds the reader against what it is built of: any data in
// any split comes back, and of arbitrary bodies it takes what mime/multipart
// takes.
func FuzzPackageInForm(f *testing.F) {
	f.Add([]byte("data"), true, 3, []byte("--B\r\n\r\ndata\r\n--B--\r\n"))
	f.Add([]byte("ends in \r"), false, 1, []byte("--B\n\ndata\n--B--"))
	f.Add([]byte("\r\n--"), false, 7, []byte("x\r\n--B \r\nA: b\r\n\r\n\r\n--B--"))
	f.Add([]byte(""), true, 2, []byte("--B\r\n\r\n--B--"))
	f.Fuzz(func(t *testing.T, data []byte, crlf bool, step int, wild []byte) {
		const kind = "multipart/form-data; boundary=a-long-boundary"
		if !bytes.Contains(data, []byte("--a-long-boundary")) {
			end := "\n"
			if crlf {
				end = "\r\n"
			}
			body := "--a-long-boundary\r\nContent-Type: application/octet-stream\r\n\r\n" + string(data) + end + "--a-long-boundary--" + end
			got, err := readPart(kind, &stepReader{b: []byte(body), step: step})
			want := data
			if !crlf { // a CR before a bare LF is taken for its half
				want = bytes.TrimSuffix(data, []byte("\r"))
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%q came back as %q, %v", want, got, err)
			}
		}
		got, err := readPart("multipart/form-data; boundary=B", &stepReader{b: wild, step: step})
		part, perr := multipart.NewReader(bytes.NewReader(wild), "B").NextRawPart()
		if err != nil || perr != nil {
			return
		}
		std, serr := io.ReadAll(part)
		if serr == nil && bytes.HasPrefix(wild, []byte("--B\r\n")) && !bytes.Equal(bytes.TrimSuffix(std, []byte("\r")), bytes.TrimSuffix(got, []byte("\r"))) && !bytes.Contains(std, []byte("\n--B")) {
			t.Fatalf("of %q %q was read; mime/multipart reads %q", wild, got, std)
		}
	})
}

// stepReader gives at most step bytes at a time.
type stepReader struct {
	b    []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := min(max(r.step%50, 1), len(p), len(r.b))
	copy(p, r.b[:n])
	r.b = r.b[n:]
	return n, nil
}
