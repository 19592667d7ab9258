package sim

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/minimize"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// reduction is how many trials may go into making one schedule smaller.
const reduction = 200

// finding makes a finding of a failed trial of one test: the delays that it
// takes, the shortest with which it still fails, and the counterfactual.
func (e *Executor) finding(ctx context.Context, d *trial.Done, o *harness.Outcome) (*harness.Finding, error) {
	r := &reducer{e: e, test: o.Test, seed: o.Seed, was: *o}
	natural, err := r.fails(ctx, nil)
	if err != nil {
		return nil, err
	}
	if !natural {
		list := delays(d.Events[o.Test.Name], o.Test.Name)
		again, err := r.fails(ctx, list)
		if err != nil {
			return nil, err
		}
		if again {
			// What the search ends with fails, whether it is minimal or not.
			if _, err = minimize.DDMin(ctx, list, r.fails, minimize.Config{Sure: true, Budget: reduction}); err != nil && ctx.Err() != nil {
				return nil, err
			}
			if err := r.shortest(ctx); err != nil {
				return nil, err
			}
		}
	}
	return r.finding(e), nil
}

// delays names what a strategy did to each frame.
func delays(events []harness.Event, test string) []harness.Decision {
	var list []harness.Decision
	for _, ev := range events {
		if ev.Action == harness.Delay && ev.Asked > 0 {
			list = append(list, harness.Decision{Test: test, At: ev.Point, Action: harness.Delay, Delay: harness.Duration(ev.Asked)})
		}
	}
	return list
}

// reducer plays one test again and again, always with the same network.
type reducer struct {
	e      *Executor
	test   harness.TestID
	seed   uint64
	was    harness.Outcome    // the failure in question
	least  []harness.Decision // with which it failed last
	failed bool
	margin *harness.Margin
}

// fails reports whether the decisions make the test fail as before.
func (r *reducer) fails(ctx context.Context, list []harness.Decision) (bool, error) {
	d, err := r.e.Do(ctx, trial.Job{
		Index: 1, Suite: r.test.Suite, Tests: []string{r.test.Name}, Arm: harness.Reduce, Seed: r.seed,
		Plan: plan(replayOf(list, r.seed)),
	})
	if err != nil {
		return false, err
	}
	o := d.Outcome(r.test.Name)
	if o == nil || o.Verdict != harness.Failed || o.Cause != r.was.Cause && o.Failure.Fingerprint != r.was.Failure.Fingerprint {
		return false, nil
	}
	r.least, r.was, r.failed = list, *o, true
	return true, nil
}

func replayOf(list []harness.Decision, seed uint64) *harness.Schedule {
	return &harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Seed: seed, Decisions: list}
}

// shortest measures how late a single late frame must be, and makes it a little
// later than that: a real network adds delays of its own.
func (r *reducer) shortest(ctx context.Context) error {
	if len(r.least) != 1 || r.least[0].Action != harness.Delay {
		return nil
	}
	only := r.least[0]
	with := func(d time.Duration) []harness.Decision {
		late := only
		late.Delay = harness.Duration(d)
		return []harness.Decision{late}
	}
	resolution := func(d time.Duration) time.Duration { return max(time.Millisecond, d/20) }
	lo, hi, err := minimize.Threshold(ctx, 0, time.Duration(only.Delay), resolution, func(d time.Duration) (bool, error) {
		return r.fails(ctx, with(d))
	})
	if err != nil {
		return err
	}
	r.margin = &harness.Margin{
		Test: r.test.Name, Edge: only.At.Verb + " " + only.At.Key, At: only.At,
		Size: harness.Duration((lo + hi) / 2), Lo: harness.Duration(lo), Hi: harness.Duration(hi),
	}
	safe := with(hi + max(hi/4, 10*time.Millisecond))
	if failed, err := r.fails(ctx, safe); err != nil || failed {
		return err
	}
	_, err = r.fails(ctx, with(hi)) // it fails only near the threshold
	return err
}

func (r *reducer) finding(e *Executor) *harness.Finding {
	class := r.was.Cause
	if class == "" {
		class = harness.Unattributed
	}
	f := &harness.Finding{
		Version: harness.FindingVersion, Class: class, Standing: harness.Simulated,
		Title: r.was.Failure.Message, Tests: []string{r.test.Name}, Target: e.cfg.Target,
		Schedule: *replayOf(r.least, r.seed), Seed: r.seed, Failure: *r.was.Failure,
		Provoked: harness.Count{K: 1, N: 1}, Counter: harness.Count{K: 0, N: 1}, Margin: r.margin,
		Timeline: r.was.Wire, Boundary: r.was.Boundary, Redis: e.info, Found: time.Now().UTC(),
		Machine: harness.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
	}
	if r.failed && len(r.least) == 0 {
		f.Provoked, f.Counter, f.Natural = harness.Count{}, harness.Count{}, harness.Count{K: 1, N: 1}
		f.Schedule.Strategy = "none"
	}
	if !r.failed {
		f.Warnings = append(f.Warnings, fmt.Sprintf("trial %d failed once, and not again with the same delays", r.was.Trial))
	}
	first, then := harness.Point{Verb: r.was.Failure.Fingerprint}, harness.Point{}
	if late := len(r.least) > 0; late && (class == harness.FormatEnvelope || class == harness.IsolationHandler) {
		f.Class = harness.Unattributed // no delay brings those about
		f.Title, _, _ = strings.Cut(f.Title, "\n")
	} else if s := r.was.Suspect; s != nil {
		f.Title, f.Explanation = s.Title, s.Explanation
		first, then = s.First, s.Then
	}
	f.Fingerprint = finding.Fingerprint(f.Class, first, then)
	f.ID = finding.ID(f.Fingerprint)
	return f
}
