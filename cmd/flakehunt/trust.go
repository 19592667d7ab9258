package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/rundir"
)

// checkoutKey gives the key with which findings of this checkout are sealed: kept
// in git's own directory, which no clone and no artifact carries, or else the user's.
func checkoutKey(ctx context.Context) (rundir.Key, error) {
	if dir, err := git(ctx, "rev-parse", "--git-common-dir"); err == nil {
		return rundir.LoadKey(filepath.Join(strings.TrimSpace(dir), "flakehunt-key"))
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	return rundir.LoadKey(filepath.Join(dir, "flakehunt", "key"))
}

// consent is the flag of commands that run what a finding file says.
type consent struct{ yes bool }

func (c *consent) register(fs *pflag.FlagSet) {
	fs.BoolVar(&c.yes, "yes", false, "run the command that the finding's file names, also if the file was not written in this checkout")
}

// confirm makes sure that the user wants to run what a finding file says. One
// that this checkout wrote, or a shipped suite's, is not asked about.
func (c *consent) confirm(ctx context.Context, a *app, f *harness.Finding) error {
	if c.yes || f.Target.Kind == harness.ShippedTarget {
		return nil
	}
	if key, err := checkoutKey(ctx); err == nil && key.Sealed(f) {
		return nil
	}
	words := shown(f)
	in, ok := a.in.(*os.File)
	if !ok || !isatty.IsTerminal(in.Fd()) {
		return usagef("%s was not written in this checkout, and its replay would run: %s: read that, and add --yes if it is what you want", f.ID, words)
	}
	fmt.Fprintf(a.err, "%s was not written in this checkout. Its replay runs\n  %s\nRun it? [y/N] ", f.ID, words)
	line, _ := bufio.NewReader(in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
		return nil
	}
	return usagef("%s: not run", f.ID)
}

// plainWord is what is shown without quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shown is all that a finding's replay runs, whole, with nothing that a terminal obeys.
func shown(f *harness.Finding) string {
	var words []string
	add := func(list ...string) {
		for _, w := range list {
			if !plainWord.MatchString(w) {
				w = strconv.QuoteToASCII(w)
			}
			words = append(words, w)
		}
	}
	t := f.Target
	add(t.Env...)
	add(t.Argv...)
	if t.OneTest != "" {
		words = append(words, "with one test:")
		add(t.OneTest)
	}
	if t.Dir != "" {
		words = append(words, "in")
		add(t.Dir)
	}
	return strings.Join(words, " ")
}
