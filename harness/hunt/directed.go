package hunt

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// firstLook is how many survey trials precede the first prediction: two
	// through the proxy, to tell the stable from the accidental, and one without
	// it, since some flakes fail only on the fastest path.
	firstLook = 3
	// directEvery: one survey trial in this many has no proxy in the way.
	directEvery = 4
	// leastTime is how much time the aimed trials of one test may take at least.
	leastTime = 40 * time.Second
	// keptTraces is how many passing histories of a test prediction reads.
	keptTraces = 3
	// MaxDelay is the longest that one frame is kept in order to provoke a
	// failure: more would only show that tests have deadlines.
	MaxDelay = 500 * time.Millisecond
)

// Ranking is what earlier runs taught about which kinds of near miss come true.
type Ranking interface {
	// Weight returns a factor for the likelihood of candidates of this kind, 1
	// when nothing is known.
	Weight(kind string) float64
	// Learn records that a candidate of the kind was provoked or not.
	Learn(kind string, hit bool)
}

// directed is the loop that gives the package its name: survey, predict,
// provoke, confirm, reduce. The survey goes on while candidates are provoked;
// where there is a time and not a number of trials, until nearly all of it is
// used, and again when all that was suspected is settled.
func (h *hunter) directed(ctx context.Context) error {
	err := h.search(ctx)
	h.enterClaims()
	err = h.conclude(ctx, err, "survey", func() error { return h.survey(ctx, 1, endless) })
	h.latent()
	return err
}

// search is directed without what is done about failures that nobody aimed at.
func (h *hunter) search(ctx context.Context) error {
	h.proveClaims(ctx)
	h.phase("survey", h.total())
	if err := h.survey(ctx, 1, min(firstLook, h.Trials)); err != nil || ctx.Err() != nil {
		return err
	}
	h.phase("provoke", 0)
	leaves := h.leaves()
	slots := make(chan struct{}, max(1, len(leaves)))
	if h.foreign() { // test by test, so that one ended early has done the likeliest; and the survey goes on
		slots = make(chan struct{}, max(1, h.Executor.Workers()*3/4))
		h.likeliestFirst(leaves)
		h.mu.Lock()
		h.progress.Total += aloneRuns * len(leaves)
		h.mu.Unlock()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, t := range leaves {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer func() { <-slots }()
				if h.foreign() {
					h.alone(ctx, t)
				}
				h.pursue(ctx, t)
			})
		}
	})
	most, cancel := h.most(ctx)
	defer cancel()
	err := h.survey(most, firstLook+1, h.last())
	wg.Wait()
	if err == nil && h.foreign() {
		h.again(ctx)
	}
	return err
}

// likeliestFirst sorts tests by their likeliest candidate, as far as histories
// tell by now.
func (h *hunter) likeliestFirst(tests []harness.TestID) {
	best := map[string]float64{}
	for _, t := range tests {
		if list := h.candidates(t.Name, near.Known{}); len(list) > 0 {
			best[t.Name] = h.weight(list[0])
		}
	}
	slices.SortStableFunc(tests, func(a, b harness.TestID) int { return cmp.Compare(best[b.Name], best[a.Name]) })
}

// survey does numbered trials without injection.
func (h *hunter) survey(ctx context.Context, from, to int) error {
	return h.each(ctx, from, to, func(ctx context.Context, suite string, index int) error {
		j := trial.Job{
			Index: index, Suite: suite, Tests: h.names(suite), Arm: harness.Survey,
			Seed: trial.Mix(h.Seed, index), Keep: index < firstLook, Urgent: index <= firstLook,
		}
		if index%directEvery == firstLook && !h.NoDirect {
			j.Arm = harness.Direct
		}
		return h.passiveTrial(ctx, j)
	})
}

// learn keeps the passing histories of a survey trial.
func (h *hunter) learn(d *trial.Done) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var trial []*detect.Trace
	for _, o := range d.Trial.Outcomes {
		events := d.Events[o.Test.Name]
		if o.Verdict != harness.Passed || len(events) == 0 {
			continue
		}
		name := o.Test.Name
		if !h.surest(o) {
			continue
		}
		if old := h.events[name]; len(old) > 0 {
			h.shared = append(h.shared, proxy.SharedPoints(old[0].Events, events))
		}
		if len(h.events[name]) >= keptTraces {
			continue
		}
		t := detect.NewTrace(events, o)
		h.events[name] = append(h.events[name], t)
		if slices.ContainsFunc(events, func(e harness.Event) bool { return e.Kind == harness.Begin }) {
			trial = append(trial, t) // these commands are surely its own
		}
	}
	if len(trial) > 1 {
		h.passed = append(h.passed, trial)
	}
}

// candidates predicts how the test could fail, likeliest first.
func (h *hunter) candidates(test string, known near.Known) []near.Candidate {
	h.mu.Lock()
	traces := slices.Clone(h.events[test])
	h.mu.Unlock()
	list := near.Candidates(traces, known)
	if slices.Contains(h.Faults, harness.Disconnect) {
		list = append(list, near.Latent(traces)...)
	}
	slices.SortStableFunc(list, func(a, b near.Candidate) int { return cmp.Compare(h.weight(b), h.weight(a)) })
	return list
}

// weight is how likely a candidate comes true, by its kind's record too.
func (h *hunter) weight(c near.Candidate) float64 {
	w := c.Likelihood
	if h.Learned != nil {
		w *= h.Learned.Weight(c.Kind())
	}
	return w
}

// pursue provokes the candidates of one test, one after the other, within the
// test's share of the budget: as many aimed trials as it has numbered ones.
func (h *hunter) pursue(ctx context.Context, test harness.TestID) {
	p := &pursuit{h: h, test: test, budget: h.Trials, limit: h.timeFor(test.Name), patience: h.patience(test.Name)}
	tried := map[string]bool{}
	var done []near.Candidate
	for {
		next, ok := pick(h.candidates(test.Name, p.known), tried)
		if !ok || p.budget <= 0 || p.over() || ctx.Err() != nil {
			break
		}
		tried[next.Key()] = true
		done = append(done, next)
		if k := h.settled(test.Name, next); k != nil {
			p.measure(ctx, next, k)
			continue
		}
		p.try(ctx, next)
	}
	p.conclude()
	h.mu.Lock()
	traces := slices.Clone(h.events[test.Name])
	h.mu.Unlock()
	left := slices.DeleteFunc(h.candidates(test.Name, p.known), func(c near.Candidate) bool { return tried[c.Key()] })
	p.predicted(traces, left)
	h.pursued(done, left)
	h.mu.Lock()
	h.coverage.Seen += len(tried) + len(left)
	h.coverage.Both += p.both
	h.coverage.Blocked += p.blocked
	h.coverage.Missed += len(left)
	h.margins = append(h.margins, p.margins...)
	h.mu.Unlock()
}

// timeFor is how much time aimed trials of a test may take: leastTime, or
// enough for a slow test to be provoked, proven and measured once.
func (h *hunter) timeFor(test string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	limit := leastTime
	for _, t := range h.events[test] {
		limit = max(limit, 20*time.Duration(t.Outcome.Duration))
	}
	return limit
}

func pick(list []near.Candidate, tried map[string]bool) (near.Candidate, bool) {
	for _, c := range list {
		if !tried[c.Key()] {
			return c, true
		}
	}
	return near.Candidate{}, false
}
