package predict

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

const (
	// past is how long after the boundary an aligned frame goes on: what is read
	// of the clock then is surely of the next second.
	past = 20 * time.Millisecond
	// ahead is how long before the boundary an aligned frame is to come, so that
	// it is not kept long and that what was read before is of the second before.
	ahead = 60 * time.Millisecond
	// second is the period of clocks that count seconds.
	second = time.Second
)

// wallClock puts a boundary of the clock's seconds between two readings of it: a
// frame between them is kept until the next second has begun. A test may start
// at any moment, so that this happens by itself too, though rarely.
//
// All that was read before the boundary differs then from all that is read
// after it, so that few boundaries do for many readings: before the first that
// the wire shows (the test may have read the clock before), after it, and after
// the last.
func wallClock(s *scene) []nearmiss.Candidate {
	list := readings(s.t, s.acts)
	out := append(milliseconds(s, list), timeWindows(s, list)...)
	var seconds []reading
	for _, r := range list {
		if r.unit == second && !r.slot && r.act.part != teardown && r.act.Answered() {
			seconds = append(seconds, r)
		}
	}
	if len(seconds) == 0 {
		return out
	}
	first, last := seconds[0], seconds[len(seconds)-1]
	w, later := 0.36, "whatever reads the clock later"
	if last.act != first.act {
		w, later = 0.45, fmt.Sprintf("%s %s", s.say.text(last.act, ""), sentence(last.act.Point.Key))
	}
	out = append(out, boundary(s, first, first.act.frame.Point.Reply(), first.act.Done, later, w))
	if f := first.act.after; f != nil {
		out = append(out, boundary(s, first, f.Point.Reply(), f.Done, "what read the clock before it", 0.42))
	}
	if last.act != first.act {
		out = append(out, boundary(s, last, last.act.frame.Point.Reply(), last.act.Done, "whatever reads the clock later", 0.3))
	}
	return out
}

// boundary keeps frame at until the second after has begun; an earlier frame is
// kept first, so that it is not long.
func boundary(s *scene, r reading, at harness.Point, came time.Duration, what string, w float64) nearmiss.Candidate {
	kept := s.maxDelay // how long the frame is kept, about
	decisions := []harness.Decision{{At: at, Action: harness.Align, Period: harness.Duration(second), Phase: harness.Duration(past)}}
	if early, t := alignedStart(s.first, came, at); !early.IsZero() {
		margin := min(max(ahead, (came-t)/5), second/4)
		kept = margin + past
		before := came - t + margin
		phase := (second - before%second) % second
		decisions = append([]harness.Decision{{At: early, Action: harness.Align, Period: harness.Duration(second), Phase: harness.Duration(phase.Round(time.Millisecond))}}, decisions...)
	}
	name := s.say.text(r.act, "")
	// The same without a boundary: as late, but in the middle of a second.
	calm := []harness.Decision{harness.DelayFrame(at, kept)}
	if len(decisions) == 2 {
		start := decisions[0]
		start.Phase = harness.Duration(past)
		calm = append([]harness.Decision{start}, calm...)
	}
	counter := s.replay(calm...)
	return nearmiss.Candidate{
		Class: harness.TimeWallClock, Also: []harness.Class{harness.OrderCommands, harness.TTLExpiredEarly, harness.TimeoutClient}, Shape: "second",
		Title:  fmt.Sprintf("%s %s holds the time in seconds, %s; %s may read another second", name, sentence(r.act.Point.Key), r.text, what),
		Broken: fmt.Sprintf("a second ended between the time that %s %s holds (%s) and %s", name, sentence(r.act.Point.Key), r.text, what),
		Why: fmt.Sprintf("%s %s holds %s, which is the time in whole seconds. When a second ends between that and %s, the two differ by one. "+
			"Take the time once and pass it on, or allow for a difference of one.", name, sentence(r.act.Point.Key), r.text, what),
		First: at, Then: r.act.frame.Point,
		Provoke: s.replay(decisions...), Counter: counter,
		Likelihood: w,
	}
}

// alignedStart is an early frame to align coarsely: the first request of the test.
// It must come before a moment and belong to another command.
func alignedStart(c *detect.Command, before time.Duration, not harness.Point) (harness.Point, time.Duration) {
	if c == nil || c.Arrived >= before || c.Point == not || c.Point.Reply() == not {
		return harness.Point{}, 0
	}
	return c.Point, c.Arrived
}

// milliseconds makes a test slow by some milliseconds between two commands that
// hold the same millisecond.
func milliseconds(s *scene, list []reading) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	for i, r := range list {
		if r.unit != time.Millisecond || r.slot || !r.act.Answered() || len(out) == 3 {
			continue
		}
		for j := i + 1; j < len(list) && j < i+8; j++ {
			o := list[j]
			if o.unit != r.unit || o.slot || o.act == r.act || o.act.Arrived < r.act.Replied || o.now.Sub(r.now).Abs() > 2*time.Millisecond {
				continue
			}
			at := r.act.frame.Point.Reply()
			out = append(out, nearmiss.Candidate{
				Class: harness.TimeWallClock, Also: []harness.Class{harness.OrderCommands, harness.TimeoutClient}, Shape: "millisecond",
				Title:  fmt.Sprintf("%s and %s hold times %s apart", r.act.Verb, o.act.Verb, ms(o.now.Sub(r.now))),
				Broken: fmt.Sprintf("the times that %s and %s hold were further apart than the test allows", r.act.Verb, o.act.Verb),
				Why: fmt.Sprintf("%s holds the time in milliseconds, and %s one %s later. On a slow network they differ by more. Compare times with a tolerance, or take the time once.",
					r.act.Verb, o.act.Verb, ms(o.now.Sub(r.now))),
				First: at, Then: o.act.frame.Point, Gap: o.act.Arrived - r.act.Replied,
				Provoke: s.replay(harness.DelayFrame(at, 60*time.Millisecond)), Counter: s.replay(), Likelihood: 0.3,
			})
			break
		}
	}
	return out
}

// timeWindows puts the end of a window of time, of which commands hold the number, between
// two of them: the reply to the first is kept for as long as a window lasts.
func timeWindows(s *scene, list []reading) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	seen := map[string]bool{}
	for _, r := range list {
		if !r.slot || r.act.part != body || !r.act.Answered() || r.unit > s.maxDelay || seen[r.act.family] || len(out) == 3 {
			continue
		}
		seen[r.act.family] = true
		at := r.act.frame.Point.Reply()
		name := s.say.text(r.act, "") + " " + sentence(r.act.Point.Key)
		out = append(out, nearmiss.Candidate{
			Class: harness.TimeWallClock, Also: []harness.Class{harness.TimeoutClient, harness.OrderCommands, harness.TTLExpiredEarly}, Shape: "window",
			Title:  fmt.Sprintf("%s holds the number of a window of %s, %s", name, ms(r.unit), r.text),
			Broken: fmt.Sprintf("a window of %s, whose number %s holds (%s), ended before the test did", ms(r.unit), name, r.text),
			Why: fmt.Sprintf("%s is the time divided by %s. What a slow network brings after the window's end counts in the next one. "+
				"Fix the clock in the test, or let it begin with a new window.", r.text, ms(r.unit)),
			First: at, Then: r.act.frame.Point,
			Provoke: s.replay(harness.DelayFrame(at, r.unit)), Counter: s.replay(), Likelihood: 0.5,
		})
	}
	return out
}
