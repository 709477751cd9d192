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
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"

	"nougat/config"
	"nougat/gallery"
	"nougat/server"
	"nougat/site"
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

func (v *serveVerb) Run(r *run) error {
	limitMemory(os.Getenv)
	// Who reads the log may go without taking the server along.
	signal.Ignore(syscall.SIGPIPE)
	stop := newStopper()
	defer stop.release()
	c, _, err := r.layers.Merge()
	if err != nil {
		return err
	}
	log := newLogger(r.errs, c.Log)
	for _, w := range r.layers.Warnings() {
		log.Warn(w)
	}
	s, err := site.Take(stop.first, r.layers, log)
	if err != nil {
		return err
	}
	err = r.serve(s, stop, log)
	return errors.Join(err, s.Close(context.Background()))
}

// serve answers HTTP until it is told to stop, and returns when the last answer
// is written.
func (r *run) serve(s *site.Site, stop *stopper, log *slog.Logger) error {
	c := s.Config()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("Nothing can listen on %s: %w. If another program has the port, name another one with --listen; with port 0 a free one is picked.", c.Listen, cause(err))
	}
	defer listener.Close()
	token := ""
	if !s.Gallery.AnyAccount() {
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
		Gallery: s.Gallery, Pages: pages, URL: c.URL, Listeners: []net.Addr{listener.Addr()}, TrustedProxies: proxies,
		Brand: c.Site.Name, Version: programVersion(), SetupToken: token, Log: log, Fixed: fixed(s),
		Saved: s.Settle,
	})
	if err != nil {
		return usagef("The configuration cannot be served: %s.", err)
	}
	if err := s.ListenControl(stop.ask); err != nil {
		log.Warn("the control socket cannot be opened; nougat stop and the other commands will not work while this server runs", "err", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	r.greet(s, listener.Addr(), token)
	warn(c, log)
	fmt.Fprintln(r.out, "ready "+address(s.Config(), listener.Addr())+"/v3/index.json")
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
func fixed(s *site.Site) map[string]string {
	all := make(map[string]string)
	for _, k := range s.Settings() {
		if k.Source != config.FromDefault && k.Source != config.FromSaved {
			all[k.Key] = k.Source
		}
	}
	for _, feed := range s.Config().Feeds {
		if feed.Name == config.MainFeed && feed.Read != "" {
			all["access.read"] = config.FromFile
		}
	}
	return all
}

// address is that of the gallery without a slash at the end: the public one,
// else the listener's, with this machine's loopback for one that listens
// everywhere.
func address(c *config.Config, listener net.Addr) string {
	if c.URL != "" {
		return c.URL
	}
	a := listener.(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// greet tells the person who started the program where everything is.
func (r *run) greet(s *site.Site, listener net.Addr, token string) {
	c := s.Config()
	base := address(c, listener)
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
	line("Data", site.Shown(c.Data))
	line("Add it", sourceLine(base, c.Site.Name))
	if !c.FeedOptions()[0].OpenToRead {
		line("", "Only signed-in people may read: "+base+"/connect has the line with a key.")
	}
	if token != "" {
		line("Set up", base+"/setup/"+token)
		line("", "No account exists yet; this link makes the first one, an administrator, and works once.")
	}
	fmt.Fprint(r.errs, b.String())
}

// sourceLine is the command that adds the main feed to a client, under the name
// that the Connect page gives it. Today's clients
// refuse plain HTTP, also on the loopback, unless they are told (PROTO-11.3).
func sourceLine(base, name string) string {
	line := "dotnet nuget add source " + base + "/v3/index.json --name " + ui.SourceName(name, config.MainFeed)
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
