package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"nougat/config"
	"nougat/gallery"
	"nougat/server"
	"nougat/ui"
)

type serveVerb struct{}

func (*serveVerb) Help() string {
	return `Says on standard error where the gallery is and, while it has no account, the link to set it up. When it can serve, it prints one line to standard output: "ready " and the address of the service index. Ctrl-C, SIGTERM and "nougat stop" let running requests finish; a second Ctrl-C or SIGTERM does not wait for them.

Examples:

    nougat serve
    nougat serve --data /srv/nougat --listen :8080 --url https://nuget.example.org
    nougat serve --config /etc/nougat.toml --trusted-proxies 127.0.0.1/32`
}

// lockWait is how long a start waits for an administrator's verb that has the
// data open for a moment.
const lockWait = 3 * time.Second

func (v *serveVerb) Run(s *run) error {
	limitMemory(os.Getenv)
	// Who reads the log may go without taking the server along.
	signal.Ignore(syscall.SIGPIPE)
	stop := newStopper()
	defer stop.release()
	c, _, err := s.layers.Merge()
	if err != nil {
		return err
	}
	log := newLogger(s.errs, c.Log)
	for _, w := range s.layers.Warnings() {
		log.Warn(w)
	}
	st, err := s.takeData(stop.first, c, log)
	if err != nil {
		return err
	}
	err = s.serve(st, stop, log)
	return errors.Join(err, st.close(context.Background()))
}

// takeData opens the data folder. A server that runs on it is refused at once;
// somebody else who holds it, an administrator's verb most likely, is waited
// for.
func (s *run) takeData(ctx context.Context, c *config.Config, log *slog.Logger) (*site, error) {
	for until := time.Now().Add(lockWait); ; time.Sleep(controlPause) {
		st, err := openSite(ctx, s.layers, makeData, log)
		if !errors.Is(err, errHeld) {
			return st, err
		}
		if conn, err := dialControl(ctx, c.Data); err == nil {
			conn.Close()
			return nil, fmt.Errorf("Not started: another process holds the data in %s, a nougat that serves it. Stop that one with \"nougat stop\", or name another folder with --data.", shown(c.Data))
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return nil, fmt.Errorf("Not started: another process holds the data in %s.", shown(c.Data))
		}
	}
}

