package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/reports"
)

func newReportCmd(a *app) *cobra.Command {
	var formats []string
	var to, junitFlaky, db string
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Write the reports again from what a run recorded",
		Long: `Write the reports again from what a run recorded in its output directory.
A run that was killed left no result.json: then what it was asked to do (run.json),
its journal (trials.jsonl) and the findings that it had proven are read.

` + exitHelp,
		Example: `  flakehunt report flakehunt-out
  flakehunt report flakehunt-out --format junit,md --to artifacts`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("report: want the directory that --out named, as in 'flakehunt report flakehunt-out'")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := reports.Select(formats); err != nil {
				return usagef("--format: %w", err)
			}
			r, err := readRun(args[0])
			if err != nil {
				return err
			}
			a.mask.In(r)
			if to == "" {
				to = args[0]
			}
			if err := os.MkdirAll(to, 0o700); err != nil {
				return usagef("--to %s: %w", to, unwrapPath(err))
			}
			past, err := pastOf(c.Context(), a, db, r)
			if err != nil {
				return err
			}
			files, err := reports.WriteAll(to, formats, r, withPast(reports.Options{JUnitFlaky: junitFlaky}, past))
			if err != nil {
				return harnessError(err)
			}
			if !a.quiet {
				if err := reports.Terminal(a.out, r, a.form()); err != nil {
					return harnessError(err)
				}
			}
			a.notef("written: %s", strings.Join(files, " "))
			return nil
		},
	}
	c.Flags().StringSliceVar(&formats, "format", nil, "which: "+strings.Join(formatNames(), ",")+" (default: all)")
	c.Flags().StringVar(&to, "to", "", "directory to write to (default: the one that is read)")
	c.Flags().StringVar(&db, "db", "", "history database, for what earlier runs say of each test (default: none)")
	c.Flags().StringVar(&junitFlaky, "junit-flaky", "pass", "a flaky test in junit.xml: pass or fail")
	return c
}

// pastOf reads from a history that is there what runs like this one said; an empty
// path names none.
func pastOf(ctx context.Context, a *app, db string, r *harness.Result) (*trend.History, error) {
	if db == "" {
		return nil, nil
	}
	s, err := openHistory(ctx, db)
	if err != nil {
		return nil, err
	}
	d := &database{say: &a.messages, path: db, store: s}
	defer d.close()
	return d.past(ctx, r)
}

// readRun reads what a run recorded: its result, or its journal if it never
// came to write one.
func readRun(dir string) (*harness.Result, error) {
	f, err := os.Open(filepath.Join(dir, "result.json"))
	if err == nil {
		defer f.Close()
		r, err := reports.ReadJSON(f)
		if err != nil {
			return nil, usagef("%s: %w", f.Name(), err)
		}
		return r, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s: %w", dir, unwrapPath(err))
	}
	rec, err := rundir.Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("%s holds neither result.json nor %s: name the directory that --out named", dir, trial.JournalName)
	case err != nil:
		return nil, usagef("%w", err)
	case len(rec.Trials) == 0 && rec.Asked.Run == "":
		return nil, usagef("%s: no trial had finished", filepath.Join(dir, trial.JournalName))
	}
	return rec.Result(), nil
}

func formatNames() []string {
	var names []string
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	return names
}
