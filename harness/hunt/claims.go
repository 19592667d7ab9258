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

// Claim is a finding that was made elsewhere, in virtual time: the hunt proves
// it on its own Redis before it looks for others, by the same points and
// decisions, in the first of its tests.
type Claim struct {
	Finding harness.Finding
	// Parted says where the history of a trial that passed here parts from the
	// one in which the claim was made; nil: nobody knows.
	Parted func(ctx context.Context, passed []harness.Event) string
}

// claimed is a claim that came true here.
type claimed struct {
	finding harness.Finding
	events  []harness.Event // of a trial that failed here
	entered bool
}

// proveClaims plays each claim here. One that fails the test again, and whose
// test passes without its decisions, is proven: nobody provokes it again. One
// that never fails is only reported; any other is left to the hunt.
func (h *hunter) proveClaims(ctx context.Context) {
	if len(h.Claims) == 0 || ctx.Err() != nil {
		return
	}
	h.phase("prove", 0)
	var wg sync.WaitGroup
	for _, c := range h.Claims {
		i := slices.IndexFunc(h.tests, func(t harness.TestID) bool { return slices.Index(c.Finding.Tests, t.Name) == 0 })
		if i < 0 {
			continue
		}
		wg.Go(func() {
			p := &pursuit{h: h, test: h.tests[i], limit: leastTime}
			p.claim(ctx, c)
		})
	}
	wg.Wait()
	if ctx.Err() == nil {
		h.note("proved on %s: %d of %d simulated failures, %d are simulated only", h.Executor.Info().Provider, len(h.claims), len(h.Claims), len(h.only))
	}
}

// claim proves one.
func (p *pursuit) claim(ctx context.Context, c Claim) {
	f := c.Finding
	like := func(o *harness.Outcome) bool {
		return o.Failure.Fingerprint == f.Failure.Fingerprint || o.Cause == f.Class && f.Class != harness.Unattributed
	}
	var (
		n              harness.Count
		failed         *harness.Outcome
		events, passed []harness.Event
	)
	for range confirmations {
		o, d := p.run(ctx, harness.Confirm, f.Schedule)
		switch {
		case o == nil || len(o.Blocked) > 0:
		case o.Verdict == harness.Failed && like(o):
			n.K++
			n.N++
			failed, events = o, d.Events[p.test.Name]
			if len(f.Schedule.Decisions) == 0 {
				return // it fails here too, with nothing injected: the survey will tell
			}
		default:
			n.N++
			passed = d.Events[p.test.Name]
		}
	}
	switch {
	case ctx.Err() != nil:
		return
	case n.K == 0:
		p.only(ctx, c, n, passed)
		return
	case n.K < leastProof:
		return // it fails here too, at times: the provoking will tell how
	}
	without := f.Schedule
	without.Decisions = nil
	counter := p.count(ctx, harness.Counterfactual, without, leastProof, like)
	if counter.K > 0 || counter.N < leastProof {
		return // not for the decisions' sake
	}
	redis := p.h.Executor.Info()
	f.Tests = f.Tests[:1]
	f.Standing, f.Provoked, f.Counter, f.Natural, f.Margin = harness.Provoked, n, counter, harness.Count{}, nil
	f.Target, f.Failure, f.Timeline, f.Found = p.h.Target, *failed.Failure, failed.Wire, time.Now().UTC()
	f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("found in simulation, confirmed %d/%d on %s (redis %s)", n.K, n.N, redis.Provider, redis.Version))
	p.h.mu.Lock()
	p.h.claims = append(p.h.claims, &claimed{finding: f, events: events})
	p.h.mu.Unlock()
}

// only reports a claim that did not come true here. It fails no test.
func (p *pursuit) only(ctx context.Context, c Claim, n harness.Count, passed []harness.Event) {
	f := c.Finding
	where := ""
	if c.Parted != nil && len(passed) > 0 {
		where = c.Parted(ctx, passed)
	}
	if where == "" {
		where = "no trial could be compared"
	}
	redis := p.h.Executor.Info()
	f.Tests, f.Standing = f.Tests[:1], harness.Simulated
	f.Provoked, f.Counter, f.Natural = n, harness.Count{}, harness.Count{}
	f.Warnings = append(slices.Clone(f.Warnings), fmt.Sprintf("simulated only, 0 of %d replays failed on %s (redis %s): %s", n.N, redis.Provider, redis.Version, where))
	p.h.mu.Lock()
	p.h.only = append(p.h.only, f)
	p.h.mu.Unlock()
}

// settled gives the proven claim that the candidate is about, nil if there is
// none; nobody else gets it then.
func (h *hunter) settled(test string, c near.Candidate) *claimed {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.claims {
		f := &k.finding
		if !k.entered && f.Tests[0] == test && c.Explains(f.Class) && finding.Fingerprint(f.Class, c.First, c.Then) == f.Fingerprint {
			k.entered = true
			return k
		}
	}
	return nil
}

// measure does for a proven claim what is left to do: its margin.
func (p *pursuit) measure(ctx context.Context, c near.Candidate, k *claimed) {
	p.aimAt(c)
	p.reduce(ctx, c, &k.finding, k.events)
	p.proven = true
	p.add(k.finding)
	p.taught(c, true)
}

// enterClaims enters the proven claims that no candidate was about.
func (h *hunter) enterClaims() {
	h.mu.Lock()
	list := h.claims
	h.mu.Unlock()
	for _, k := range list {
		if !k.entered {
			k.entered = true
			h.found.Add(k.finding)
		}
	}
}

// simulatedOnly lists claims that did not come true, and whose cause, or
// failure, nothing else showed here.
func (h *hunter) simulatedOnly(real []harness.Finding) []harness.Finding {
	var list []harness.Finding
	known := func(f harness.Finding) bool {
		same := func(g harness.Finding) bool {
			return g.Fingerprint == f.Fingerprint || g.Standing != harness.Latent && slices.Contains(g.Tests, f.Tests[0]) &&
				(f.Class == harness.Unattributed || g.Failure.Fingerprint == f.Failure.Fingerprint)
		}
		return slices.ContainsFunc(real, same) || slices.ContainsFunc(list, same)
	}
	for _, f := range h.only {
		if !known(f) {
			list = append(list, f)
		}
	}
	return list
}
