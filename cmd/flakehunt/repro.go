package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/replay"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// actionHelp has a line for each action of a decision.
func actionHelp() string {
	var b strings.Builder
	for _, f := range harness.Faults() {
		fmt.Fprintf(&b, "  %-10s %s\n", f.Action, f.Help)
	}
	return b.String()
}

func newReproCmd(a *app) *cobra.Command {
	var n int
	var agreed consent
	var env environment
	c := &cobra.Command{
		Use:   "repro FINDING|FILE",
		Short: "Replay one failure: how often does its schedule make the test fail?",
		Long: `Replay the schedule of a finding on the test it was found in, n times, and say
how often it failed in the same way: reproduced k/n, did not reproduce, another
failure now, or diverged at the first point of the schedule that no longer appears.

A finding's file names a command. One that was not written in this checkout is
shown and asked about first; --yes answers that.

A schedule's decisions are of these actions:
` + actionHelp() + `
FINDING is an ID such as F-1a2b3c4d, looked up in --out; FILE is a path.
It ends with 1 when the failure was reproduced and with 0 when it was not, as
'git bisect run' wants it; with 4 when the schedule no longer applies, the test
fails in another way or was skipped; with 3 when the code does not build.

` + exitHelp,
		Example: "  flakehunt repro F-1a2b3c4d\n  flakehunt repro flakehunt-out/findings/F-1a2b3c4d.json -n 100",
		Args:    oneFinding,
		RunE: func(c *cobra.Command, args []string) error {
			if n < 1 {
				return usagef("-n %d: want at least 1", n)
			}
			f, err := findFinding(args[0], env.out)
			if err != nil {
				return err
			}
			if err := agreed.confirm(c.Context(), a, f); err != nil {
				return err
			}
			if err := unmask(f); err != nil {
				return err
			}
			pool, _, done, err := env.start(c.Context(), a, f.Target)
			if err != nil {
				return err
			}
			defer done()
			r, err := replay.Replay(c.Context(), pool, f, n)
			if err != nil {
				if c.Context().Err() != nil {
					return c.Context().Err()
				}
				return redisError(err)
			}
			return reproduced(&a.printer, f, r)
		},
	}
	c.Flags().IntVarP(&n, "count", "n", 20, "how often")
	agreed.register(c.Flags())
	env.register(c.Flags())
	return c
}

// reproduced prints what came of a replay and turns it into an exit code.
func reproduced(p *printer, f *harness.Finding, r *replay.Replayed) error {
	if err := printReplay(p, f, r); err != nil {
		return err
	}
	switch {
	case r.Count.K > 0:
		return &exitError{code: exitFlaky}
	case r.Other.K > 0 || !r.Diverged.IsZero() || r.Count.N+r.Blocked == 0:
		return &exitError{code: exitUndecided}
	}
	return nil
}

// printReplay prints how often the finding's schedule made its test fail.
func printReplay(p *printer, f *harness.Finding, r *replay.Replayed) error {
	rate := stats.ClopperPearson(r.Count.K, r.Count.N, 0.95)
	if p.json {
		return p.printJSON(struct {
			ID, Class, Test, Verdict string
			Count, Other             harness.Count
			RateLo, RateHi           float64
			Blocked, Skipped, Lost   int
			Diverged                 harness.Point `json:",omitzero"`
		}{f.ID, string(f.Class), r.Test, r.Verdict(), r.Count, r.Other, rate.Lo, rate.Hi, r.Blocked, r.Skipped, r.Lost, r.Diverged})
	}
	fmt.Fprintf(p.out, "%s  %s  %s\n", f.ID, f.Class, f.Title)
	fmt.Fprintf(p.out, "%s  %s", r.Test, r.Verdict())
	if r.Count.K > 0 {
		fmt.Fprintf(p.out, "  (fails with this schedule at a rate in %.0f–%.0f %%, at 95 %%)", 100*rate.Lo, 100*rate.Hi)
	}
	fmt.Fprintln(p.out)
	leftOut(p.out, r)
	if f.Standing == harness.Latent {
		fmt.Fprintln(p.out, "  it was predicted from passing runs: nothing had failed yet")
	}
	if len(f.Schedule.Decisions) == 0 && f.Standing == harness.Latent {
		fmt.Fprintln(p.out, "  schedule: none; the test runs alone, on an empty Redis")
	}
	for _, d := range f.Schedule.Decisions {
		fmt.Fprintf(p.out, "  schedule: %s\n", d)
	}
	if slices.ContainsFunc(f.Schedule.Decisions, func(d harness.Decision) bool { return !d.OnlyDelays() }) {
		fmt.Fprintln(p.out, "  it ends a connection, which no delay does: what fails needs a lost connection")
	}
	for _, o := range r.Outcomes {
		if o.Verdict == harness.Failed && (r.Other.K == 0 || r.Reworded) {
			fmt.Fprintf(p.out, "  it says: %s\n", phrase.FirstLine(o.Failure.Message))
			break
		}
	}
	return nil
}

// leftOut prints what a count of failures leaves out.
func leftOut(out io.Writer, r *replay.Replayed) {
	if r.Of > 1 {
		fmt.Fprintf(out, "  of the %d tests that it was found in this one was replayed\n", r.Of)
	}
	if r.Count.K > 0 && r.Other.K > 0 {
		fmt.Fprintf(out, "  %d more failed in another way: %s\n", r.Other.K, phrase.FirstLine(r.OtherBy.Message))
	}
	if r.Reworded {
		fmt.Fprintf(out, "  it fails in other words than before, and in 0 of %d trials with nothing injected\n", r.Control.N)
	}
	if r.Lost > 0 {
		fmt.Fprintf(out, "  %s lost: Redis or the machine failed\n", phrase.Plural(r.Lost, "trial"))
	}
}

func oneFinding(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s: want one finding, an ID such as F-1a2b3c4d or a file; a run's table lists them", c.Name())
	}
	return nil
}

// findFinding reads a finding from a file, or by its ID from the output directory.
func findFinding(name, out string) (*harness.Finding, error) {
	path := name
	if strings.HasPrefix(name, "F-") && !strings.ContainsAny(name, `/\`) {
		var err error
		if path, err = rundir.FindFinding(out, strings.TrimSuffix(name, ".json")); err != nil {
			return nil, usagef("%w", err)
		}
	}
	f, err := rundir.ReadFinding(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("no finding %s: %s does not exist; name the run's directory with --out, or the file itself", name, path)
	}
	if err != nil {
		return nil, usagef("finding %s: %w", path, unwrapPath(err))
	}
	return f, nil
}
