package hunt

import (
	"context"
	"maps"
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// explore makes the trials of the strategy.
func (r *rounds) explore(ctx context.Context) (job, error) {
	var size explore.Survey
	if measured(r.Strategy) {
		var err error
		if size, err = r.lab.size(ctx, r.suites, r.names); err != nil {
			return nil, err
		}
	}
	return func(suite string, index int) trial.Job {
		j := trial.Job{Index: index, Suite: suite, Tests: r.names(suite), Arm: harness.Survey}
		if r.Strategy != "none" {
			j.Arm = harness.Explore
			j.Plan = trial.PlanOf(harness.Schedule{
				Version: harness.ScheduleVersion, Strategy: r.Strategy, Seed: trial.Mix(r.Seed, index),
				Params: settings(r.Strategy, r.Params, index, size),
			})
		}
		return j
	}, nil
}

// settings are the strategy's for one trial.
func settings(strategy string, params map[string]string, index int, size explore.Survey) map[string]string {
	p := maps.Clone(params)
	if p == nil {
		p = map[string]string{}
	}
	if strategy == "skew" {
		p["trial"] = strconv.Itoa(index)
	}
	if measured(strategy) && p["max"] == "" {
		// The budget bounds what a trial is given altogether, not one test: a frame
		// that is late by longer than a test waits fails it, and shows only that it
		// has a deadline.
		p["max"] = MaxDelay.String()
	}
	if size.Frames > 0 {
		maps.Copy(p, explore.Settings{Survey: size}.Params())
	}
	return p
}

// measured reports whether the strategy needs to know how large a trial is, in
// order to keep what it injects within its share of the time.
func measured(strategy string) bool {
	return strategy == "skew" || strategy == "random" || strategy == "pct"
}

// enlarge takes how large a trial without injection was into account, coarsely:
// the same suite must give the same numbers in the next run, since delays depend
// on them.
func enlarge(size explore.Survey, t harness.Trial) explore.Survey {
	if t.Points == 0 {
		return size
	}
	size.Frames = max(size.Frames, 1<<(bits.Len(uint(t.Points))&^1))
	seconds := math.Exp2(math.Round(math.Log2(max(time.Duration(t.Duration).Seconds(), 0.25))))
	size.Duration = max(size.Duration, time.Duration(seconds*float64(time.Second)))
	size.Tests = max(size.Tests, len(t.Outcomes))
	size.Roles = 4
	return size
}
