package hunt

import (
	"context"
	"sync"

	"github.com/flakehunt/flakehunt/harness/triallog"
)

// aloneRuns is how often a foreign test is run by itself before prediction: on
// the wire of a whole suite it is not certain which command is whose. aloneAgain
// is how often one that never passed is run again.
const (
	aloneRuns  = 2
	aloneAgain = 3
)

// investigateAll investigates every test that has no subtests, and goes on with
// the survey meanwhile; where there is a time and no number of trials, until
// nearly all of it is used. A foreign suite's tests take turns, the likeliest to
// fail first, so that a hunt that is ended early has done those.
func (h *hunt) investigateAll(ctx context.Context) error {
	h.progress.phase("provoke", 0)
	leaves := h.log.Leaves()
	h.progress.change(func(now *Progress) { now.Tests = len(leaves) })
	atOnce := newSlots(len(leaves))
	if h.foreign() { // the survey goes on with the others
		atOnce = newSlots(h.testsAtOnce())
		h.likeliestFirst(leaves)
		h.progress.expect(aloneRuns * len(leaves))
	}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	wg.Go(func() {
		for _, t := range leaves {
			if !atOnce.take(ctx) {
				return
			}
			wg.Go(func() {
				defer atOnce.give()
				if h.foreign() {
					for range aloneRuns {
						h.lab.alone(ctx, t)
					}
				}
				r := h.investigateTest(ctx, t)
				h.progress.looked()
				mu.Lock()
				defer mu.Unlock()
				h.reports = append(h.reports, r)
			})
		}
	})
	most, cancel := h.rounds.most(ctx)
	defer cancel()
	err := h.rounds.each(most, firstLook+1, h.rounds.last(), h.rounds.survey)
	wg.Wait()
	for _, r := range h.reports {
		h.margins = append(h.margins, r.margins...)
	}
	for _, s := range []string{h.arms.String(), h.scripts.String()} {
		if s != "" {
			h.progress.note("%s", s)
		}
	}
	if err == nil && h.foreign() {
		h.againAlone(ctx)
	}
	return err
}

// againAlone runs tests that never passed alone once more, while nothing else
// runs: a crowd is no proof.
func (h *hunt) againAlone(ctx context.Context) {
	for _, t := range h.log.Leaves() {
		for range aloneAgain {
			c := triallog.Tallies(triallog.Sums(h.log))[t.Name].Alone
			if c.N == 0 || c.K < c.N || ctx.Err() != nil {
				break
			}
			h.progress.expect(1)
			h.lab.alone(ctx, t)
		}
	}
}

// testsAtOnce is how many foreign tests are investigated at a time: one more than
// the workers that the suite is given, so that none of these waits, and few enough
// that each test's process is still there for its next trial.
func (h *hunt) testsAtOnce() int {
	n := h.Executor.Workers() * 3 / 4
	if p, ok := h.Executor.(interface{ Fitting() int }); ok {
		n = min(n, p.Fitting()+1)
	}
	return n
}
