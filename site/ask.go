package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"nougat/config"
	"nougat/gallery"
)

var (
	// errNobody means that no server answers on the control socket.
	errNobody = errors.New("no server runs on the data")
	// errLeaving means that the server that answered is stopping.
	errLeaving = errors.New("the server is stopping")
)

// Ask runs a verb where the data is: in the server that holds it, else here, where
// absent says what becomes of a folder that does not exist. It waits up to five
// seconds for a server that starts or stops, and for another verb that has the
// data open here.
//
// The error is the verb's (of a refusal in the server a *gallery.Error with its
// kind and text), a *config.Error, or a sentence: that ctx ended, that the data
// cannot be opened, that a server of another version does not know the verb.
func Ask[In, Out any](ctx context.Context, l *config.Layers, absent Absence, v Verb[In, Out], in In) (Out, error) {
	var out Out
	c, _, err := l.Merge()
	if err != nil {
		return out, err
	}
	err = reach(ctx, c.Data, func() (err error) {
		out, err = askServer(ctx, c.Data, v, in)
		return err
	}, func() error {
		s, err := open(ctx, l, absent, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		out, err = v.Run(ctx, s, in)
		return errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	})
	return out, err
}

// Stop stops the server that runs on the data and returns when its process has
// gone, or when ctx ends. That no server runs is an error.
func Stop(ctx context.Context, l *config.Layers) error {
	c, _, err := l.Merge()
	if err != nil {
		return err
	}
	if !isData(c.Data) {
		return fmt.Errorf("There is no gallery in %s. Name its folder with --data.", Shown(c.Data))
	}
	return reach(ctx, c.Data, func() error {
		answer, err := post(ctx, c.Data, "/stop", nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body) // ends when the process does
		return ctx.Err()
	}, func() error {
		records, err := peek(ctx, c.Data)
		if err != nil {
			return err
		}
		return errors.Join(fmt.Errorf("No server runs on the data in %s.", Shown(c.Data)), records.Close())
	})
}

// askServer runs a verb in the server that runs on the data. It returns errNobody
// or errLeaving where the data can be opened instead, now or soon.
func askServer[In, Out any](ctx context.Context, data string, v Verb[In, Out], in In) (Out, error) {
	var out Out
	answer, err := post(ctx, data, runPath(v.Name), in)
	if err != nil {
		if errors.Is(err, errNobody) || ctx.Err() != nil {
			return out, err
		}
		return out, fmt.Errorf("The server that runs on the data did not answer: %w", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		err = json.NewDecoder(answer.Body).Decode(&out)
	case http.StatusConflict:
		var no refusal
		if err = json.NewDecoder(answer.Body).Decode(&no); err == nil {
			return out, &gallery.Error{Kind: no.Kind, Msg: no.Message}
		}
	case http.StatusServiceUnavailable:
		return out, errLeaving
	case http.StatusNotFound:
		return out, &gallery.Error{Kind: gallery.NotFound, Msg: fmt.Sprintf("The server that runs on the data is another version of nougat and does not know \"nougat %s\". Use the program that it was started with, or stop it and start this one.", v.Name)}
	default:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return out, fmt.Errorf("The server that runs on the data is another version of nougat: %s", bytes.TrimSpace(text))
	}
	if err != nil {
		return out, fmt.Errorf("The server's answer was cut off: %w", err)
	}
	return out, nil
}

// runPath is where the control socket serves a verb.
func runPath(verb string) string { return "/run/" + url.PathEscape(verb) }

// dialControl connects to the server that runs on the data, or says errNobody.
func dialControl(ctx context.Context, data string) (net.Conn, error) {
	for _, path := range socketPaths(data) {
		if folder := filepath.Dir(path); folder == userFolder() && ownFolder(folder) != nil {
			continue
		}
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "unix", path); err == nil {
			return conn, nil
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, errNobody
}

// post sends a request through the control socket. Whoever gets no error closes
// the body of the answer.
func post(ctx context.Context, data, path string, body any) (*http.Response, error) {
	conn, err := dialControl(ctx, data)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	used := false
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		if used {
			return nil, errNobody
		}
		used = true
		return conn, nil
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

// errInterrupted is the answer to a Ctrl-C.
var errInterrupted = errors.New("Interrupted before the answer came.")

// reach does something where the data is: inside the server that holds it, or
// here once nobody does. It goes on trying for five seconds, so that a server
// that starts or stops right now is no error.
func reach(ctx context.Context, data string, inside, here func() error) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errInterrupted
		}
	}()
	for until := time.Now().Add(controlTimeout); ; {
		err := inside()
		if !errors.Is(err, errNobody) && !errors.Is(err, errLeaving) {
			return err
		}
		if err := here(); !errors.Is(err, errHeld) {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("Another process holds the data in %s and does not answer on its control socket.", Shown(data))
		}
		select {
		case <-time.After(controlPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
