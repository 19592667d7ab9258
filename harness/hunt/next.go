package hunt

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/predict"
	"github.com/flakehunt/flakehunt/harness/propose"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// afterProof is how many more aimed trials a foreign test gets once a cause is
// proven: what else fails it in the same way is most often the same race, met at
// another frame.
const afterProof = 3

// mostLeaks is how many commands of the test before are tried.
const mostLeaks = 3

// testHunt is the directed search in one test.
type testHunt struct {
	*testReport
	hunt   *hunt
	aim    *investigate.Aim
	before []nearmiss.Candidate // commands of the test before that may come late; none of a shipped test
}

// next gives the likeliest candidate that was not tried: what tells failing
// histories from passing ones comes before what passing ones predict.
func (t *testHunt) next() (nearmiss.Candidate, bool) {
	test := t.aim.Test.Name
	list := propose.Untried(propose.Contrasts(t.hunt.log.Histories(test)), t.tried)
	if len(list) == 0 {
		list = propose.Untried(t.hunt.candidates(test, t.known), t.tried)
		if leaks := t.leaks(); len(leaks) > 0 && (len(list) == 0 || t.hunt.learned.of(leaks[0]) > t.hunt.learned.of(list[0])) {
			list = leaks
		}
	}
	if len(list) == 0 {
		return nearmiss.Candidate{}, false
	}
	return list[0], true
}

// leaks gives commands of the test before that may come when this one runs, as long
// as few were tried: each takes a new process of the runner.
func (t *testHunt) leaks() []nearmiss.Candidate {
	tried := 0
	for _, c := range t.tried {
		if c.Shape == predict.LeftUnderWay {
			tried++
		}
	}
	if tried >= mostLeaks || t.proven {
		return nil
	}
	return propose.Untried(slices.Clone(t.before), t.tried)
}

// try investigates a candidate.
func (t *testHunt) try(c nearmiss.Candidate) {
	t.tried = append(t.tried, c)
	test := t.aim.Test.Name
	t.tell(string(c.Class) + ": " + c.Title)
	in := t.investigate(c, t.hunt.log.Traces(test))
	if known := t.hunt.simulated.take(test, c); known != nil {
		t.measure(in, c, known)
		return
	}
	t.conclude(in.All())
	t.spent += in.Provoked
	if t.hunt.foreign() && t.proven {
		t.budget = min(t.budget, t.spent+afterProof)
	}
}

// tell says what is tried next, and what of the test's share was spent.
func (t *testHunt) tell(what string) {
	t.hunt.progress.detail("try %s (%d of %d spent): %s", t.aim.Test.Name, t.spent, t.budget, what)
}

// investigate begins the investigation of a candidate; passing are histories of
// runs that tell its margin.
func (t *testHunt) investigate(c nearmiss.Candidate, passing []*detect.Trace) *investigate.Investigation {
	// A foreign test's second cause is rarely another one: it is not worth some
	// twenty trials to measure it.
	return t.aim.Investigate(c, !t.hunt.NoMargins && !(t.hunt.foreign() && t.proven) && len(c.Provoke.Before) == 0, passing)
}

// passes reports whether a foreign test ever passes by itself: it is run a few
// times more if it never did.
func (t *testHunt) passes() bool {
	passed := func() bool { return len(t.hunt.log.Histories(t.aim.Test.Name).Passing) > 0 }
	for range aloneAgain {
		if passed() {
			return true
		}
		if t.aim.Ended() {
			return false
		}
		t.hunt.lab.alone(t.aim.Context(), t.aim.Test)
	}
	return passed()
}

// watchScripts runs a foreign test once more with MONITOR, if it calls scripts or
// functions, so that what they touch is known and not only what they declare.
func (t *testHunt) watchScripts() {
	h, test := t.hunt, t.aim.Test
	for _, trace := range h.log.Traces(test.Name) {
		for _, c := range trace.Commands {
			if !c.Script() {
				continue
			}
			j := trial.Job{Suite: test.Suite + triallog.AloneSuite, Tests: []string{test.Name}, Arm: harness.Survey, Keep: true, Urgent: true, Monitor: true}
			h.progress.expect(1)
			if d := h.lab.unnumbered(t.aim.Context(), j, test.Suite); d != nil {
				h.scripts.Learn(d.Monitored)
			}
			return
		}
	}
}
