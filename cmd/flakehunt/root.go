package main

// Output rules. What was asked for goes to standard output: the table, the
// list, the JSON. Progress, notes and errors go to standard error. An error is
// one line, "flakehunt: what: how to mend it". Colour only on a terminal and
// never with NO_COLOR.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Exit codes, as every --help says them.
const (
	exitClean       = verdict.ExitClean
	exitFlaky       = verdict.ExitFlaky
	exitUsage       = verdict.ExitUsage
	exitHarness     = verdict.ExitHarness
	exitUndecided   = verdict.ExitUndecided
	exitInterrupted = verdict.ExitInterrupted
)

const exitHelp = `Exit codes:
  0    clean
  1    a flake, a failure or a gate breach
  2    usage: a flag, argument or settings file is wrong
  3    the harness or Redis could not do its work
  4    undecided within the budget
  130  interrupted; partial reports are still written`

// exitError carries an exit code with an error.
type exitError struct {
	code int
	err  error // nil: said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is bad input: exit 2.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// harnessError is the harness's own failure: exit 3.
func harnessError(err error) error { return &exitError{exitHarness, err} }

// app is what all commands share.
type app struct {
	messages
	printer
	in io.Reader
}

// run is the whole program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	mask := maskFor(args)
	stdout, stderr = mask.Writer(stdout), mask.Writer(stderr)
	a := &app{messages: messages{err: stderr, mask: mask}, printer: printer{out: stdout}, in: stdin}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var e *exitError
	switch {
	case err == nil:
		return exitClean
	case ctx.Err() != nil && errors.As(err, &e) && (e.code == exitUsage || e.code == exitHarness) && !errors.Is(err, errLost):
		// What was asked to end in the midst says so in its own words: the compiler, Redis.
		fmt.Fprintln(stderr, "flakehunt: interrupted")
		return exitInterrupted
	case errors.As(err, &e):
		if e.err != nil {
			fmt.Fprintf(stderr, "flakehunt: %s\n", told(e.err))
		}
		return e.code
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		fmt.Fprintln(stderr, "flakehunt: interrupted")
		return exitInterrupted
	}
	// What cobra itself finds wrong is usage.
	fmt.Fprintf(stderr, "flakehunt: %s\n", usageWords(root, err))
	return exitUsage
}

// told is an error as it is printed: one line, unless it quotes a program's last words.
func told(err error) string {
	if u := new(runner.Unusable); errors.As(err, &u) {
		return u.Error()
	}
	return oneLine(err)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "flakehunt",
		Short: "Find, reproduce, explain and gate flaky tests that talk to Redis",
		Long: `flakehunt replays a test suite against a real Redis many times, through a proxy
that understands Redis and delays just the command that matters.

flakehunt completion SHELL writes a completion script (bash, zsh, fish, powershell).

` + exitHelp,
		Example: `  flakehunt run                        the suites that ship with it
  flakehunt run -- go test ./...       your Go tests
  flakehunt run -- npx vitest run      a suite of vitest; so for jest, mocha, pytest, …`,
		Version:            builtFrom().String(),
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true, // they take several lines
		CompletionOptions:  cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	f := root.PersistentFlags()
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say what is done, in detail")
	f.BoolVar(&a.json, "json", false, "print the result as JSON on standard output")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return flagError(c, err)
	})
	root.SetVersionTemplate("flakehunt {{.Version}}\n")
	for _, c := range commands(a) {
		if c.Args == nil {
			c.Args = noArgs
		}
		root.AddCommand(c)
	}
	return root
}

// commands is the table of all commands, one file each.
func commands(a *app) []*cobra.Command {
	return append([]*cobra.Command{
		newRunCmd(a),
		newReproCmd(a),
		newVerifyCmd(a),
		newHistoryCmd(a),
		newListCmd(a),
		newReportCmd(a),
		newDoctorCmd(a),
		newVersionCmd(a),
		newManCmd(a),
	}, historyCommands(a)...)
}

// atLeastOne refuses a command without arguments in these words.
func atLeastOne(args []string, words string) error {
	if len(args) == 0 {
		return usagef("%s", words)
	}
	return nil
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q; see '%s --help'", c.Name(), args[0], c.CommandPath())
	}
	return nil
}

func oneLine(err error) string {
	s := strings.TrimSpace(err.Error())
	s = strings.ReplaceAll(s, "\r", "")
	return strings.ReplaceAll(s, "\n", "; ")
}
