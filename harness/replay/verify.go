package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// freshTrials is how many trials, and as many aimed ones, a hunt afresh of the
// finding's test has.
const freshTrials = 8

// alpha is the level at which no failure now differs from failures before.
const alpha = 0.05

// Repair says what a change did to a finding.
type Repair string

const (
	Fixed          Repair = "fixed"
	StillFailing   Repair = "still failing"
	MarginMoved    Repair = "moved"               // it tolerates more than before, and fails all the same
	AnotherFailure Repair = "another failure now" // the test fails otherwise than the finding does
	Undecided      Repair = "undecided"           // too few runs, or none, to tell
)

// Verified is the answer to: is the fix real?
type Verified struct {
	Repair  Repair
	Test    string
	Replay  *Replayed        // of the finding's own schedule
	Upper   float64          // Fixed: failure rate with the schedule applied is at most this, at 95 %
	Latent  bool             // the finding was a prediction: nothing had failed
	Ordered bool             // Fixed: the program now enforces the order
	Applies bool             // the schedule's frames still come; there may be none to come
	More    int              // Undecided: how many more runs without a failure tell a repair from luck; 0: no number does
	Before  *harness.Margin  // as the finding has it; nil: it was not measured
	After   *harness.Margin  // MarginMoved: as measured now
	Fresh   *harness.Finding // what hunting afresh found; nil: nothing, or there was no such hunt
	Afresh  int              // how many trials hunting afresh did; 0: there was no such hunt
}

// Sentence says it in one line.
func (v *Verified) Sentence() string {
	switch v.Repair {
	case Fixed:
		return v.fixed()
	case MarginMoved:
		was := "unknown"
		if v.Before != nil {
			was = phrase.Ms(time.Duration(v.Before.Size))
		}
		return fmt.Sprintf("moved: margin %s → %s, which is not a fix: %s that late still fails the test", was, phrase.Ms(time.Duration(v.After.Size)), v.After.Edge)
	case AnotherFailure:
		if v.Fresh != nil {
			return fmt.Sprintf("another failure now: hunting afresh found %s, %s", v.Fresh.ID, v.Fresh.Title)
		}
		return v.Replay.another()
	case Undecided:
		if v.Replay.Count.N == 0 {
			return v.Replay.Verdict()
		}
		return fmt.Sprintf("undecided: %d more runs needed; 0 of %d failed, and by chance as many pass of what failed before", v.More, v.Replay.Count.N)
	}
	k := v.Replay.Count
	switch {
	case v.Latent:
		return fmt.Sprintf("still failing (%d of %d): the prediction holds", k.K, k.N)
	case k.K == 0 && v.Fresh != nil:
		return fmt.Sprintf("still failing: not under the old schedule (0 of %d), but hunting afresh found %s, %s", k.N+v.Replay.Blocked, v.Fresh.ID, v.Fresh.Title)
	case v.Replay.Reworded:
		return fmt.Sprintf("still failing (%d of %d, in other words, and 0 of %d with nothing injected)", k.K, k.N, v.Replay.Control.N)
	}
	return fmt.Sprintf("still failing (%d of %d)", k.K, k.N)
}

// fixed says how it is known that the finding is.
func (v *Verified) fixed() string {
	r := v.Replay
	how := fmt.Sprintf("≤ %s at 95 %%: 0 of %d failed with the guilty schedule applied", stats.Percent(v.Upper), r.Count.N)
	switch {
	case v.Latent:
		return fmt.Sprintf("tolerated (≤ %s at 95 %%: 0 of %d failed with the schedule applied; the finding was a prediction)", stats.Percent(v.Upper), r.Count.N)
	case !v.Applies:
		how = fmt.Sprintf("the schedule no longer applies, since %s does not come any more", r.Diverged)
	case v.Ordered:
		how = fmt.Sprintf("the program now enforces the order: the guilty one could not be made in %d of %d trials", r.Blocked, r.Blocked+r.Count.N)
	}
	if v.Afresh > 0 {
		how += fmt.Sprintf("; hunting afresh, %d trials, found nothing", v.Afresh)
	}
	return "fixed (" + how + ")"
}

