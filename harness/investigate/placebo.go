package investigate

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

const (
	shortDelay = 30 * time.Millisecond // no test fails for being late by so little
	placebos   = 2                     // how often as long a delay of another frame must fail it too
)

// placebo asks whether the test fails alike when another frame is as late and the pair
// stays in its order: then it is slow that fails it. A short delay needs no such question.
func placebo(in *Investigation, e *evidence.Evidence, first Played) {
	late, passing := longestKept(first.Events), in.lab.Passing(in.Test.Name)
	if !evidence.OfPair(e.Cause.Class) || len(in.c.Provoke.Before) > 0 || len(passing) == 0 || !e.Proven() ||
		late < max(shortDelay, time.Duration(passing[0].Outcome.Duration)/4) {
		return
	}
	for _, at := range evidence.Idle(in.c, passing[0]) {
		n, ok := placeboAt(in, at, late)
		if e.Placebo = n; ok && n.K == placebos {
			e.Cause, e.OwnDelay = evidence.Slow(n, at, late), late > in.Longest+in.Longest/4
		}
		if ok {
			return
		}
	}
}

// placeboAt makes one frame late; false: that turns the pair too, or it does not come.
func placeboAt(in *Investigation, at harness.Point, late time.Duration) (n harness.Count, ok bool) {
	for n.N < placebos && n.K == n.N && !in.Over() {
		r := in.Aim.Run(harness.Counterfactual, in.delayed(at, late))
		if r.Reading < evidence.Passed || len(r.Outcome.Missed) > 0 || keptFor(r.Events, at) == 0 || turned(r.Events, in.c) {
			return n, false
		}
		n.N++
		if in.fails(r) {
			n.K++
		}
	}
	return n, n.N > 0
}
