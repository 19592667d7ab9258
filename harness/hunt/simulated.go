package hunt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/investigate"
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
		wg.Go(func() {
			s.prove(investigate.At(ctx, h.lab, tests[i], investigate.Terms{Limit: leastTime, Seed: h.Seed}), c, h.Executor.Info, h.Target)
		})
	}
	wg.Wait()
	if ctx.Err() == nil {
		h.progress.note("proved on %s: %d of %d simulated failures, %d are simulated only", h.Executor.Info().Provider, len(s.confirmed), len(h.Simulated), len(s.only))
	}
	return s
}

// prove plays one simulated finding.
func (s *simulated) prove(a *investigate.Aim, c Simulated, info func() harness.RedisInfo, target harness.Target) {
	f := c.Finding
	like := func(o *harness.Outcome) bool {
		return o.Failure.Fingerprint == f.Failure.Fingerprint || o.Cause == f.Class && f.Class != harness.Unattributed
	}
	n, failed, passed := a.Replays(f.Schedule, like)
	redis := info() // complete once a trial is done
	f.Tests = f.Tests[:1]
	switch {
	case a.Ended() || n.K > 0 && len(f.Schedule.Decisions) == 0:
		return // with nothing injected it fails here too: the survey will tell
	case n.K == 0:
		where := "no trial could be compared"
		if c.Divergence != nil && len(passed) > 0 {
			if told := c.Divergence(a.Context(), passed); told != "" {
				where = told
			}
		}
		f.Standing, f.Provoked, f.Counter, f.Natural = harness.Simulated, n, harness.Count{}, harness.Count{}
		f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("simulated only, 0 of %d replays failed on %s (redis %s): %s", n.N, redis.Provider, redis.Version, where))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.only = append(s.only, f)
		return
	case n.K < evidence.LeastProof:
		return // it fails here too, at times: the provoking will tell how
	}
	without := f.Schedule
	without.Decisions = nil
	counter := a.Count(func() investigate.Played { return a.Run(harness.Counterfactual, without) }, false, evidence.LeastProof, like)
	if counter.K > 0 || counter.N < evidence.LeastProof {
		return // not for the decisions' sake
	}
	f.Standing, f.Provoked, f.Counter, f.Natural, f.Margin = harness.Provoked, n, counter, harness.Count{}, nil
	f.Target, f.Failure, f.Timeline, f.Found = target, *failed.Outcome.Failure, failed.Outcome.Wire, time.Now().UTC()
	f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("found in simulation, confirmed %d/%d on %s (redis %s)", n.K, n.N, redis.Provider, redis.Version))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed = append(s.confirmed, &confirmed{finding: f, events: failed.Events})
}

// take gives the confirmed finding that the candidate is about, once.
func (s *simulated) take(test string, c nearmiss.Candidate) *confirmed {
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
func (t *testHunt) measure(in *investigate.Investigation, c nearmiss.Candidate, k *confirmed) {
	f := k.finding
	red := in.Reduce(f.Schedule, k.events)
	f.Schedule, f.Warnings = red.Schedule, append(f.Warnings, red.Warnings...)
	if red.Original != nil {
		f.Original = red.Original
	}
	if red.Margin != nil {
		f.Margin = red.Margin
		t.margins = append(t.margins, *red.Margin)
	}
	t.proven = true
	t.hunt.enter(f)
	t.hunt.learned.Learn(c.Kind(), true)
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
