package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/scenarios"
)

// thresholds measures how exactly the margin of tests is found whose margin is
// known.
func thresholds(ctx context.Context, o options) error {
	tolerances := []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond}
	fmt.Fprintf(o.out, "margins that were planted and found, %d seeds; good: within 10 %% or 2 ms\n\n", o.seeds)
	good, all := 0, 0
	for _, p := range weaknesses() {
		if !slices.Contains(o.defects, p.defect) {
			continue
		}
		var list []scenarios.Scenario
		for _, d := range tolerances {
			list = append(list, p.scenario(d.String(), d, 0))
		}
		found := make([][]time.Duration, len(list))
		l, err := newLab(ctx, o, list, fixtures.Defects{p.defect: true})
		if err != nil {
			return err
		}
		var mu sync.Mutex
		index := make([]int, len(list))
		for i := range index {
			index[i] = i
		}
		err = each(ctx, o, o.workers, index, func(ctx context.Context, i int, seed uint64) error {
			r, err := hunt.Run(ctx, l.config(seed, surveyTrials, func(name string) bool { return name == list[i].Name }))
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			m := marginOf(r)
			found[i] = append(found[i], m)
			if m == 0 {
				fmt.Fprintf(o.out, "    %s, seed %d: no margin%s\n", list[i].Name, seed, whyNone(r))
			}
			return nil
		})
		if cerr := l.close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%-20s %s (timers p99 %v)\n", p.defect, p.what, l.p99().Round(time.Millisecond))
		for i, want := range tolerances {
			k := 0
			for _, got := range found[i] {
				if d := (got - want).Abs(); got > 0 && (d <= 2*time.Millisecond || d <= want/10) {
					k++
				}
			}
			slices.Sort(found[i])
			fmt.Fprintf(o.out, "    planted %-6v %d/%d good, median %v, from %v to %v\n", want, k, len(found[i]),
				round(found[i][len(found[i])/2]), round(found[i][0]), round(found[i][len(found[i])-1]))
			good += k
			all += len(found[i])
		}
	}
	fmt.Fprintf(o.out, "\nall: %d of %d good, %s\n", good, all, stats.ClopperPearson(good, all, 0.95))
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// whyNone says what a hunt that measured no margin did find.
func whyNone(r *harness.Result) string {
	s := ""
	for _, t := range r.Tests {
		s += fmt.Sprintf("; failed %d of %d, provoked %d of %d, %d not counted", t.Failures, t.Runs, t.Provoked.K, t.Provoked.N, t.Infra)
	}
	for _, f := range r.Findings {
		s += fmt.Sprintf("; %s %s", f.Standing, f.Class)
	}
	return s
}

// marginOf is the measured margin of the proven finding; 0 if there is none.
func marginOf(r *harness.Result) time.Duration {
	for _, f := range r.Findings {
		if f.Margin != nil && !f.Margin.Predicted {
			return time.Duration(f.Margin.Size)
		}
	}
	return 0
}