// serve answers HTTP until it is told to stop, and returns when the last answer
// is written.
func (s *run) serve(st *site, stop *stopper, log *slog.Logger) error {
	c := st.now().config
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("Nothing can listen on %s: %w. If another program has the port, name another one with --listen; with port 0 a free one is picked.", c.Listen, cause(err))
	}
	defer listener.Close()
	st.put(func(f *inForce) { f.listener = listener.Addr() })
	token := ""
	if !st.gallery.AnyAccount() {
		token = rand.Text()
	}
	proxies, err := c.Proxies()
	if err != nil {
		return err
	}
	pages, err := ui.New()
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{
		Gallery: st.gallery, Pages: pages, URL: c.URL, Listeners: []net.Addr{listener.Addr()}, TrustedProxies: proxies,
		Brand: c.Site.Name, Version: programVersion(), SetupToken: token, Log: log, Fixed: fixed(st.now()),
		Saved: func(saved map[string]string) (brand, url string) { return s.settle(st, saved, log) },
	})
	if err != nil {
		return usagef("The configuration cannot be served: %s.", err)
	}
	if st.control, err = listenControl(c.Data, st, stop.ask, log); err != nil {
		log.Warn("the control socket cannot be opened; nougat stop and the other commands will not work while this server runs", "err", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	s.greet(st, token)
	warn(c, log)
	fmt.Fprintln(s.out, "ready "+st.now().base()+"/v3/index.json")
	select {
	case err := <-served:
		return err
	case <-stop.first.Done():
	}
	log.Info("stopping: running requests are finished first")
	return srv.Shutdown(stop.second)
}

// fixed lists the settings that outweigh what the set-up page saves, with what
// decides them. The file's word about the feed main outweighs access.read.
func fixed(f *inForce) map[string]string {
	all := make(map[string]string)
	for _, s := range f.settings {
		if s.Source != config.FromDefault && s.Source != config.FromSaved {
			all[s.Key] = s.Source
		}
	}
	for _, feed := range f.config.Feeds {
		if feed.Name == config.MainFeed && feed.Read != "" {
			all["access.read"] = config.FromFile
		}
	}
	return all
}

// settle puts in force what the set-up page saved, where file, environment and
// command line do not outweigh it, and returns the name and the public
// address that hold now.
func (s *run) settle(st *site, saved map[string]string, log *slog.Logger) (brand, url string) {
	for _, w := range s.layers.Save(saved) {
		log.Warn(w)
	}
	c, settings, err := s.layers.Merge()
	if err != nil { // cannot be: each value alone was good at the start or just now
		log.Error("what was saved is not in force before the next start", "err", err)
		c = st.now().config
		return c.Site.Name, c.URL
	}
	st.put(func(f *inForce) { f.config, f.settings = c, settings })
	for _, f := range c.FeedOptions() {
		st.gallery.SetOpenToRead(f.Name, f.OpenToRead)
	}
	return c.Site.Name, c.URL
}

// greet tells the person who started the program where everything is.
func (s *run) greet(st *site, token string) {
	base, c := st.now().base(), st.now().config
	var b strings.Builder
	width := 8
	for _, f := range c.FeedOptions()[1:] {
		width = max(width, len("Feed "+f.Name))
	}
	line := func(name, text string) { fmt.Fprintf(&b, "  %-*s  %s\n", width, name, text) }
	fmt.Fprintln(&b, "nougat is ready.")
	line("Gallery", base+"/")
	for i, f := range shownFeeds(c) {
		if i == 0 {
			line("Feed", base+"/v3/index.json")
		} else {
			line("Feed "+f.Name, base+f.Path+"/v3/index.json")
		}
	}
	line("Data", shown(c.Data))
	line("Add it", sourceLine(base, c.Site.Name))
	if !c.FeedOptions()[0].OpenToRead {
		line("", "Only signed-in people may read: "+base+"/connect has the line with a key.")
	}
	if token != "" {
		line("Set up", base+"/setup/"+token)
		line("", "No account exists yet; this link makes the first one, an administrator, and works once.")
	}
	fmt.Fprint(s.errs, b.String())
}

// sourceLine is the command that adds the main feed to a client, under the name
// that the Connect page gives it. Today's clients
// refuse plain HTTP, also on the loopback, unless they are told (protocol.md
// 11.3).
func sourceLine(base, site string) string {
	line := "dotnet nuget add source " + base + "/v3/index.json --name " + ui.SourceName(site, config.MainFeed)
	if strings.HasPrefix(base, "http://") {
		line += " --allow-insecure-connections"
	}
	return line
}

// warn says what is allowed and yet hardly meant: passwords that would cross a
// network in the open, and a setting that does nothing yet.
func warn(c *config.Config, log *slog.Logger) {
	host, _, _ := net.SplitHostPort(c.Listen)
	if !gallery.IsLoopback(host) && c.URL == "" && len(c.TrustedProxies) == 0 {
		log.Warn("serving plain HTTP to other machines: passwords and keys can be read on the way, and today's clients refuse it; put a proxy with TLS in front and set url or trusted_proxies", "listen", c.Listen)
	}
	if c.Signup == "open" {
		log.Warn("signup is open, but this version has no registration page yet: administrators make the accounts, with nougat user add")
	}
}

// newLogger logs to w: text on a terminal, else JSON, unless the configuration
// says which.
func newLogger(w *os.File, c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked already
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "auto" && term.IsTerminal(int(w.Fd())) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// cause is what the system says, without the addresses that net puts around it.
func cause(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

// A stopper turns signals into contexts: the first ends when the server should
// finish what runs and go, the second when it should not wait for that. Later
// signals have their usual effect. The end of the terminal (SIGHUP) counts as a
// signal unless the program was told to ignore it, as nohup does.
type stopper struct {
	first, second context.Context
	ask           func() // as a first signal does; again: nothing
	release       func()
}

func newStopper() *stopper {
	first, stopFirst := context.WithCancel(context.Background())
	second, stopSecond := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case <-signals:
			stopFirst()
		case <-first.Done():
		}
		select {
		case <-signals:
			signal.Stop(signals)
			stopSecond()
		case <-second.Done():
		}
	}()
	return &stopper{first, second, stopFirst, func() { stopFirst(); stopSecond(); signal.Stop(signals) }}
}
