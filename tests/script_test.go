package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nougat/config"
	"nougat/internal/need"
)

// The stories in testdata/script are told by these commands, beside those of
// testscript itself and nougat, which is the program:
//
//	need NAME PROGRAM...
//		Skips the script unless one of the programs is on the PATH. Fails instead
//		when NOUGAT_TEST_REQUIRE lists NAME. "need corpus" asks for the folder
//		with real packages and sets $CORPUS to it.
//	serve NAME [FLAG...]
//		Starts a server in the background and waits for its ready line. It
//		listens on a free port with its data in $WORK/NAME, unless flags say
//		otherwise. Sets $URL_NAME (the gallery's address), $INDEX_NAME (the
//		service index's), $ADDR_NAME (host:port of that), $DATA_NAME, $LOG_NAME (the file with its standard
//		error) and $SETUP_NAME (the set-up link, empty without one). With ! it
//		must end before it is ready; stdout and stderr then hold what it said.
//	stop NAME [SIGNAL]
//		Sends SIGTERM, or INT, and waits until the server has gone with exit
//		code 0. On Windows it is "nougat stop" that does it.
//	gone NAME
//		Waits until a server that something else has stopped has gone with exit
//		code 0.
//	crash NAME
//		Kills the server as a power cut would: no handler runs.
//	exits CODE PROGRAM [ARG...]
//		Runs a program that must end with this exit code.
//	http METHOD URL [-H 'NAME: VALUE'] [-u USER:PASSWORD] [-body FILE] [-form FILE] [-status N] [-o FILE]
//		Sends a request. stdout is the body of the answer, stderr its status line
//		and headers. Without -status it must be below 400, or with ! not. -form
//		sends the file as clients push it (multipart). Redirects are not followed.
//	nupkg FILE ID VERSION [-dep ID:RANGE] [-framework NAME] [-type NAME] [-nuspec NAME] [-title TEXT] [-description TEXT] [-authors TEXT] [-tags TEXT] [-license EXPR] [-readme TEXT] [-release-notes TEXT] [-size BYTES]
//		Packs a small valid package; the same arguments give the same bytes.
//		-size adds that many bytes that do not compress.
//	json FILE PATH VALUE
//		Compares a value in a JSON file (or stdout): json stdout 0.name ann.
//		Without VALUE the path must be there, with ! it must not.
//	let VARIABLE FILE [PATH]
//		Sets a variable to the trimmed text of a file (or stdout), or to a value in
//		its JSON.
//	expect TEXT WANT
//		Compares two texts, of variables mostly.
//	private FILE...
//		The files and folders must be for their owner alone. Passes on Windows.
//	client dotnet|paket|nuget; sources FOLDER NAME=URL[,USER,PASSWORD]...
//		Real clients: script_client_test.go.
//	flip GLOB
//		Changes the last byte of the one file that matches.
//
// The stories with real clients have more, in client_test.go.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"need": cmdNeed, "serve": cmdServe, "stop": cmdStop, "gone": cmdGone, "crash": cmdCrash, "exits": cmdExits,
		"http": cmdHTTP, "nupkg": cmdNupkg, "json": cmdJSON, "let": cmdLet, "flip": cmdFlip,
		"expect": cmdExpect, "private": cmdPrivate, "client": cmdClient, "sources": cmdSources,
	}
	maps.Copy(commands, clientCommands())
	return commands
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		Cmds:               scriptCommands(),
		Setup:              setUpScript,
		RequireUniqueNames: true,
	})
}

// runningKey is where a script keeps its servers.
type runningKey struct{}

// running are the servers of one script, by name.
type running struct {
	t         testscript.T
	servers   map[string]*process
	variables []string // names of those that a server inherits
}

// A process is a server in the background.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed after the process was waited for
	err    error         // of the process, once exited is closed
}

func setUpScript(env *testscript.Env) error {
	r := &running{t: env.T(), servers: make(map[string]*process)}
	for _, v := range env.Vars {
		name, _, _ := strings.Cut(v, "=")
		r.variables = append(r.variables, name)
	}
	r.variables = append(r.variables, config.FileVariable, "NOUGAT_SERVICE_PORT") // the last is none of ours
	for _, k := range config.Keys() {
		r.variables = append(r.variables, k.Env())
	}
	env.Values[runningKey{}] = r
	env.Defer(func() {
		for _, p := range r.servers {
			_ = p.cmd.Process.Kill()
			<-p.exited
		}
	})
	return nil
}

