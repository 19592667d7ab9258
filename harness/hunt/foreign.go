package hunt

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// aloneRuns is how often a foreign test is run by itself before prediction: on
// the wire of a whole suite it is not certain which command is whose. aloneAgain
// is how often one that never passed is run again.
const (
	aloneRuns  = 2
	aloneAgain = 3
)

// foreign reports whether the target is not one of ours, so that its tests may
// become known only as they run.
func (h *hunter) foreign() bool { return h.Target.Kind != harness.ShippedTarget && h.Target.Kind != "" }

// discover adds tests that appeared in a trial; h.mu is held.
func (h *hunter) discover(t harness.Trial) {
	if !h.foreign() {
		return
	}
	for _, o := range t.Outcomes {
		known := false
		for _, id := range h.tests {
			known = known || id.Name == o.Test.Name
		}
		if !known && (h.Match == nil || h.Match(o.Test.Name)) {
			h.tests = append(h.tests, o.Test)
		}
	}
}

// leaves are the tests that have no subtests: those that can be aimed at.
func (h *hunter) leaves() []harness.TestID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []harness.TestID
	for _, t := range h.tests {
		parent := false
		for _, o := range h.tests {
			parent = parent || strings.HasPrefix(o.Name, t.Name+"/")
		}
		if !parent {
			list = append(list, t)
		}
	}
	return list
}

// aloneSuite marks the trials of a test by itself.
const aloneSuite = " (alone)"

// alone runs a foreign test by itself a few times without injection: that gives
// histories that are the test's own, and tells whether it fails alone but not in
// its suite, or the other way round.
func (h *hunter) alone(ctx context.Context, t harness.TestID) {
	for range aloneRuns {
		h.runAlone(ctx, t)
	}
}

// again runs tests that never passed alone once more, while nothing else runs: a
// crowd is no proof.
func (h *hunter) again(ctx context.Context) {
	seen := h.tallies()
	for _, t := range h.leaves() {
		c := seen[t.Name].alone
		for i := 0; i < aloneAgain && c.N > 0 && c.K == c.N && ctx.Err() == nil; i++ {
			h.mu.Lock()
			h.progress.Total++
			h.mu.Unlock()
			h.runAlone(ctx, t)
			c = h.tallies()[t.Name].alone
		}
	}
}

func (h *hunter) runAlone(ctx context.Context, t harness.TestID) {
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	h.active++
	index := h.Trials + h.active
	h.mu.Unlock()
	d, err := h.Executor.Do(ctx, trial.Job{
		Index: index, Suite: t.Suite + aloneSuite, Tests: []string{t.Name}, Arm: harness.Survey,
		Seed: trial.Mix(h.Seed, index), Keep: true, Urgent: true,
	})
	if err == nil {
		h.learn(d)
		err = h.keep(d)
	}
	if err != nil && ctx.Err() == nil {
		h.failInfra(t.Suite, index, err)
	}
}

const (
	// leastPatience is what any test may take when it is aimed at: its command has
	// to start as well.
	leastPatience = 30 * time.Second
	// slower is by how much one may take longer than it did by itself.
	slower = 10
)

// patience is how long one aimed trial of a foreign suite's test may take; 0: as
// long as the runner lets it. A frame that came late may leave a test waiting for
// ever, which is worth knowing, but not worth the ten minutes of a runner's limit.
func (h *hunter) patience(test string) time.Duration {
	if !h.foreign() {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	longest := time.Duration(0)
	for _, t := range h.trials {
		if t.Arm.Natural() && strings.HasSuffix(t.Suite, aloneSuite) && len(t.Outcomes) == 1 && t.Outcomes[0].Test.Name == test {
			longest = max(longest, time.Duration(t.Duration))
		}
	}
	if longest == 0 {
		return 0
	}
	return max(leastPatience, slower*longest)
}

// tally counts the executions of one test without injection.
type tally struct{ suite, alone harness.Count }

// tallies counts those of all tests, by name.
func (h *hunter) tallies() map[string]tally {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count()
}

// count is tallies with h.mu held.
func (h *hunter) count() map[string]tally {
	seen := map[string]tally{}
	for _, t := range h.trials {
		if !t.Arm.Natural() {
			continue
		}
		for _, o := range t.Outcomes {
			s := seen[o.Test.Name]
			c := &s.suite
			if strings.HasSuffix(t.Suite, aloneSuite) {
				c = &s.alone
			}
			c.N++
			if o.Verdict == harness.Failed {
				c.K++
			}
			seen[o.Test.Name] = s
		}
	}
	return seen
}

// surest keeps of a test's histories those whose frames are surely its own, as
// soon as there is one: it reports whether that of o is to be kept. h.mu is held.
func (h *hunter) surest(o harness.Outcome) bool {
	unsure := func(t *detect.Trace) bool { return !t.Outcome.Boundary.Exact() }
	kept := h.events[o.Test.Name]
	if o.Boundary.Exact() {
		h.events[o.Test.Name] = slices.DeleteFunc(kept, unsure)
		return true
	}
	return !slices.ContainsFunc(kept, func(t *detect.Trace) bool { return !unsure(t) })
}

// disagree notes tests that fail alone but never in their suite, or only there.
// h.mu is held.
func (h *hunter) disagree() {
	seen := h.count()
	for _, id := range h.tests {
		s := seen[id.Name]
		switch {
		case s.alone.N == 0 || s.suite.N < 2:
		case s.alone.K == s.alone.N && s.suite.K == 0:
			h.warnings = append(h.warnings, id.Name+" fails when it runs alone and not in its suite: it needs something that an earlier test does (a warm connection pool, a cached script, a key)")
		case s.suite.K == s.suite.N && s.alone.K == 0:
			h.warnings = append(h.warnings, id.Name+" fails in its suite and not alone: another test's keys, channels or connections may reach it")
		}
	}
}

// unseen warns when a suite never spoke to Redis through us.
func (h *hunter) unseen() {
	through := 0
	for _, t := range h.trials {
		if t.Arm == harness.Direct {
			continue
		}
		if t.Points > 0 {
			return
		}
		through++
	}
	if through > 0 {
		h.warnings = append(h.warnings, "no command was seen on the wire: the suite does not use REDIS_URL, REDIS_ADDR, REDIS_HOST or REDIS_PORT; if its address is hard-coded, try --takeover localhost:6379, or name its variable with --env; 'flakehunt doctor -- COMMAND' finds out which")
	}
}
