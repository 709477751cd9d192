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
	"syscall"

	"nougat/config"
	"nougat/site"
)

// Main runs the command line of this process and ends it with the exit code.
func Main() { os.Exit(program(os.Args[1:])) }

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // failed, verify found something, or another process holds the data
	exitUsage  = 2 // wrong command line or configuration
)

// program runs one command line and returns the exit code.
func program(args []string) int {
	r := &run{in: os.Stdin, out: os.Stdout, errs: os.Stderr}
	verb, err := r.parse(args, os.Environ())
	if err == nil {
		err = verb.Run(r)
	}
	return report(r.errs, err)
}

// report prints what went wrong and returns the exit code for it.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errFindings) {
		return exitFailed
	}
	fmt.Fprintln(w, "nougat: "+site.Explain(err))
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	return exitFailed
}

// A usageError is a wrong command line, a sentence; the other half of exit code 2
// is config.Error.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
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

// A verb is one command of the command line: what it is given, as kong reads it,
// and how it prints what site answers.
type verb interface{ Run(*run) error }

// ask runs a verb in the server that holds the data, else here, until Ctrl-C.
func ask[In, Out any](r *run, absent site.Absence, v site.Verb[In, Out], in In) (Out, error) {
	ctx, stop := interruptible()
	defer stop()
	return site.Ask(ctx, r.layers, absent, v, in)
}
