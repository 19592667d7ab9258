package hunt

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/propose"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// tryArm does a trial of a foreign test under an undirected schedule, and looks
// for the cause if it fails. It reports false where there is no such trial: the
// shipped suites are explored in virtual time.
func (t *testHunt) tryArm() bool {
	h, r, test := t.hunt, t.testReport, t.aim.Test.Name
	if !h.foreign() {
		return false
	}
	if c, ok := propose.Single(test, h.log.Traces(test), r.tried, h.MaxDelay, h.Seed); ok && r.arms%2 == 1 {
		r.arms++
		t.try(c)
		return true
	}
	arm, before := h.arms.Arm(r.arms, h.learned.Weight)
	s := arm.Schedule(trial.Mix(h.Seed, r.arms+1), explore.Play{
		Trial: before + 1, Max: h.MaxDelay, Survey: propose.SizeOf(h.log.Histories(test)),
	})
	t.tell("arm " + arm.Name + ", " + arm.Doc)
	r.arms++
	r.spent++
	got := t.aim.Run(harness.Provoke, s)
	hit := got.Reading == evidence.Failed
	h.arms.Learn(arm.Name, hit)
	h.learned.Learn("arm:"+arm.Name, hit)
	if hit {
		t.explain(got, s, arm)
	}
	return got.Reading != evidence.NoTrial
}

// explain looks for the cause of a failure under an undirected schedule: what
// tells it from passes is forced both ways, the best first; else it is the
// fewest of its delays that fail the test again.
func (t *testHunt) explain(failed investigate.Played, s harness.Schedule, arm explore.Arm) {
	a, test := t.aim, t.aim.Test.Name
	for range propose.MostContrasts {
		list := propose.Untried(propose.Contrasts(t.hunt.log.Histories(test)), t.tried)
		if len(list) == 0 || t.proven || a.Over() {
			break
		}
		t.try(list[0])
	}
	if t.proven || a.Over() {
		return
	}
	c := nearmiss.Candidate{
		Class: harness.Unattributed, Test: test, Shape: "undirected", Provoke: s, Counter: a.Schedule(),
		Title: "it fails with " + arm.Doc,
		Why:   "No order of two frames was found that tells failing runs from passing ones and fails the test by itself.",
	}
	for _, m := range failed.Matches {
		c.Also = append(c.Also, m.Class)
	}
	if list := investigate.Injected(failed.Events, test); len(list) > 0 {
		if again, fewer := a.Smaller(list, *failed.Outcome); again.Reading == evidence.Failed {
			if len(fewer) == 0 {
				return // it fails with nothing injected: that is a natural failure
			}
			c.Provoke, failed = a.Schedule(fewer...), again
			c.Title = "it fails when " + investigate.Delayed(fewer)
		}
	}
	t.conclude(t.investigate(c, nil).Prove(failed))
}
