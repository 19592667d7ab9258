package explore

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Random delays few frames, by 1, 2, 4 … 1024 or 2000 ms with equal chances, as
// rr's chaos mode does for threads (R. O'Callahan, "Introducing rr chaos mode",
// 2016): most orders need only one long delay at the right place, and no length
// is right for all of them. The chance is such that the expected total stays
// within the budget.
type Random struct {
	seed   uint64
	chance float64
	levels []time.Duration // the shorter ones when the budget could not pay for one of the longest
}

func newRandom(seed uint64, s Settings) (harness.Scheduler, error) {
	r := &Random{seed: seed}
	var sum time.Duration
	for ms := 1; ms <= 2048; ms *= 2 {
		d := time.Duration(min(ms, 2000)) * time.Millisecond
		if d > s.max() || d > s.total() {
			break
		}
		r.levels = append(r.levels, d)
		sum += d
	}
	if len(r.levels) > 0 {
		mean := sum / time.Duration(len(r.levels))
		r.chance = min(1, float64(s.share())/float64(mean))
	}
	return r, nil
}

// Decide delays p if its draw says so.
func (r *Random) Decide(test string, p harness.Point) harness.Decision {
	d := drawPoint(r.seed, "random", test, p)
	if d.float() >= r.chance {
		return harness.Decision{}
	}
	return delay(test, p, harness.Duration(r.levels[d.intn(len(r.levels))]))
}

// Concerns is false only when the budget pays for no delay.
func (r *Random) Concerns(string, harness.Point) bool { return r.chance > 0 }

// String says what the strategy does.
func (r *Random) String() string {
	if r.chance == 0 {
		return "nothing: the budget is too small for a delay of 1 ms"
	}
	return fmt.Sprintf("%.2g %% of all frames are delayed, by 1 ms to %v", 100*r.chance, r.levels[len(r.levels)-1])
}
