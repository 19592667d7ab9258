package replay

import (
	"context"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/minimize"
)

// confirmations is how often a delay just above the old margin is tried.
const confirmations = 3

// compare measures the margin anew where the schedule still fails, as a hold
// does however long the test waits: if it has grown, someone lengthened a wait.
func (v *Verified) compare(ctx context.Context, cfg hunt.Config, f *harness.Finding) error {
	if v.Before == nil || v.Before.Predicted {
		return nil
	}
	// A little above the old margin, any failure tells that it is still there; a
	// pass may be the doing of a busy machine, which was late elsewhere too.
	hi := time.Duration(v.Before.Hi)
	r, err := replaySchedule(ctx, cfg.Executor, f, delayFrame(f, v.Before.At, hi+hi/4+5*time.Millisecond), confirmations)
	if err != nil || r.Count.K > 0 {
		return err
	}
	after, err := moved(ctx, cfg, f)
	if err == nil && after != nil && after.Lo > v.Before.Hi {
		v.Repair, v.After = MarginMoved, after
	}
	return err
}

// delayFrame makes one frame of the finding's test late.
func delayFrame(f *harness.Finding, at harness.Point, d time.Duration) harness.Schedule {
	s := harness.ReplaySchedule(f.Tests[0], harness.Decision{At: at, Action: harness.Delay, Delay: harness.Duration(d)})
	s.Seed, s.Before = f.Seed, f.Schedule.Before
	return s
}

// moved looks for a delay, as long as reach, with which the test still fails as
// the finding does: a fix that only waits longer has one. It returns nil if there
// is none.
func moved(ctx context.Context, cfg hunt.Config, f *harness.Finding) (*harness.Margin, error) {
	at, ok := guilty(f)
	if !ok {
		return nil, nil
	}
	fails := func(d time.Duration) (bool, error) {
		r, err := replaySchedule(ctx, cfg.Executor, f, delayFrame(f, at, d), 1)
		if err != nil {
			return false, err
		}
		return r.Count.K > 0, nil
	}
	longest := reach(cfg, f)
	failed, err := fails(longest)
	if err != nil || !failed {
		return nil, err
	}
	lo, hi, err := minimize.Threshold(ctx, 0, longest, minimize.Resolution, fails)
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
