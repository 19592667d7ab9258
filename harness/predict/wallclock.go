package predict

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
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

// wallClock puts a boundary of the clock's seconds between two readings of it:
// the frame between them is kept until the next second has begun. A test may
// start at any moment, so that this happens by itself too, though rarely.
func wallClock(s *scene) []near.Candidate {
	list := s.readings()
	out := s.milliseconds(list)
	kinds := map[string]int{}
	for i, r := range list {
		if r.unit != second {
			continue
		}
		other := (*reading)(nil) // the next one in another frame that shows the same second
		for j := i + 1; j < len(list) && j < i+8; j++ {
			if o := list[j]; o.unit == second && o.act != r.act && o.now.Unix() == r.now.Unix() {
				other = &list[j]
				break
			}
		}
		kind := r.act.family
		for _, c := range s.boundaries(r, other) {
			for range kinds[kind] {
				c.Likelihood *= 0.6
			}
			out = append(out, c)
		}
		kinds[kind]++
	}
	return out
}

// boundaries gives the two places of the boundary: after a reading, so that the
// next one is of another second, and before it.
func (s *scene) boundaries(r reading, other *reading) []near.Candidate {
	var out []near.Candidate
	if r.act.Answered() && r.act.part != teardown {
		w := 0.4
		what := "whatever reads the clock later"
		if other != nil {
			w, what = 0.62, fmt.Sprintf("%s %s", other.act.Verb, sentence(other.act.Point.Key))
		}
		out = append(out, s.boundary(r, r.act.frame.Point.Reply(), r.act.Done, what, w))
	}
	if f := r.act.after; f != nil {
		out = append(out, s.boundary(r, f.Point.Reply(), f.Done, "what read the clock before it", 0.38))
	}
	return out
}

// boundary keeps frame at until the second after has begun; an earlier frame is
// kept first, so that it is not long.
func (s *scene) boundary(r reading, at harness.Point, came time.Duration, what string, w float64) near.Candidate {
	decisions := []harness.Decision{{At: at, Action: harness.Align, Period: harness.Duration(second), Phase: harness.Duration(past)}}
	if early, t := s.start(came, at); !early.IsZero() {
		before := (came - t) + min(max(ahead, (came-t)/5), second/4)
		phase := (second - before%second) % second
		decisions = append([]harness.Decision{{At: early, Action: harness.Align, Period: harness.Duration(second), Phase: harness.Duration(phase.Round(time.Millisecond))}}, decisions...)
	}
	name := s.facts.Scripts.Describe(r.act.Words, "")
	counter := s.replay()
	if len(decisions) == 2 { // the same start, in the middle of a second
		calm := decisions[0]
		calm.Phase = harness.Duration(past)
		counter = s.replay(calm)
	}
	return near.Candidate{
		Class: harness.TimeWallClock, Also: []harness.Class{harness.OrderCommands, harness.TTLExpiredEarly, harness.TimeoutClient}, Shape: "second",
		Title: fmt.Sprintf("%s %s holds the time in seconds, %s; %s may read another second", name, sentence(r.act.Point.Key), r.text, what),
		Why: fmt.Sprintf("%s %s holds %s, which is the time in whole seconds. When a second ends between that and %s, the two differ by one. "+
			"Take the time once and pass it on, or allow for a difference of one.", name, sentence(r.act.Point.Key), r.text, what),
		First: at, Then: r.act.frame.Point,
		Provoke: s.replay(decisions...), Counter: counter, Ladder: []harness.Schedule{s.replay(delay(at, 120*time.Millisecond))},
		Likelihood: w,
	}
}

// start is an early frame to align coarsely: the first request of the test.
func (s *scene) start(before time.Duration, not harness.Point) (harness.Point, time.Duration) {
	c := s.first
	if c == nil || c.Arrived >= before || c.Point == not || c.Point.Reply() == not {
		return harness.Point{}, 0
	}
	return c.Point, c.Arrived
}

// milliseconds makes a test slow by some milliseconds between two commands that
// hold the same millisecond.
func (s *scene) milliseconds(list []reading) []near.Candidate {
	var out []near.Candidate
	for i, r := range list {
		if r.unit != time.Millisecond || !r.act.Answered() || len(out) == 3 {
			continue
		}
		for j := i + 1; j < len(list) && j < i+8; j++ {
			o := list[j]
			if o.unit != r.unit || o.act == r.act || o.act.Arrived < r.act.Replied || o.now.Sub(r.now).Abs() > 2*time.Millisecond {
				continue
			}
			at := r.act.frame.Point.Reply()
			out = append(out, near.Candidate{
				Class: harness.TimeWallClock, Also: []harness.Class{harness.OrderCommands, harness.TimeoutClient}, Shape: "millisecond",
				Title: fmt.Sprintf("%s and %s hold times %s apart", r.act.Verb, o.act.Verb, ms(o.now.Sub(r.now))),
				Why: fmt.Sprintf("%s holds the time in milliseconds, and %s one %s later. On a slow network they differ by more. Compare times with a tolerance, or take the time once.",
					r.act.Verb, o.act.Verb, ms(o.now.Sub(r.now))),
				First: at, Then: o.act.frame.Point, Gap: o.act.Arrived - r.act.Replied,
				Provoke: s.replay(delay(at, 60*time.Millisecond)), Counter: s.replay(), Likelihood: 0.3,
			})
			break
		}
	}
	return out
}
