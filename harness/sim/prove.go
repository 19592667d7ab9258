package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/replay"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// Proof is what a real Redis says of a simulated finding.
type Proof struct {
	Finding    *harness.Finding
	Confirmed  harness.Count // failures of replays on the real one
	Divergence string        // not confirmed: where the two histories first part
}

// String is "confirmed k/n", or "simulated only" and why.
func (p *Proof) String() string {
	if p.Confirmed.K > 0 {
		return fmt.Sprintf("confirmed %d/%d", p.Confirmed.K, p.Confirmed.N)
	}
	return "simulated only: " + p.Divergence
}

// Prove replays the finding's schedule n times on a real Redis, by the same
// points and decisions. A failure makes it one of the real Redis; if there is
// none it stays harness.Simulated, and says where the histories part.
func (e *Executor) Prove(ctx context.Context, real trial.Executor, f *harness.Finding, n int) (*Proof, error) {
	r, err := replay.Replay(ctx, real, f, n)
	if err != nil {
		return nil, fmt.Errorf("prove %s: %w", f.ID, err)
	}
	info := real.Info()
	p := &Proof{Finding: f, Confirmed: r.Count}
	if r.Count.K > 0 && info.Real {
		f.Standing = harness.Provoked
		if len(f.Schedule.Decisions) == 0 && f.Schedule.Strategy == "none" {
			f.Standing, f.Natural = harness.Natural, r.Count
		} else {
			f.Provoked = r.Count
		}
		f.Redis = info
		f.Warnings = append(f.Warnings, fmt.Sprintf("found in simulation, %s on %s (redis %s)", p, info.Provider, info.Version))
		return p, nil
	}
	if p.Divergence, err = e.divergence(ctx, real, f, r); err != nil {
		return nil, err
	}
	f.Standing = harness.Simulated
	f.Warnings = append(f.Warnings, fmt.Sprintf("simulated only, 0 of %d replays failed on %s (redis %s): %s", n, info.Provider, info.Version, p.Divergence))
	return p, nil
}

// ProveAll proves findings, several at a time.
func (e *Executor) ProveAll(ctx context.Context, real trial.Executor, list []harness.Finding, n int, tell func(*Proof)) ([]*Proof, error) {
	proofs := make([]*Proof, len(list))
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, max(1, real.Workers()/max(n, 1)))
	for i := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			p, err := e.Prove(ctx, real, &list[i], n)
			mu.Lock()
			defer mu.Unlock()
			proofs[i], errs[i] = p, err
			if err == nil && tell != nil {
				tell(p)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return proofs, err
		}
	}
	return proofs, nil
}

// divergence says at which event the simulated and the real history of the
// finding's schedule first part.
func (e *Executor) divergence(ctx context.Context, real trial.Executor, f *harness.Finding, r *replay.Replayed) (string, error) {
	if !r.Diverged.IsZero() {
		return fmt.Sprintf("%s never appeared on the real one", r.Diverged), nil
	}
	s := f.Schedule
	job := trial.Job{Index: 1, Tests: f.Tests[:1], Arm: harness.Replayed, Seed: s.Seed, Plan: plan(&s), Keep: true}
	if len(s.Decisions) == 0 {
		job.Plan = nil
	}
	d, err := real.Do(ctx, job)
	if err != nil {
		return "", err
	}
	return e.Divergence(ctx, f, d.Events[f.Tests[0]])
}

// Divergence says at which event the history of the finding's schedule, played here
// again, parts from a real one.
func (e *Executor) Divergence(ctx context.Context, f *harness.Finding, real []harness.Event) (string, error) {
	s := f.Schedule
	d, err := e.Do(ctx, trial.Job{Index: 1, Tests: f.Tests[:1], Arm: harness.Replayed, Seed: s.Seed, Plan: plan(&s), Keep: true})
	if err != nil {
		return "", err
	}
	where := Part(d.Events[f.Tests[0]], real)
	if where == "" {
		where = "the histories are alike, but for their times: it depends on less time than the real one took"
	}
	return where, nil
}

// Part finds the first event of a simulated history that is not so in a real
// one: a frame that never came, an answer that differs, or two frames whose
// order is the other way round. It returns "" if there is none. Times, ids and
// numbers may differ.
func Part(simulated, real []harness.Event) string {
	type key struct {
		at    harness.Point
		order int // of that point
	}
	index := map[key]*harness.Event{}
	count := map[harness.Point]int{}
	for _, e := range byOut(real) {
		count[e.Point]++
		index[key{e.Point, count[e.Point]}] = e
	}
	clear(count)
	var before *harness.Event // the real one that matches the event before
	var beforeSim *harness.Event
	for _, e := range byOut(simulated) {
		if v := e.Point.Verb; e.Point.Role == "hs" || v == "HELLO" || v == "PING" || strings.HasPrefix(v, "CLIENT") {
			continue // connections of one role open in any order, and pings are about time
		}
		count[e.Point]++
		other := index[key{e.Point, count[e.Point]}]
		switch {
		case other == nil:
			return fmt.Sprintf("%s (%s) came in the simulation alone", e.Point, words(e))
		case e.Kind != harness.Request && !alike(words(e), words(other)):
			return fmt.Sprintf("%s was %s in the simulation and %s on the real one", e.Point, words(e), words(other))
		case before != nil && other.Out < before.Out && before.Point.Key == other.Point.Key && before.Kind == harness.Request && other.Kind == harness.Request:
			return fmt.Sprintf("%s came after %s in the simulation and before it on the real one", e.Point, beforeSim.Point)
		}
		before, beforeSim = other, e
	}
	return ""
}

// byOut lists the frames that were forwarded, in that order.
func byOut(events []harness.Event) []*harness.Event {
	var list []*harness.Event
	for i := range events {
		if e := &events[i]; (e.Kind == harness.Request || e.Kind == harness.Reply || e.Kind == harness.Push) && e.Out > 0 {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b *harness.Event) int { return cmp.Compare(a.Out, b.Out) })
	return list
}

// alike compares words of which the ends may have been cut, where ids and times
// before them are not equally long.
func alike(a, b string) bool {
	const cut = "…"
	if !strings.HasSuffix(a, cut) && !strings.HasSuffix(b, cut) {
		return a == b
	}
	a, b = strings.TrimSuffix(a, cut), strings.TrimSuffix(b, cut)
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}

func words(e *harness.Event) string {
	return volatile.Words(strings.Join(e.Args, " "))
}
