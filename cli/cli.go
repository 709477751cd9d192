// Package cli is the command line: its grammar and help, what each verb asks for
// and prints, the server's start and end, exit codes. Verbs that work on the data
// are package site's; what they may do is gallery's. It must never open the data
// by itself or decide what may happen.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"nougat/config"
	"nougat/gallery"
)

// Main runs the command line of this process, ends the process, and is all of main.
func Main() { os.Exit(program(os.Args[1:])) }

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // failed, verify found something, or another process holds the data
	exitUsage  = 2 // wrong command line or configuration
)

// program runs one command line and returns the exit code.
func program(args []string) int {
	s := &run{in: os.Stdin, out: os.Stdout, errs: os.Stderr}
	verb, err := s.parse(args, os.Environ())
	if err == nil {
		err = verb.Run(s)
	}
	return report(s.errs, err)
}

// report prints what went wrong and returns the exit code for it.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errFindings) {
		return exitFailed
	}
	fmt.Fprintln(w, "nougat: "+explain(err))
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	return exitFailed
}

// A usageError is a wrong command line: exit code 2, as for a configuration that
// cannot be used.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// explain is the sentence of an error: of a refusal its text for people and,
// since the person at the command line is the operator, its cause.
func explain(err error) string {
	e, ok := errors.AsType[*gallery.Error](err)
	if !ok || e.Msg == "" {
		return err.Error()
	}
	lines := []string{e.Msg}
	if len(e.Details) > 1 {
		lines = e.Details
	}
	if e.Err != nil {
		lines = append(lines, "The cause: "+e.Err.Error())
	}
	return strings.Join(lines, "\n")
}

// A run is one run of the program: its command line, its configuration and its
// terminal.
type run struct {
	in, out, errs *os.File
	layers        *config.Layers
}

// interruptible is a context that ends at the first Ctrl-C or SIGTERM. The
// second has its usual effect.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// A verb is one command of the command line.
type verb interface{ Run(*run) error }
