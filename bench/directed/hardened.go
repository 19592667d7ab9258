package main

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/scenarios"
)

// hardened hunts both suites of the sound variant, once a seed. Every finding
// is printed: each would be a mistake, of the variant or of the hunt.
func hardened(ctx context.Context, o options) error {
	l, err := newLab(ctx, o, scenarios.All(), nil)
	if err != nil {
		return err
	}
	defer l.close()
	total := 0
	for i := range o.seeds {
		started := time.Now()
		r, err := hunt.Run(ctx, l.config(o.first+uint64(i), o.trials, nil))
		if err != nil {
			return err
		}
		aimed, failed, runs := 0, 0, 0
		for _, t := range r.Tests {
			aimed += t.Provoked.N
			failed += t.Provoked.K + t.Failures
			runs += t.Runs
		}
		fmt.Fprintf(o.out, "seed %d: %d findings, %d failures in %d survey and %d aimed runs, coverage %+v, %v (timers p99 %v)\n",
			r.Seed, len(r.Findings), failed, runs, aimed, *r.Coverage, time.Since(started).Round(time.Second), l.p99().Round(time.Millisecond))
		for _, f := range r.Findings {
			fmt.Fprintf(o.out, "    %s %s %s: %s\n        %v %v\n", f.ID, f.Class, f.Standing, f.Title, f.Tests, f.Schedule.Decisions)
			if f.Standing != harness.Latent {
				total++
			}
		}
	}
	fmt.Fprintf(o.out, "all: %d natural or provoked findings in %d hunts\n", total, o.seeds)
	return nil
}
