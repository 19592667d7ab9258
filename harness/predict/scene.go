package predict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// scene is one history, prepared: what every relation reads, and none changes.
type scene struct {
	causality
	t        *detect.Trace
	say      wording
	maxDelay time.Duration
	acts     []*act          // in the order in which they took effect
	arriving []*act          // the same in the order of their arrival
	first    *detect.Command // the first request
	conns    map[string]int  // connections by role
	points   map[harness.Point]time.Duration
	bodyEnds time.Duration // when the last command before the teardown went to Redis
}

func newScene(t *detect.Trace, facts Facts) *scene {
	s := &scene{
		t: t, say: wording{facts.Scripts}, maxDelay: facts.MaxDelay,
		causality: causality{of: map[*detect.Command]*act{}}, conns: map[string]int{}, points: map[harness.Point]time.Duration{},
	}
	seen := map[string]bool{}
	for _, c := range t.Commands {
		if s.first == nil || c.Arrived < s.first.Arrived {
			s.first = c
		}
		if at := c.At(); c.Ending != harness.Dropped {
			s.points[c.Point], s.points[c.Point.Reply()] = at.Sent, at.Replied
		}
		if who := fmt.Sprint(c.Point.Role, " ", c.Conn); !seen[who] {
			seen[who] = true
			s.conns[c.Point.Role]++
		}
		if c.Ending != harness.Dropped && !c.NoScript() {
			a := newAct(c, facts.Scripts)
			s.acts = append(s.acts, a)
			s.of[c] = a
		}
	}
	noteCauses(s.acts, t)
	s.arriving = slices.Clone(s.acts)
	slices.SortStableFunc(s.arriving, func(a, b *act) int { return cmp.Compare(a.Arrived, b.Arrived) })
	countOthers(s.arriving)
	s.prompt = promptness(s.acts)
	s.bodyEnds = markParts(s.acts)
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Kind == harness.Push {
			s.points[ev.Point] = ev.Out
		}
	}
	return s
}

// when is when a frame went on its way, or for a command took effect; 0: never.
func (s *scene) when(p harness.Point) time.Duration { return s.points[p] }

// replay makes a schedule of decisions that hold in the scene's test.
func (s *scene) replay(decisions ...harness.Decision) harness.Schedule {
	return harness.ReplaySchedule(s.t.Test, decisions...)
}

// falling is 1 at 0 and falls to a half at half.
func falling(d, half time.Duration) float64 {
	return math.Exp2(-max(float64(d), 0) / float64(half))
}
