package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/minimize"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// confirmations is how often a delay just above the old margin is tried.
const confirmations = 3

// verifyReach is how late a command is made in order to see whether a fix only
// moved the margin. A change that tolerates more than this counts as a fix.
const verifyReach = time.Second

// Repair says what a change did to a finding.
type Repair string

const (
	Fixed        Repair = "fixed"
	StillFailing Repair = "still failing"
	MarginMoved  Repair = "margin moved"               // it tolerates more than before, and fails all the same
	NotApply     Repair = "schedule no longer applies" // its points never appear, and nothing like it was found
)

// Verified is the answer to: is the fix real?
type Verified struct {
	Repair  Repair
	Test    string
	Replay  *Replayed        // of the finding's own schedule
	Upper   float64          // Fixed: failure rate with the schedule applied is at most this, at 95 %
	Latent  bool             // the finding was a prediction: nothing had failed
	Ordered bool             // Fixed: the program now enforces the order
	Before  *harness.Margin  // MarginMoved: as the finding has it, if it was measured
	After   *harness.Margin  // MarginMoved: as measured now
	Fresh   *harness.Finding // NotApply or StillFailing: what hunting afresh found
}

// Sentence says it in one line.
func (v *Verified) Sentence() string {
	switch v.Repair {
	case Fixed:
		if v.Latent {
			return fmt.Sprintf("tolerated (≤ %s at 95 %%: 0 of %d failed with the schedule applied; the finding was a prediction)", stats.Percent(v.Upper), v.Replay.Count.N)
		}
		if v.Ordered {
			return fmt.Sprintf("fixed: the program now enforces the order (the guilty order could not be made in %d of %d trials)", v.Replay.Blocked, v.Replay.Blocked+v.Replay.Count.N)
		}
		return fmt.Sprintf("fixed (≤ %s at 95 %%: 0 of %d failed with the guilty schedule applied)", stats.Percent(v.Upper), v.Replay.Count.N)
	case MarginMoved:
		was := "an unknown margin"
		if v.Before != nil {
			was = v.Before.Size.String()
		}
		return fmt.Sprintf("still failing: the margin moved from %s to %s, which is not a fix: %s that late still fails the test", was, v.After.Size, v.After.Edge)
	case NotApply:
		if v.Fresh != nil {
			return fmt.Sprintf("schedule no longer applies (diverged at %s), but hunting afresh found %s: %s", v.Replay.Diverged, v.Fresh.ID, v.Fresh.Title)
		}
		return fmt.Sprintf("schedule no longer applies (diverged at %s); hunting afresh found nothing", v.Replay.Diverged)
	}
	if v.Latent {
		return fmt.Sprintf("it fails (%d of %d): the prediction holds", v.Replay.Count.K, v.Replay.Count.N)
	}
	return fmt.Sprintf("still failing (%d of %d)", v.Replay.Count.K, v.Replay.Count.N)
}

// Verify replays the schedule of f n times on the code as it is now. If that no
// longer fails it asks whether a longer delay still does, and if the schedule
// no longer applies it hunts afresh around the finding's test.
func Verify(ctx context.Context, cfg hunt.Config, f *harness.Finding, n int) (*Verified, error) {
	r, err := Replay(ctx, cfg.Executor, f, n)
	if err != nil {
		return nil, err
	}
	v := &Verified{Test: r.Test, Replay: r, Before: f.Margin, Latent: f.Standing == harness.Latent}
	switch {
	case r.Count.K > 0:
		v.Repair = StillFailing
		return v, v.compare(ctx, cfg.Executor, f)
	case !r.Diverged.IsZero():
		v.Repair = NotApply
		v.Fresh, err = afresh(ctx, cfg, f)
		return v, err
	}
	after, err := moved(ctx, cfg.Executor, f)
	if err != nil {
		return nil, err
	}
	if after != nil {
		v.Repair, v.After = MarginMoved, after
		return v, nil
	}
	v.Repair = Fixed
	v.Ordered = r.Count.N == 0 && r.Blocked > 0
	v.Upper = stats.Excludes(max(r.Count.N, 1), 0.95)
	return v, nil
}

// compare measures the margin anew where the schedule still fails, as a hold
// does however long the test waits: if it has grown, someone lengthened a wait.
func (v *Verified) compare(ctx context.Context, exec trial.Executor, f *harness.Finding) error {
	if v.Before == nil || v.Before.Predicted {
		return nil
	}
	// A little above the old margin, any failure tells that it is still there; a
	// pass may be the doing of a busy machine, which was late elsewhere too.
	hi := time.Duration(v.Before.Hi)
	r, err := replaySchedule(ctx, exec, f, delayFrame(f, v.Before.At, hi+hi/4+5*time.Millisecond), confirmations)
	if err != nil || r.Count.K > 0 {
		return err
	}
	after, err := moved(ctx, exec, f)
	if err == nil && after != nil && after.Lo > v.Before.Hi {
		v.Repair, v.After = MarginMoved, after
	}
	return err
}

// delayFrame makes one frame of the finding's test late.
func delayFrame(f *harness.Finding, at harness.Point, d time.Duration) harness.Schedule {
	s := harness.ReplaySchedule(f.Tests[0], harness.Decision{At: at, Action: harness.Delay, Delay: harness.Duration(d)})
	s.Seed = f.Seed
	return s
}

// moved looks for a delay, up to verifyReach, with which the test still fails:
// a fix that only waits longer has one. It returns nil if there is none.
func moved(ctx context.Context, exec trial.Executor, f *harness.Finding) (*harness.Margin, error) {
	at, ok := guilty(f)
	if !ok {
		return nil, nil
	}
	fails := func(d time.Duration) (bool, error) {
		r, err := replaySchedule(ctx, exec, f, delayFrame(f, at, d), 1)
		if err != nil {
			return false, err
		}
		return r.Count.K > 0, nil
	}
	failed, err := fails(verifyReach)
	if err != nil || !failed {
		return nil, err
	}
	lo, hi, err := minimize.Threshold(ctx, 0, verifyReach, minimize.Resolution, fails)
	if err != nil {
		return nil, err
	}
	return &harness.Margin{
		Test: f.Tests[0], Edge: at.Verb + " " + at.Key, At: at,
		Size: harness.Duration((lo + hi) / 2), Lo: harness.Duration(lo), Hi: harness.Duration(hi),
	}, nil
}

// guilty is the frame whose lateness the finding is about.
func guilty(f *harness.Finding) (harness.Point, bool) {
	if f.Margin != nil {
		return f.Margin.At, true
	}
	for _, d := range f.Schedule.Decisions {
		if d.Action == harness.Hold || d.Action == harness.Delay {
			return d.At, true
		}
	}
	return harness.Point{}, false
}

// afresh hunts the finding's test alone, and returns what it finds of the same
// class, or else anything.
func afresh(ctx context.Context, cfg hunt.Config, f *harness.Finding) (*harness.Finding, error) {
	cfg.Match = func(test string) bool { return test == f.Tests[0] }
	cfg.Strategy = "directed"
	cfg.Journal = nil
	r, err := hunt.Run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var any *harness.Finding
	for i := range r.Findings {
		switch n := &r.Findings[i]; {
		case n.Standing == harness.Latent:
		case n.Class == f.Class:
			return n, nil
		case any == nil:
			any = n
		}
	}
	return any, nil
}