// patience bounds every wait, so that a hanging program fails the script and not
// the whole run.
const patience = 2 * time.Minute

func runningOf(ts *testscript.TestScript) *running { return ts.Value(runningKey{}).(*running) }

// scriptTB lets a script ask package need for what it needs.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptTB) Helper()                           {}
func (s scriptTB) Fatalf(format string, args ...any) { s.ts.Fatalf(format, args...) }
func (s scriptTB) Skipf(format string, args ...any) {
	runningOf(s.ts).t.Skip(fmt.Sprintf(format, args...))
}

func cmdNeed(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case !neg && len(args) == 1 && args[0] == "corpus":
		tb := scriptTB{ts: ts}
		ts.Setenv("CORPUS", need.Dir(tb, "corpus", need.Shared(tb, "corpus", "packages")))
	case !neg && len(args) >= 2:
		need.Tool(scriptTB{ts: ts}, args[0], args[1:]...)
	default:
		ts.Fatalf("usage: need NAME PROGRAM... or need corpus")
	}
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: serve NAME [FLAG...]")
	}
	r, name := runningOf(ts), args[0]
	if r.servers[name] != nil {
		ts.Fatalf("a server named %s runs already", name)
	}
	program, err := exec.LookPath("nougat")
	ts.Check(err)
	data := ts.MkAbs(name)
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--data="); ok {
			data = ts.MkAbs(value)
		} else if a == "--data" && i+1 < len(args) {
			data = ts.MkAbs(args[i+1])
		}
	}
	flags := []string{"serve"}
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--data") }) {
		flags = append(flags, "--data", data)
	}
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--listen") }) {
		flags = append(flags, "--listen", "127.0.0.1:0")
	}
	logPath := ts.MkAbs(name + ".log")
	logFile, err := os.Create(logPath)
	ts.Check(err)
	defer logFile.Close()

	cmd := exec.Command(program, append(flags, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stderr = logFile
	for _, v := range r.variables {
		if value := ts.Getenv(v); value != "" {
			cmd.Env = append(cmd.Env, v+"="+value)
		}
	}
	output, input, err := os.Pipe()
	ts.Check(err)
	cmd.Stdout = input
	ts.Check(cmd.Start())
	input.Close()
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	r.servers[name] = p

	ready := make(chan string, 1)
	var before bytes.Buffer
	go func() {
		defer output.Close()
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if index, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- index
				_, _ = io.Copy(io.Discard, output)
				return
			}
			before.WriteString(lines.Text() + "\n")
		}
		close(ready)
	}()
	select {
	case index, ok := <-ready:
		if !ok {
			<-p.exited
			delete(r.servers, name)
			_, _ = ts.Stdout().Write(before.Bytes())
			_, _ = ts.Stderr().Write([]byte(ts.ReadFile(logPath)))
			if !neg {
				ts.Fatalf("the server %s ended before it was ready: %v", name, p.err)
			}
			return
		}
		if neg {
			ts.Fatalf("the server %s started although it should not", name)
		}
		ts.Setenv("INDEX_"+name, index)
		ts.Setenv("URL_"+name, strings.TrimSuffix(index, "/v3/index.json"))
		u, err := url.Parse(index)
		ts.Check(err)
		ts.Setenv("ADDR_"+name, u.Host)
		ts.Setenv("DATA_"+name, data)
		ts.Setenv("LOG_"+name, logPath)
		ts.Setenv("SETUP_"+name, regexp.MustCompile(`https?://\S+/setup/\w+`).FindString(ts.ReadFile(logPath)))
	case <-time.After(patience):
		ts.Fatalf("the server %s was not ready after %v", name, patience)
	}
}

// take removes a server from the script's list.
func take(ts *testscript.TestScript, command string, neg bool, args []string, most int) *process {
	if neg || len(args) < 1 || len(args) > most {
		ts.Fatalf("usage: %s NAME", command)
	}
	r := runningOf(ts)
	p := r.servers[args[0]]
	if p == nil {
		ts.Fatalf("no server named %s runs", args[0])
	}
	delete(r.servers, args[0])
	return p
}

// wait waits for the end of a server.
func (p *process) wait(ts *testscript.TestScript) error {
	select {
	case <-p.exited:
		return p.err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		ts.Fatalf("the server had not gone after %v", patience)
		return nil
	}
}

