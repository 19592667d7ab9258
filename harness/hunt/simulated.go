package hunt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// Simulated is a finding that was made in virtual time: the hunt proves it on its
// own Redis before it looks for others, by the same points and decisions, in the
// first of its tests.
type Simulated struct {
	Finding harness.Finding
	// Divergence says where the history of a trial that passed here parts from the
	// one in which the finding was made; nil: nobody knows.
	Divergence func(ctx context.Context, passed []harness.Event) string
}

// confirmed is a simulated finding that failed here too.
type confirmed struct {
	finding harness.Finding
	events  []harness.Event // of a trial that failed here
	entered bool
}

// simulated is what came of the simulated findings here.
type simulated struct {
	mu        sync.Mutex
	confirmed []*confirmed
	only      []harness.Finding // that never failed here
}

// proveSimulated plays each simulated finding here. One that fails its test again,
// and whose test passes without its decisions, is proven: nobody provokes it again.
// One that never fails is only reported; any other is left to the hunt.
func (h *hunt) proveSimulated(ctx context.Context) *simulated {
	s := &simulated{}
	if len(h.Simulated) == 0 || ctx.Err() != nil {
		return s
	}
	h.progress.phase("prove", 0)
	var wg sync.WaitGroup
	for _, c := range h.Simulated {
		tests := h.log.Tests()
		i := slices.IndexFunc(tests, func(t harness.TestID) bool { return slices.Index(c.Finding.Tests, t.Name) == 0 })
		if i < 0 {
			continue
		}
		wg.Go(func() { h.proveOne(&aim{ctx: ctx, lab: h.lab, test: tests[i], limit: leastTime}, c, s) })
	}
	wg.Wait()
	if ctx.Err() == nil {
		h.progress.note("proved on %s: %d of %d simulated failures, %d are simulated only", h.Executor.Info().Provider, len(s.confirmed), len(h.Simulated), len(s.only))
	}
	return s
}

// proveOne plays one simulated finding.
func (h *hunt) proveOne(a *aim, c Simulated, s *simulated) {
	f := c.Finding
	like := func(o *harness.Outcome) bool {
		return o.Failure.Fingerprint == f.Failure.Fingerprint || o.Cause == f.Class && f.Class != harness.Unattributed
	}
	n, failed, passed := replays(a, f.Schedule, like)
	redis := h.Executor.Info()
	f.Tests = f.Tests[:1]
	switch {
	case a.ended() || n.K > 0 && len(f.Schedule.Decisions) == 0:
		return // with nothing injected it fails here too: the survey will tell
	case n.K == 0:
		where := "no trial could be compared"
		if c.Divergence != nil && len(passed) > 0 {
			if told := c.Divergence(a.ctx, passed); told != "" {
				where = told
			}
		}
		f.Standing, f.Provoked, f.Counter, f.Natural = harness.Simulated, n, harness.Count{}, harness.Count{}
		f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("simulated only, 0 of %d replays failed on %s (redis %s): %s", n.N, redis.Provider, redis.Version, where))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.only = append(s.only, f)
		return
	case n.K < finding.LeastProof:
		return // it fails here too, at times: the provoking will tell how
	}
	without := f.Schedule
	without.Decisions = nil
	counter := a.count(func() played { return a.run(harness.Counterfactual, without) }, false, finding.LeastProof, like)
	if counter.K > 0 || counter.N < finding.LeastProof {
		return // not for the decisions' sake
	}
	f.Standing, f.Provoked, f.Counter, f.Natural, f.Margin = harness.Provoked, n, counter, harness.Count{}, nil
	f.Target, f.Failure, f.Timeline, f.Found = h.Target, *failed.outcome.Failure, failed.outcome.Wire, time.Now().UTC()
	f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("found in simulation, confirmed %d/%d on %s (redis %s)", n.K, n.N, redis.Provider, redis.Version))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed = append(s.confirmed, &confirmed{finding: f, events: failed.events})
}

// replays runs a schedule a few times, and gives a trial that failed alike and
// what passed on the wire of one that did not. One failure ends a schedule that
// injects nothing.
func replays(a *aim, s harness.Schedule, like func(*harness.Outcome) bool) (n harness.Count, failed played, passed []harness.Event) {
	for range confirmations {
		r := a.run(harness.Confirm, s)
		switch {
		case r.Reading == finding.NoTrial || r.Reading == finding.Stalled:
		case r.Reading == finding.Failed && like(r.outcome):
			n.K++
			n.N++
			failed = r
			if len(s.Decisions) == 0 {
				return n, failed, passed
			}
		default:
			n.N++
			passed = r.events
		}
	}
	return n, failed, passed
}

// take gives the confirmed finding that the candidate is about, once.
func (s *simulated) take(test string, c near.Candidate) *confirmed {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.confirmed {
		f := &k.finding
		if !k.entered && f.Tests[0] == test && c.Explains(f.Class) && finding.Fingerprint(f.Class, c.First, c.Then) == f.Fingerprint {
			k.entered = true
			return k
		}
	}
	return nil
}

// measure does what is left to do for a confirmed finding: its margin.
func (h *hunt) measure(in *investigation, k *confirmed, r *testReport) {
	f := k.finding
	red := in.reduce(f.Schedule, k.events)
	f.Schedule, f.Warnings = red.schedule, append(f.Warnings, red.warnings...)
	if red.original != nil {
		f.Original = red.original
	}
	if red.margin != nil {
		f.Margin = red.margin
		r.margins = append(r.margins, *red.margin)
	}
	r.proven = true
	h.enter(f)
	h.taught(in.c, true)
}

// rest gives the confirmed findings that no candidate was about.
func (s *simulated) rest() (list []harness.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.confirmed {
		if !k.entered {
			k.entered = true
			list = append(list, k.finding)
		}
	}
	return list
}
