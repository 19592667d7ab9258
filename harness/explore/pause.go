package explore

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Pause stops the suite's processes at a few random frames, for 5 to 200 ms. It
// reaches event loops and timers, which a late frame does not.
type Pause struct {
	seed   uint64
	levels []time.Duration
	chance float64
}

// pausesOfTest is how many pauses a test is expected to have, if its share of
// time pays for them.
const pausesOfTest = 2

func newPause(seed uint64, s Settings) (harness.Scheduler, error) {
	p := &Pause{seed: seed}
	var sum time.Duration
	for _, ms := range []int{5, 20, 50, 100, 200} {
		if d := time.Duration(ms) * time.Millisecond; d <= s.max() {
			p.levels = append(p.levels, d)
			sum += d
		}
	}
	if len(p.levels) > 0 {
		frames := s.framesOfTest()
		p.chance = min(pausesOfTest/float64(frames), s.thinned(frames, sum/time.Duration(len(p.levels))))
	}
	return p, nil
}

// Decide pauses at p if its draw says so.
func (s *Pause) Decide(test string, p harness.Point) harness.Decision {
	d := drawPoint(s.seed, "pause", test, p)
	if d.float() >= s.chance {
		return harness.Decision{}
	}
	return harness.Decision{Test: test, At: p, Action: harness.Pause, Delay: harness.Duration(s.levels[d.intn(len(s.levels))])}
}

// Concerns is false only when the share of time pays for no pause.
func (s *Pause) Concerns(string, harness.Point) bool { return s.chance > 0 }

// String says what the strategy does.
func (s *Pause) String() string {
	return fmt.Sprintf("the suite's processes are stopped at %.2g %% of all frames", 100*s.chance)
}