func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	p := take(ts, "stop", neg, args, 2)
	if runtime.GOOS == "windows" {
		ts.Check(ts.Exec("nougat", "stop", "--data", ts.Getenv("DATA_"+args[0])))
	} else {
		signal := os.Signal(syscall.SIGTERM)
		if len(args) == 2 && args[1] == "INT" {
			signal = os.Interrupt
		}
		ts.Check(p.cmd.Process.Signal(signal))
	}
	if err := p.wait(ts); err != nil {
		ts.Fatalf("the server %s ended with %v", args[0], err)
	}
}

func cmdGone(ts *testscript.TestScript, neg bool, args []string) {
	if err := take(ts, "gone", neg, args, 1).wait(ts); err != nil {
		ts.Fatalf("the server %s ended with %v", args[0], err)
	}
}

func cmdCrash(ts *testscript.TestScript, neg bool, args []string) {
	p := take(ts, "crash", neg, args, 1)
	ts.Check(p.cmd.Process.Kill())
	_ = p.wait(ts)
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// client sends the requests of scripts. It follows no redirect and keeps no
// connection, which would hold a server that stops.
var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD URL [FLAG...]")
	}
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	var headers []string
	flags.Func("H", "", func(s string) error { headers = append(headers, s); return nil })
	user, body, form := flags.String("u", "", ""), flags.String("body", "", ""), flags.String("form", "", "")
	status, out := flags.Int("status", 0, ""), flags.String("o", "", "")
	ts.Check(flags.Parse(args[2:]))

	var content io.Reader
	contentType := ""
	switch {
	case *form != "":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("package", "package.nupkg")
		ts.Check(err)
		_, err = part.Write([]byte(ts.ReadFile(*form)))
		ts.Check(err)
		ts.Check(w.Close())
		content, contentType = &b, w.FormDataContentType()
	case *body != "":
		content = strings.NewReader(ts.ReadFile(*body))
	}
	r, err := http.NewRequest(args[0], args[1], content)
	ts.Check(err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			ts.Fatalf("the header %q has no colon", h)
		}
		if strings.EqualFold(name, "Host") {
			r.Host = strings.TrimSpace(value)
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if name, password, ok := strings.Cut(*user, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stderr(), "%s %s\n", answer.Proto, answer.Status)
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		for _, value := range answer.Header[name] {
			fmt.Fprintf(ts.Stderr(), "%s: %s\n", name, value)
		}
	}
	if *out != "" {
		ts.Check(os.WriteFile(ts.MkAbs(*out), text, 0o666))
	} else {
		_, _ = ts.Stdout().Write(text)
	}
	switch {
	case *status != 0:
		if neg || answer.StatusCode != *status {
			ts.Fatalf("status %s, want %d", answer.Status, *status)
		}
	case neg != (answer.StatusCode >= 400):
		ts.Fatalf("status %s", answer.Status)
	}
}

// lookUp follows a path such as 0.scopes.1 into the JSON of a file.
func lookUp(ts *testscript.TestScript, file, path string) (any, bool) {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s is not JSON: %v", file, err)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// jsonText is a JSON value as a script writes it: a string without quotes, else
// JSON.
func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: json FILE PATH [VALUE]")
	}
	v, ok := lookUp(ts, args[0], args[1])
	if len(args) == 2 {
		if ok == neg {
			ts.Fatalf("%s is there: %t", args[1], ok)
		}
		return
	}
	if !ok || (jsonText(v) == args[2]) == neg {
		ts.Fatalf("%s is %s, not %s", args[1], jsonText(v), args[2])
	}
}

func cmdLet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: let VARIABLE FILE [PATH]")
	}
	text := strings.TrimSpace(ts.ReadFile(args[1]))
	if len(args) == 3 {
		v, ok := lookUp(ts, args[1], args[2])
		if !ok {
			ts.Fatalf("%s has no %s", args[1], args[2])
		}
		text = jsonText(v)
	}
	ts.Setenv(args[0], text)
}

func cmdExpect(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: expect TEXT WANT")
	}
	if (args[0] == args[1]) == neg {
		ts.Fatalf("%q, want %q", args[0], args[1])
	}
}

func cmdPrivate(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if open := info.Mode().Perm()&0o077 != 0; open != neg && runtime.GOOS != "windows" {
			ts.Fatalf("%s has the permissions %v", name, info.Mode())
		}
	}
}

func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip GLOB")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d files match %s, not one", len(found), args[0])
	}
	content, err := os.ReadFile(found[0])
	ts.Check(err)
	if len(content) == 0 {
		ts.Fatalf("%s is empty", found[0])
	}
	content[len(content)-1] ^= 1
	ts.Check(os.WriteFile(found[0], content, 0o600))
}
