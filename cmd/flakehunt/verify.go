package main

import (
	"context"
	"fmt"

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
	c := &cobra.Command{
		Use:   "verify FINDING|FILE",
		Short: "Is the fix real? Replay the guilty schedule on the changed code",
		Long: `Replay the schedule of a finding on the code as it is now. The answer is one of:
fixed, with the failure rate that is excluded; still failing, also when only the
margin moved, as it does after a longer sleep; or the schedule no longer applies,
and then the test is hunted afresh.

It ends with 0 when fixed, 1 when not, 4 when the schedule no longer applies and
nothing like it was found.

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
			return verify(c.Context(), a, f, env, n)
		},
	}
	c.Flags().IntVarP(&n, "count", "n", 20, "how often")
	c.Flags().StringVar(&variant, "variant", "", "for the shipped suites: verify against this variant instead of the finding's")
	c.Flags().StringSliceVar(&defects, "defect", nil, "for the shipped suites: with these defects instead of the finding's")
	agreed.register(c.Flags())
	env.register(c.Flags())
	return c
}

// verify replays a finding on the code as it is now, prints what came of it, and
// turns it into an exit code.
func verify(ctx context.Context, a *app, f *harness.Finding, env environment, n int) error {
	pool, done, err := env.start(ctx, a, f.Target)
	if err != nil {
		return err
	}
	defer done()
	r, err := runnerFor(ctx, &a.messages, f.Target)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := replay.Verify(ctx, hunt.Config{
		Target: f.Target, Runner: r, Executor: pool, Seed: f.Seed,
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
	}
	switch {
	case v.Repair == replay.Fixed:
		return nil
	case v.Repair == replay.NotApply && v.Fresh == nil:
		return &exitError{code: exitUndecided}
	}
	return &exitError{code: exitFlaky}
}