// Verify replays the schedule of f n times on the code as it is now. If that no
// longer fails it asks whether a longer delay still does, and then hunts the
// finding's test afresh: a frame may have got another name, and the failure another
// schedule.
func Verify(ctx context.Context, cfg hunt.Config, f *harness.Finding, n int) (*Verified, error) {
	r, err := Replay(ctx, cfg.Executor, f, n)
	if err != nil {
		return nil, err
	}
	v := &Verified{Test: r.Test, Replay: r, Before: f.Margin, Latent: f.Standing == harness.Latent, Applies: r.Diverged.IsZero()}
	switch {
	case r.Count.K > 0:
		v.Repair = StillFailing
		return v, v.compare(ctx, cfg, f)
	case r.Other.K > 0:
		v.Repair = AnotherFailure
		return v, nil
	case r.Count.N+r.Blocked == 0:
		v.Repair = Undecided
		return v, nil
	}
	if v.Applies {
		after, err := moved(ctx, cfg, f)
		if err != nil {
			return nil, err
		}
		if after != nil {
			v.Repair, v.After = MarginMoved, after
			return v, nil
		}
	}
	v.Ordered = r.Count.N == 0
	v.Upper = stats.Excludes(max(r.Count.N, 1), 0.95)
	if v.More = needed(f, r); v.More > 0 {
		v.Repair = Undecided
		return v, nil
	}
	v.Repair = Fixed
	if v.Latent {
		return v, nil
	}
	return v, v.afresh(ctx, cfg, f)
}

// needed says how many more runs without a failure it takes until chance is no
// longer as good an explanation as a repair: where the schedule, or nothing at all,
// failed the test at times only, a few passes say little.
func needed(f *harness.Finding, r *Replayed) int {
	before := f.Provoked
	if !injects(f.Schedule) {
		before = f.Natural
	}
	if before.K == 0 || before.N < before.K || r.Count.N == 0 || injects(f.Schedule) && before.K == before.N {
		return 0
	}
	const most = 100_000
	for n := r.Count.N; n < most; n++ {
		if stats.Fisher(before.K, before.N, 0, n, stats.Greater) <= alpha {
			return n - r.Count.N
		}
	}
	return most
}

// afresh hunts the finding's test alone, and says what is found: the finding's own
// failure, also by another schedule, or another one.
func (v *Verified) afresh(ctx context.Context, cfg hunt.Config, f *harness.Finding) error {
	cfg.Match = func(test string) bool { return test == f.Tests[0] }
	cfg.Strategy = "directed"
	cfg.Trials = freshTrials
	cfg.Journal = nil
	r, err := hunt.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if r.Interrupted {
		return ctx.Err()
	}
	v.Afresh = r.TrialsDone
	for i := range r.Findings {
		n := &r.Findings[i]
		if n.Standing == harness.Latent || n.Class == harness.InfrastructureClass {
			continue
		}
		if alike(n, f) {
			v.Repair, v.Fresh = StillFailing, n
			if v.Before != nil && n.Margin != nil && n.Margin.Lo > v.Before.Hi {
				v.Repair, v.After = MarginMoved, n.Margin
			}
			return nil
		}
		if v.Fresh == nil {
			v.Repair, v.Fresh = AnotherFailure, n
		}
	}
	return nil
}

// alike reports whether two findings of one test are of one failure.
func alike(a, b *harness.Finding) bool {
	return a.Failure.Fingerprint == b.Failure.Fingerprint || a.Class == b.Class && a.Class != harness.Unattributed
}

// reach is how late a frame is made in order to see whether a fix only moved the
// margin. A change that tolerates more than this counts as a fix.
func reach(cfg hunt.Config, f *harness.Finding) time.Duration {
	d := cfg.MaxDelay
	if d <= 0 {
		d = hunt.MaxDelay
	}
	if f.Margin != nil { // it was found by longer delays
		d = max(d, 2*time.Duration(f.Margin.Hi))
	}
	return d
}
