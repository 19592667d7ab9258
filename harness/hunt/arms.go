package hunt

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// mostContrasts is how many of the predicates that tell a failure from passes are
// forced, the best first.
const mostContrasts = 4

// portfolio says what undirected arms have brought so far, in all tests.
type portfolio struct {
	mu    sync.Mutex
	tried map[string]int
	hit   map[string]int
}

// arm chooses the n-th arm of a test, from 0, and how often it was played on the
// test before: those that failed other tests come first, then small delays.
func (p *portfolio) arm(n int, weight func(kind string) float64) (explore.Arm, int) {
	list := explore.Arms()
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(list, func(a, b explore.Arm) int {
		return cmp.Compare(p.worth(b.Name)*weight("arm:"+b.Name), p.worth(a.Name)*weight("arm:"+a.Name))
	})
	return list[n%len(list)], n / len(list)
}

// worth is one more than the arm's hits, over one more than those expected of it
// at one in ten. p.mu is held.
func (p *portfolio) worth(name string) float64 {
	return (1 + float64(p.hit[name])) / (1 + 0.1*float64(p.tried[name]))
}

// learn counts a trial.
func (p *portfolio) learn(name string, hit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tried == nil {
		p.tried, p.hit = map[string]int{}, map[string]int{}
	}
	p.tried[name]++
	if hit {
		p.hit[name]++
	}
}

// String says which arms failed a test, and how often.
func (p *portfolio) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ""
	for _, a := range explore.Arms() {
		if n := p.tried[a.Name]; n > 0 {
			s += fmt.Sprintf(" · %s %d/%d", a.Name, p.hit[a.Name], n)
		}
	}
	if s == "" {
		return ""
	}
	return "undirected trials that failed, by arm: " + s[len(" · "):]
}

// tryArm does a trial of a foreign test under an undirected schedule, and looks
// for the cause if it fails. It reports false where there is no such trial: the
// shipped suites are explored in virtual time.
func (h *hunt) tryArm(a *aim, r *testReport) bool {
	if !h.foreign() {
		return false
	}
	if c, ok := h.single(a.test.Name, r); ok && r.arms%2 == 1 {
		r.arms++
		h.tryCandidate(a, c, h.simulated, r)
		return true
	}
	weight := func(string) float64 { return 1 }
	if h.Learned != nil {
		weight = h.Learned.Weight
	}
	arm, before := h.arms.arm(r.arms, weight)
	s := arm.Schedule(trial.Mix(h.Seed, r.arms+1), explore.Play{
		Trial: before + 1, Max: h.MaxDelay, Survey: sizeOf(h.log.Histories(a.test.Name)),
	})
	r.arms++
	r.spent++
	got := a.run(harness.Provoke, s)
	hit := got.Reading == finding.Failed
	h.arms.learn(arm.Name, hit)
	if h.Learned != nil {
		h.Learned.Learn("arm:"+arm.Name, hit)
	}
	if hit {
		h.explain(a, got, s, arm, r)
	}
	return got.Reading != finding.NoTrial
}

// single makes one frame as late as a slow network may: a request or a message of
// which no candidate was about, those in the middle of the longest stretch that
// was not tried first.
func (h *hunt) single(test string, r *testReport) (near.Candidate, bool) {
	traces := h.log.Traces(test)
	if len(traces) == 0 {
		return near.Candidate{}, false
	}
	tried := map[harness.Point]bool{}
	for _, c := range r.tried {
		tried[c.Late()] = true
	}
	events := traces[0].Events
	var at harness.Point
	longest := 0
	for i := 0; i < len(events); i++ {
		var free []harness.Point
		for ; i < len(events) && !tried[events[i].Point]; i++ {
			if k := events[i].Kind; (k == harness.Request || k == harness.Push) && events[i].Test == test {
				free = append(free, events[i].Point)
			}
		}
		if len(free) > longest {
			longest, at = len(free), free[len(free)/2]
		}
	}
	if longest == 0 {
		return near.Candidate{}, false
	}
	d := harness.Decision{Test: test, At: at, Action: harness.Delay, Delay: harness.Duration(h.MaxDelay)}
	s := harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Seed: h.Seed}
	c := near.Candidate{
		Class: harness.TimeoutClient, Test: test, Shape: "one frame", Relation: "single frames", First: at, Provoke: s, Counter: s,
		Title: at.Words() + " came late",
		Why:   "The test fails when this one frame is late, and passes when it is not.",
	}
	c.Provoke.Decisions = []harness.Decision{d}
	return c, true
}

// sizeOf says how large a trial of the test is, by those that passed.
func sizeOf(seen Histories) explore.Survey {
	size := explore.Survey{Tests: 1, Roles: 4}
	for _, p := range seen.Passing {
		size.Frames = max(size.Frames, len(p.Trace.Events))
		size.Duration = max(size.Duration, time.Duration(p.Trace.Outcome.Duration))
	}
	return size
}

// explain looks for the cause of a failure under an undirected schedule: what
// tells it from passes is forced both ways, the best first; else it is the
// fewest of its delays that fail the test again.
func (h *hunt) explain(a *aim, failed played, s harness.Schedule, arm explore.Arm, r *testReport) {
	for range mostContrasts {
		list := untried(h.contrasts(a.test.Name), r.tried)
		if len(list) == 0 || r.proven || a.over() {
			break
		}
		h.tryCandidate(a, list[0], h.simulated, r)
	}
	if r.proven || a.over() {
		return
	}
	c := near.Candidate{
		Class: harness.Unattributed, Test: a.test.Name, Shape: "undirected", Provoke: s, Counter: a.schedule(),
		Title: "it fails with " + arm.Doc,
		Why:   "No order of two frames was found that tells failing runs from passing ones and fails the test by itself.",
	}
	for _, m := range failed.done.Matches[a.test.Name] {
		c.Also = append(c.Also, m.Class)
	}
	if list := injected(failed.events, a.test.Name); len(list) > 0 {
		if again, fewer := a.smaller(list, *failed.outcome); again.Reading == finding.Failed {
			c.Provoke, failed = a.schedule(fewer...), again
			c.Title = "it fails when " + late(fewer)
		}
	}
	h.conclude(a.investigate(c, !h.NoMargins, nil).prove(failed), r)
}

// injected names what an undirected strategy did to each frame.
func injected(events []harness.Event, test string) []harness.Decision {
	var list []harness.Decision
	for i := range events {
		e := &events[i]
		if e.Test == test && e.Asked > 0 && (e.Action == harness.Delay || e.Action == harness.Pause) {
			list = append(list, harness.Decision{At: e.Point, Action: e.Action, Delay: harness.Duration(e.Asked)})
		}
	}
	return list
}

// late says which frames come late, the longest delays first.
func late(list []harness.Decision) string {
	const most = 3
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b harness.Decision) int { return cmp.Compare(b.Delay, a.Delay) })
	s := ""
	for i, d := range list {
		if i == most {
			return s + fmt.Sprintf(" and %d more", len(list)-most)
		}
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%s comes %s late", d.At, time.Duration(d.Delay).Round(time.Millisecond/10))
	}
	return s
}
