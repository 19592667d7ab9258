package main

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/reports"
)

// allConditions is the value of --conditions that takes every run.
const allConditions = "all"

func newTrendCmd(a *app) *cobra.Command {
	var db, html, branch, conditions string
	var suites []string
	var last int
	c := &cobra.Command{
		Use:   "trend",
		Short: "Pass rates over time, with the change points",
		Long: `Say how tests did over time: failure rates, the commits between which they
changed, what is fixed since when, best and worst, and how margins moved.

Only runs under equal conditions compare (variant, injected latency, virtual
time); the newest run's are taken unless --conditions says otherwise.

` + exitHelp,
		Example: "  flakehunt trend --db flakehunt.db\n  flakehunt trend --db flakehunt.db --html trend.html --branch main",
		RunE: func(c *cobra.Command, args []string) error {
			if last < 0 {
				return usagef("--last %d: want a number of runs, or 0 for all", last)
			}
			s, err := openHistory(c.Context(), db)
			if err != nil {
				return err
			}
			defer s.Close()
			q := store.Query{Branch: branch, Suites: suites, Last: last}
			if c.Flags().Changed("conditions") {
				if conditions != allConditions {
					q.Conditions = &conditions
				}
			} else if err := newestConditions(c.Context(), &a.messages, s, &q); err != nil {
				return err
			}
			h, err := s.History(c.Context(), q)
			if err != nil {
				return harnessError(err)
			}
			return printTrend(a, trend.Analyze(h), html)
		},
	}
	f := c.Flags()
	f.StringVar(&db, "db", "", "history database")
	f.StringVar(&html, "html", "", "write one self-contained HTML page to this file")
	f.StringVar(&branch, "branch", "", "only runs of this branch")
	f.StringSliceVar(&suites, "suite", nil, "only tests of this suite (repeatable)")
	f.StringVar(&conditions, "conditions", "", "only runs under these conditions, as --json names them, or 'all' (default: the newest run's)")
	f.IntVar(&last, "last", 0, "only so many of the newest runs (default: all)")
	return c
}

// newestConditions restricts the query to the newest run's conditions, and says
// what that leaves out.
func newestConditions(ctx context.Context, say *messages, s *store.Store, q *store.Query) error {
	newest, left, err := s.Conditions(ctx, *q)
	if err != nil {
		return harnessError(err)
	}
	q.Conditions = &newest
	if left > 0 {
		say.notef("%d runs under other conditions are left out: see --conditions", left)
	}
	return nil
}

// printTrend prints what became of the tests, and writes it as a page if html names one.
func printTrend(a *app, r *trend.Report, html string) error {
	if html != "" {
		var b bytes.Buffer
		if err := reports.TrendHTML(&b, r, reports.Options{}); err != nil {
			return harnessError(err)
		}
		if err := rundir.WriteWhole(html, b.Bytes()); err != nil {
			return usagef("--html %s: %w: name a file in a directory that can be written", html, unwrapPath(err))
		}
		abs, err := filepath.Abs(html)
		if err != nil {
			abs = html
		}
		a.notef("written: %s", abs)
	}
	if a.json {
		return reports.TrendJSON(a.out, r)
	}
	if err := reports.TrendTerminal(a.out, r, a.form()); err != nil {
		return harnessError(err)
	}
	return nil
}
