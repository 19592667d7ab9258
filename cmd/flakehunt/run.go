package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
)

// strategyHelp has a line for each strategy.
func strategyHelp() string {
	var b strings.Builder
	for _, name := range explore.Names() {
		fmt.Fprintf(&b, "  %-10s %s\n", name, explore.Doc(name))
	}
	return b.String()
}

func newRunCmd(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [flags] [smoke|integration]… | run [flags] -- COMMAND…",
		Short: "Run a suite many times and hunt its flakes",
		Long: `Run a suite many times against a Redis of its own, through a proxy that delays
just the commands that matter, and report every race, expiry and ordering
failure with its cause.

Strategies, beside directed, which aims at what the histories predict:
` + strategyHelp() + `
` + exitHelp,
		Example: `  flakehunt run
  flakehunt run smoke --redis server --trials 50
  flakehunt run --variant as-described --waits fixed
  flakehunt run --strategy latency --latency 60ms --jitter 60ms --seed 1
  flakehunt run -- go test ./...`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			suites, command := args, []string(nil)
			if n := c.ArgsLenAtDash(); n >= 0 {
				suites, command = args[:n], args[n:]
				if len(command) == 0 {
					return usagef("run: nothing follows --; write the test command there, as in 'flakehunt run -- go test ./...'")
				}
			}
			set, err := loadSettings(f.config, c.Flags())
			if err != nil {
				return err
			}
			if len(suites) == 0 && len(command) == 0 {
				suites, command = set.Suites, set.Command
			}
			if len(suites) > 0 && len(command) > 0 {
				return usagef("run: give suites of its own (%s) or a command after --, not both", strings.Join(suites, " "))
			}
			if !c.Flags().Changed("trials") && f.trials == 20 && f.untilDecided {
				f.trials = untilDecidedTrials
			}
			if err := f.check(); err != nil {
				return err
			}
			f.seedGiven = c.Flags().Changed("seed") || f.seed != 0
			if !f.seedGiven {
				if err := f.chooseSeed(c.Context()); err != nil {
					return err
				}
			}
			return runHunt(c.Context(), a, &f, suites, command)
		},
	}
	f.register(c.Flags())
	groupFlags(c, runGroups)
	return c
}

// runHunt is the whole of the run command.
func runHunt(ctx context.Context, a *app, f *runFlags, suites, command []string) error {
	ctx, s, err := open(ctx, a, f, suites, command)
	if err != nil {
		return err
	}
	defer s.close()
	result, err := s.execute(ctx)
	if result == nil {
		return err
	}
	return s.report(ctx, result, err)
}

// untilDecidedTrials is the most trials that a test gets under --until-decided
// when --trials does not say: with 299 clean ones "fails in less than 1 %" is decided.
const untilDecidedTrials = 400

// redisError is exit 3, unless it is bad input already.
func redisError(err error) error {
	var e *exitError
	if err == nil || errors.As(err, &e) {
		return err
	}
	if errors.Is(err, redisenv.ErrSpec) {
		return usagef("--redis: %w", err)
	}
	if u := new(runner.Unusable); errors.As(err, &u) && u.Usage {
		return usagef("%w", err)
	}
	return harnessError(err)
}
