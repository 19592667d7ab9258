package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/replay"
)

func newVerifyCmd(a *app) *cobra.Command {
	var n int
	var agreed consent
	var env environment
	var defects []string
	var variant string
	var maxDelay time.Duration
	c := &cobra.Command{
		Use:   "verify FINDING|FILE",
		Short: "Is the fix real? Replay the guilty schedule on the changed code",
		Long: `Replay the schedule of a finding on the code as it is now. Only a failure like
the finding's counts as it. The answer is one of:

  fixed                  nothing failed: not the schedule, not a delay of up to
                         --max-delay, and not a hunt afresh of the test
  still failing          under the schedule, or under another that was found afresh
  moved: margin a → b    it tolerates more than before, as after a longer sleep, but
                         less than --max-delay
  another failure now    the test fails in another way
  undecided              so few runs failed before that as many pass by chance

It ends with 0 when fixed, with 4 when undecided, with 3 when the code does not
build, and with 1 for all others.

` + exitHelp,
		Example: "  flakehunt verify F-1a2b3c4d\n  flakehunt verify F-1a2b3c4d -n 59",
		Args:    oneFinding,
		RunE: func(c *cobra.Command, args []string) error {
			if n < 1 {
				return usagef("-n %d: want at least 1", n)
			}
			f, err := findFinding(args[0], env.out)
			if err != nil {
				return err
			}
			if c.Flags().Changed("variant") {
				f.Target.Variant, f.Target.Defects = variant, nil
			}
			if c.Flags().Changed("defect") {
				f.Target.Defects = defects
			}
			if err := agreed.confirm(c.Context(), a, f); err != nil {
				return err
			}
			if err := unmask(f); err != nil {
				return err
			}
			return verify(c.Context(), a, f, env, n, maxDelay)
		},
	}
	c.Flags().IntVarP(&n, "count", "n", 20, "how often")
	c.Flags().DurationVar(&maxDelay, "max-delay", hunt.MaxDelay, "what tolerates a frame that is so late counts as fixed")
	c.Flags().StringVar(&variant, "variant", "", "for the shipped suites: verify against this variant instead of the finding's")
	c.Flags().StringSliceVar(&defects, "defect", nil, "for the shipped suites: with these defects instead of the finding's")
	agreed.register(c.Flags())
	env.register(c.Flags())
	return c
}

// verify replays a finding on the code as it is now, prints what came of it, and
// turns it into an exit code.
func verify(ctx context.Context, a *app, f *harness.Finding, env environment, n int, maxDelay time.Duration) error {
	if maxDelay <= 0 {
		return usagef("--max-delay %s: want more than 0", maxDelay)
	}
	pool, r, done, err := env.start(ctx, a, f.Target)
	if err != nil {
		return err
	}
	defer done()
	v, err := replay.Verify(ctx, hunt.Config{
		Target: f.Target, Runner: r, Executor: pool, Seed: f.Seed, Budget: hunt.Budget{MaxDelay: maxDelay},
	}, f, n)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return redisError(err)
	}
	if a.json {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "%s  %s  %s\n%s  %s\n", f.ID, f.Class, f.Title, v.Test, v.Sentence())
		leftOut(a.out, v.Replay)
	}
	switch v.Repair {
	case replay.Fixed:
		return nil
	case replay.Undecided:
		return &exitError{code: exitUndecided}
	}
	return &exitError{code: exitFlaky}
}
