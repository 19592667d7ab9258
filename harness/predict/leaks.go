package predict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
)

const (
	// leastLeak is the least score at which a command that may outlive its test is tried.
	leastLeak = 0.15
	// leastWindow is the least time during which a late command must do harm. Tests
	// do not follow each other at the same pace twice, so a shorter one is missed.
	leastWindow = time.Millisecond
	// lastCommands is how many of a test's last commands may be under way at its end.
	lastCommands = 32
)

// LeftUnderWay is the shape of a command that comes when the next test runs.
const LeftUnderWay = "left under way"

// Leaks tells which commands of the test before it, if they come late, change what
// a test finds. The trials hold the traces of a suite's tests in the order in which
// they ran, none of which failed; no command is later than most. The likeliest
// come first.
func Leaks(trials [][]*detect.Trace, test string, most time.Duration) []nearmiss.Candidate {
	var list []nearmiss.Candidate
	for _, ordered := range trials {
		for i, b := range ordered {
			if i == 0 || b.Test != test || ordered[i-1].Outcome.Test.Suite != b.Outcome.Test.Suite || ordered[i-1].Test == test {
				continue
			}
			list = append(list, leaksInto(ordered[i-1], b, most)...)
		}
	}
	slices.SortStableFunc(list, likeliest)
	return list
}

func leaksInto(a, b *detect.Trace, most time.Duration) []nearmiss.Candidate {
	if len(a.Commands) == 0 || len(b.Commands) == 0 {
		return nil
	}
	var list []nearmiss.Candidate
	tail := a.Commands[max(0, len(a.Commands)-lastCommands):]
	for _, w := range tail {
		free := unawaited(a, b, w)
		if free < leastLeak || len(w.Effects.Writes) == 0 && !strings.HasSuffix(w.Verb, "PUBLISH") {
			continue
		}
		var found []nearmiss.Candidate
		try := func(x *detect.Command, from, to time.Duration, why float64) {
			late := from + (to-from)/2 - w.Arrived
			score := free * why * (1 - falling(to-from, 3*time.Millisecond))
			if to-from >= leastWindow && late > 0 && late <= most && score >= leastLeak/2 {
				found = append(found, leak(a, b, w, x, late, score))
			}
		}
		own := ownWrites(b, w)
		for i, x := range b.Commands {
			if from, to, why, ok := own.window(i, x); ok {
				try(x, from, to, why)
			}
		}
		for _, s := range b.Subscriptions {
			if s.Command != nil && s.Takes(w) {
				try(s.Command, s.Told, b.End, 0.9)
			}
		}
		slices.SortStableFunc(found, likeliest)
		list = append(list, found[:min(len(found), windows)]...)
	}
	return list
}

// windows is how many moments are tried for one command: at one of them it may do
// no harm, or the tests may have been slower.
const windows = 2

// unawaited judges how probable it is that the test a does not wait for w.
func unawaited(a, b *detect.Trace, w *detect.Command) float64 {
	last := a.Commands[len(a.Commands)-1]
	switch {
	case w.Exec != nil || w.IsError || w.Blocks:
		return 0
	case w.Done == 0 || w.Done >= b.Begin:
		return 1
	}
	overlapped, followed := false, false
	for _, c := range a.Commands {
		if c == w {
			continue
		}
		overlapped = overlapped || c.Arrived > w.Arrived && c.Arrived < w.Replied
		followed = followed || c.Conn == w.Conn && c.Arrived >= w.Replied
	}
	switch {
	case overlapped:
		return 0.7
	case followed:
		return 0
	case w.Conn != last.Conn:
		return 0.6
	}
	return 0.2
}

// writes is what a test b itself writes over a late command w of the test before,
// reckoned up to each of b's commands, which are in order of Sent.
type writes struct {
	b     *detect.Trace
	w     *detect.Command
	since []time.Duration // until then w changes nothing: b began, or the last of its writes up to here was done
	same  []bool          // up to here b itself sent what w is
}

func ownWrites(b *detect.Trace, w *detect.Command) writes {
	o := writes{b, w, make([]time.Duration, len(b.Commands)+1), make([]bool, len(b.Commands)+1)}
	o.since[0] = b.Begin
	for i, p := range b.Commands {
		o.since[i+1], o.same[i+1] = o.since[i], o.same[i] || slices.Equal(p.Words, w.Words)
		if _, over := effects.Conflicts(p.Effects, w.Effects); over && len(p.Effects.Writes) > 0 {
			o.since[i+1] = max(o.since[i], p.Done)
		}
	}
	return o
}

// window tells from when to when a late w changes what x, the i-th command, finds,
// and how much it matters: after b itself has written it, or since b began.
func (o writes) window(i int, x *detect.Command) (from, to time.Duration, why float64, ok bool) {
	on, conflict := effects.Conflicts(o.w.Effects, x.Effects)
	if !conflict || !x.Reads && on.Sort != effects.WriteRead || !x.Answered() {
		return 0, 0, 0, false
	}
	came, _ := slices.BinarySearchFunc(o.b.Commands[:i], x.Arrived, func(p *detect.Command, at time.Duration) int { return cmp.Compare(p.Sent, at) })
	if o.same[came] {
		return 0, 0, 0, false // the same again
	}
	to = x.Arrived
	if x.Blocks {
		to = x.Done // it waits in Redis for what comes
	}
	return o.since[came], to, min(on.Weight, 1), true
}

func leak(a, b *detect.Trace, w, x *detect.Command, late time.Duration, score float64) nearmiss.Candidate {
	counter := harness.ReplaySchedule(a.Test)
	counter.Before = []string{a.Test}
	provoke := harness.ReplaySchedule(a.Test, harness.Decision{At: w.Point, Action: harness.Delay, Delay: harness.Duration(late.Round(100 * time.Microsecond))})
	provoke.Before = []string{a.Test}
	what, other := w.Point.Words(), x.Point.Words()
	return nearmiss.Candidate{
		Class: harness.IsolationTestLeak, Also: []harness.Class{harness.OrderCommands}, Shape: LeftUnderWay, Relation: "tests", Test: b.Test,
		Title:  fmt.Sprintf("%s of %s came before %s began", what, a.Test, b.Test),
		Broken: fmt.Sprintf("%s of %s took effect while %s ran, before its %s", what, a.Test, b.Test, other),
		Why: fmt.Sprintf("%s does not wait for its %s: it can end while that is on its way, and %s then finds what it did. "+
			"Wait for what a test sends before it ends, and give each test keys of its own.", a.Test, what, b.Test),
		First: w.Point, Then: x.Point,
		Provoke: provoke, Counter: counter, Likelihood: score, Gap: x.Arrived - w.Sent,
	}
}
