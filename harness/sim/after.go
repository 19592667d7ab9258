package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// replays is how often a simulated finding is played on a real Redis.
const replays = 3

// After says how a hunt in virtual time goes on.
type After struct {
	Search *SearchConfig                    // how long and with which seed; nil: no further search
	Every  time.Duration                    // how often progress is told
	Real   func() trial.Executor            // workers on a real Redis; nil: there is none
	Note   func(format string, args ...any) //
}

// GoOn goes on with what a hunt in virtual time found: it searches further while
// there is time, and plays each finding on a real Redis, if there is one. What
// fails in virtual time alone is reported, and fails no run.
func (e *Executor) GoOn(ctx context.Context, a After, r *harness.Result) error {
	// What is only predicted has not failed: there is nothing to prove of it.
	latent := func(f harness.Finding) bool { return f.Standing == harness.Latent }
	predicted := slices.DeleteFunc(slices.Clone(r.Findings), func(f harness.Finding) bool { return !latent(f) })
	r.Findings = slices.DeleteFunc(r.Findings, latent)
	defer func() {
		for _, p := range predicted {
			if !slices.ContainsFunc(r.Findings, func(f harness.Finding) bool { return f.Fingerprint == p.Fingerprint }) {
				r.Findings = append(r.Findings, p)
			}
		}
	}()
	if a.Search != nil {
		if err := e.searchOn(ctx, a, r); err != nil {
			return err
		}
	}
	for i := range r.Findings {
		r.Findings[i].Standing = harness.Simulated
	}
	err := e.onReal(ctx, a, r)
	ApplyProofs(r)
	return err
}

// searchOn searches further, from what the hunt knows.
func (e *Executor) searchOn(ctx context.Context, a After, r *harness.Result) error {
	said := time.Now()
	search := *a.Search
	search.Executor, search.Known = e, r
	search.Progress = func(s Stats) {
		if time.Since(said) >= a.Every {
			said = time.Now()
			a.Note("searching: %d trials of single tests · %d different orders · %d causes", s.Trials, s.Orders, s.Findings)
		}
	}
	list, stats, err := Search(ctx, search)
	if err != nil {
		return err
	}
	a.Note("simulated %d trials of single tests, %d different orders, in %.1f s", stats.Trials, stats.Orders, stats.Took.Seconds())
	r.Findings = list
	return nil
}

// onReal replays the findings on a real Redis.
func (e *Executor) onReal(ctx context.Context, a After, r *harness.Result) error {
	if len(r.Findings) == 0 {
		return nil
	}
	real := a.Real()
	if real == nil {
		r.Warnings = append(r.Warnings, "no real Redis on this machine: what was found is simulated only, and not proved")
		return nil
	}
	_, err := e.ProveAll(ctx, real, r.Findings, replays, func(p *Proof) {
		a.Note("%s  %s  %s", p.Finding.ID, p.Finding.Class, p)
	})
	if err = errors.Join(err, real.Close()); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
