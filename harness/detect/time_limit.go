package detect

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// OutOfTime finds a test that its runner ended since it took longer than its limit,
// and that took so much of it where it passed that what was injected explains it.
func OutOfTime(failed *Trace, passing []*Trace) (Match, bool) {
	o := failed.Outcome
	if o.Failure == nil || o.Failure.Kind != harness.TimeoutFailure || o.Limit == nil || len(passing) == 0 {
		return Match{}, false
	}
	var longest, shortest time.Duration
	for i, t := range passing {
		l := t.Outcome.Limit
		if l == nil || l.Of != o.Limit.Of || l.Left()-timerLag > time.Duration(o.Injected) {
			return Match{}, false
		}
		took := time.Duration(l.Took)
		longest = max(longest, took)
		if i == 0 || took < shortest {
			shortest = took
		}
	}
	of := ms(time.Duration(o.Limit.Of))
	return Match{
		Class: harness.TimeoutClient,
		Title: fmt.Sprintf("the test took longer than the %s that its runner gives it", of),
		Explanation: fmt.Sprintf("Where it passed it took %s to %s. Its runner ends it after %s, and answers that came %s later in all were too late. "+
			"Give it a longer limit, or let it wait for less.", ms(shortest), ms(longest), of, ms(time.Duration(o.Injected))),
		Score: 0.6,
	}, true
}

// timerLag is what a machine's own timers may have run late, in a passing run.
const timerLag = 50 * time.Millisecond
