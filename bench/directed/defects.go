package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/scenarios"
)

// surveyTrials is how many trials without injection precede the first aimed one.
const surveyTrials = 3

// tally collects what each way of looking took, by test and seed.
type tally struct {
	mu    sync.Mutex
	hits  []hit
	peers map[string][]int // by peer: trials to the first failure; 0: none
}

// defects measures the aimed trials until each defect, alone, fails in each of
// the scenarios that can show it.
func defects(ctx context.Context, o options) error {
	var others []peer
	if o.peers {
		list, done, err := peersOf(ctx)
		if err != nil {
			return err
		}
		defer done()
		others = list
	}
	fmt.Fprintf(o.out, "%d seeds; per defect: executions (test × seed) that failed within 2 aimed trials, with exact 95 %% intervals\n", o.seeds)
	fmt.Fprintf(o.out, "peers: within %d trials (as many as survey and aim together), and within %d\n\n", surveyTrials+2, o.trials)
	var all []hit
	for _, d := range o.defects {
		t, p99, err := huntDefect(ctx, o, d, others)
		if err != nil {
			return err
		}
		t.print(o, string(d), p99)
		all = append(all, t.hits...)
	}
	k := count(all, func(h hit) bool { return h.within(2) })
	fmt.Fprintf(o.out, "\nall: %d of %d within 2 aimed trials, %s\n", k, len(all), stats.ClopperPearson(k, len(all), 0.95))
	return nil
}

func huntDefect(ctx context.Context, o options, d fixtures.Defect, others []peer) (*tally, time.Duration, error) {
	list := exposing(d)
	l, err := newLab(ctx, o, list, fixtures.Defects{d: true})
	if err != nil {
		return nil, 0, err
	}
	defer l.close()
	t := &tally{peers: map[string][]int{}}
	err = t.measure(ctx, o, l, list, others)
	return t, l.p99(), err
}

// measure hunts each scenario under each seed, then lets the peers try.
func (t *tally) measure(ctx context.Context, o options, l *lab, list []scenarios.Scenario, others []peer) error {
	err := each(ctx, o, o.workers, list, func(ctx context.Context, s scenarios.Scenario, seed uint64) error {
		h, err := l.untilHit(ctx, s.Name, seed, o.trials)
		if err != nil {
			return err
		}
		t.mu.Lock()
		t.hits = append(t.hits, h)
		t.mu.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range others {
		err := each(ctx, o, o.workers, list, func(ctx context.Context, s scenarios.Scenario, seed uint64) error {
			k, err := p.rerun(ctx, l, s.Name, seed, o.trials)
			if err != nil {
				return err
			}
			t.mu.Lock()
			t.peers[p.name] = append(t.peers[p.name], k)
			t.mu.Unlock()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tally) print(o options, name string, p99 time.Duration) {
	n := len(t.hits)
	k := count(t.hits, func(h hit) bool { return h.within(2) })
	natural := count(t.hits, func(h hit) bool { return h.natural })
	sum, hits := 0, 0
	for _, h := range t.hits {
		if h.active > 0 {
			sum += h.active
			hits++
		}
	}
	mean := "–"
	if hits > 0 {
		mean = fmt.Sprintf("%.2f", float64(sum)/float64(hits))
	}
	iv := stats.ClopperPearson(k, n, 0.95)
	fmt.Fprintf(o.out, "%-20s %3d/%-3d [%.0f–%.0f %%]  mean aimed %s, by itself %d", name, k, n, 100*iv.Lo, 100*iv.Hi, mean, natural)
	for _, p := range slices.Sorted(keys(t.peers)) {
		five := count(t.peers[p], func(k int) bool { return k > 0 && k <= surveyTrials+2 })
		ever := count(t.peers[p], func(k int) bool { return k > 0 })
		fmt.Fprintf(o.out, "; %s %d, %d", p, five, ever)
	}
	fmt.Fprintf(o.out, "  (timers p99 %v)\n", p99.Round(time.Millisecond))
	missed := map[string][]string{}
	for _, h := range t.hits {
		if !h.within(2) {
			what := fmt.Sprintf("seed %d: aimed %d", h.seed, h.active)
			if h.active == 0 {
				what = fmt.Sprintf("seed %d: not in %d", h.seed, h.spent)
			}
			missed[h.test] = append(missed[h.test], what)
		}
	}
	for _, test := range slices.Sorted(keys(missed)) {
		fmt.Fprintf(o.out, "    %s: %s\n", test, strings.Join(missed[test], ", "))
	}
}

func count[T any](list []T, is func(T) bool) int {
	n := 0
	for _, v := range list {
		if is(v) {
			n++
		}
	}
	return n
}

func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
