package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness/gate"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// gateFlags are the flags of gate.
type gateFlags struct {
	maxRates                      []string
	db, quarantine, since, branch string
	alpha                         float64
	minMargin                     time.Duration
	last                          int
	dryRun                        bool
	junit                         []string
	meta                          trend.Meta // with junit: what the files are of
}

func newGateCmd(a *app) *cobra.Command {
	var f gateFlags
	c := &cobra.Command{
		Use:   "gate [DIR | --junit GLOB]",
		Short: "Pass or fail a pipeline against history",
		Long: `Say whether a pipeline may go on, given what a run wrote to DIR (default
flakehunt-out) and what the history says; or with --junit, given the test reports
of an ordinary CI run, with no hunt at all. It stops at

  a test that fails every time, or a data race
  a new flake: a failure that the history does not know
  a regression: a test that fails more often than in the history; the chance of
    one or more false alarms over all tests together is --alpha
  a margin below --min-margin
  a quarantine entry that has run out, or a quarantined test that fails in
    another way than the one excused

With --junit, all files that match are one run, of any format that import reads.
What a single execution leaves open the history decides: a failure that it knows,
of a test that passes at times, is a known flake; it is a regression when the
last ten runs failed more often than those before. The history needs no hunt
either: import fills it. Import the files after the gate, or before it.

` + exitHelp,
		Example: `  flakehunt gate --db flakehunt.db
  flakehunt gate --db flakehunt.db --quarantine quarantine.yaml --min-margin 20ms
  flakehunt gate --db flakehunt.db --since origin/main      new and changed tests only
  flakehunt gate --db flakehunt.db --junit 'reports/**/*.xml' && flakehunt import --db flakehunt.db reports`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("gate: want at most one directory, the one that --out of run named")
			}
			if len(args) == 1 && len(f.junit) > 0 {
				return usagef("gate: want a directory or --junit, not both")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			dir := "flakehunt-out"
			if len(args) == 1 {
				dir = args[0]
			}
			return judge(c.Context(), a, dir, f)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.db, "db", "", "history database (default: none, only failures count)")
	fs.StringVar(&f.quarantine, "quarantine", "", "YAML file of excused flakes: test or fingerprint, owner, reason, expires")
	fs.StringVar(&f.since, "since", "", "only tests that are new, or in files changed since this git revision")
	fs.StringVar(&f.branch, "branch", "", "compare with runs of this branch only (default: all)")
	fs.Float64Var(&f.alpha, "alpha", 0.01, "chance of a false regression, over all tests together")
	fs.DurationVar(&f.minMargin, "min-margin", 0, "least timing margin of a test, such as 20ms (default: none)")
	fs.StringSliceVar(&f.maxRates, "max-rate", nil, "most that a test may fail alone, in its suite or under load, as in alone=0,load=0.05; run measures them by --rates")
	fs.IntVar(&f.last, "last", 50, "compare with so many of the newest runs")
	fs.StringArrayVar(&f.junit, "junit", nil, "instead of DIR: test reports of this run, as 'reports/**/*.xml'; may be given again")
	fs.StringVar(&f.meta.CIRun, "ci-run", "", "with --junit: the CI run that the files are of, as import was told")
	fs.StringVar(&f.meta.Commit, "commit", "", "with --junit: the commit that the files are of")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would happen, and end with 0")
	return c
}

func (f *gateFlags) check() error {
	switch {
	case !(f.alpha > 0 && f.alpha < 1):
		return usagef("--alpha %v: want a chance between 0 and 1, such as 0.01", f.alpha)
	case f.minMargin < 0:
		return usagef("--min-margin %s: want a duration that is not negative, such as 20ms", f.minMargin)
	case f.last < 1:
		return usagef("--last %d: want at least 1", f.last)
	}
	return nil
}

// judge compares a run with the history, prints the verdict, and turns it into an
// exit code.
func judge(ctx context.Context, a *app, dir string, f gateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	r, same, err := judged(&a.messages, dir, f)
	if err != nil {
		return err
	}
	in := gate.Input{Current: r}
	cfg := gate.Config{Alpha: f.alpha, MinMargin: f.minMargin, Since: f.since, Now: time.Now()}
	for _, s := range f.maxRates {
		m, err := gate.ParseMaxRate(s)
		if err != nil {
			return usagef("--max-rate %w", err)
		}
		cfg.MaxRates = append(cfg.MaxRates, m)
	}
	if f.quarantine != "" {
		text, err := os.ReadFile(f.quarantine)
		if err != nil {
			return usagef("--quarantine: %w: name a file, or leave it out", err)
		}
		if cfg.Quarantine, err = gate.ParseQuarantine(f.quarantine, text); err != nil {
			return usagef("%w", err)
		}
	}
	if f.since != "" {
		if cfg.Changed, err = changedFiles(ctx, f.since); err != nil {
			return err
		}
	}
	if err := baseline(ctx, &a.messages, &in, same, f); err != nil {
		return err
	}
	v := gate.Decide(in, cfg)
	if a.json {
		err = a.printJSON(v)
	} else {
		err = v.Text(a.out)
	}
	switch {
	case err != nil:
		return harnessError(fmt.Errorf("print the verdict: %w", err))
	case v.Exit != exitFlaky && same.damaged > 0 && !f.dryRun:
		return harnessError(fmt.Errorf("%s could not be read whole, so that no failure is no pass", phrase.Plural(same.damaged, "report")))
	case v.Exit == exitClean:
		return nil
	case f.dryRun:
		a.notef("dry run: without --dry-run this ends with exit code %d", v.Exit)
		return nil
	}
	return &exitError{code: v.Exit}
}

// baseline loads what the current run is compared with. A history that is not
// there yet is no error: a pipeline's first run has none.
func baseline(ctx context.Context, say *messages, in *gate.Input, same reportSet, f gateFlags) error {
	if f.db == "" {
		return nil
	}
	if _, err := os.Stat(f.db); errors.Is(err, fs.ErrNotExist) {
		say.notef("--db %s is not there yet: only failures count; record runs with 'flakehunt run --db %s', or reports with 'flakehunt import --db %s'", f.db, f.db, f.db)
		return nil
	}
	s, err := openHistory(ctx, f.db)
	if err != nil {
		return err
	}
	defer s.Close()
	conditions := trend.ConditionsOf(in.Current)
	q := store.Query{Branch: f.branch, Conditions: &conditions, Last: f.last,
		Except: []string{store.RunID(in.Current, trend.MetaOf(in.Current.Meta))}}
	if len(f.junit) > 0 { // the files may have been imported already
		if q.Except, err = s.RunsOfContent(ctx, same.contents); err != nil {
			return harnessError(err)
		}
		if f.meta.CIRun != "" {
			q.Except = append(q.Except, ciRunID(f.meta))
		}
	}
	if in.Baseline, err = s.History(ctx, q); err == nil {
		in.Known, err = s.Known(ctx, q)
	}
	if err == nil {
		in.Findings, err = s.Findings(ctx, q)
	}
	if err != nil {
		return harnessError(err)
	}
	return nil
}
