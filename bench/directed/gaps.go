package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios"
)

// gaps measures how many trials it takes to turn round a pair of commands that
// are 1 ms to 1 s apart, among 200 other commands.
func gaps(ctx context.Context, o options) error {
	var others []peer
	if o.peers {
		list, done, err := peersOf(ctx)
		if err != nil {
			return err
		}
		defer done()
		others = list
	}
	fmt.Fprintf(o.out, "%d seeds; executions that failed within 2 aimed trials; peers within %d and %d trials\n\n", o.seeds, surveyTrials+2, o.trials)
	for _, d := range []fixtures.Defect{fixtures.ListenerNotReady, fixtures.LostUpdate, fixtures.CheckThenActOnce} {
		if !slices.Contains(o.defects, d) {
			continue
		}
		p, _ := weakness(d)
		for _, gap := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			list := []scenarios.Scenario{p.scenario(gap.String(), gap, 200)}
			l, err := newLab(ctx, o, list, fixtures.Defects{d: true})
			if err != nil {
				return err
			}
			t := &tally{peers: map[string][]int{}}
			err = t.measure(ctx, o, l, list, others)
			if cerr := l.close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
			t.print(o, fmt.Sprintf("%s %v", d, gap), l.p99())
		}
	}
	return nil
}
