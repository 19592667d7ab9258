package explore

import (
	"fmt"
	"math"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Align keeps a random request or two of a test until a moment before a second
// begins: 0.2 to 300 ms, each order of magnitude as likely as another. A boundary
// then lies between what the test does before that long and after it.
type Align struct {
	seed   uint64
	chance float64
}

const (
	alignsOfTest = 1.5 // requests that are aligned in a test, on average
	nearest      = 200 * time.Microsecond
	farthest     = 300 * time.Millisecond
	meanWait     = time.Second / 2
)

func newAlign(seed uint64, s Settings) (harness.Scheduler, error) {
	requests := max(s.framesOfTest()/2, 1)
	return &Align{seed: seed, chance: min(alignsOfTest/float64(requests), s.thinned(requests, meanWait))}, nil
}

// Decide aligns p if its draw says so.
func (a *Align) Decide(test string, p harness.Point) harness.Decision {
	d := drawPoint(a.seed, "align", test, p)
	if p.Dir != harness.ToServer || d.float() >= a.chance {
		return harness.Decision{}
	}
	ahead := float64(nearest) * math.Pow(float64(farthest/nearest), d.float())
	phase := (time.Second - time.Duration(ahead)).Round(time.Microsecond)
	return harness.Decision{Test: test, At: p, Action: harness.Align, Phase: harness.Duration(phase)}
}

// Concerns is true for requests.
func (a *Align) Concerns(_ string, p harness.Point) bool {
	return p.Dir == harness.ToServer && a.chance > 0
}

// String says what the strategy does.
func (a *Align) String() string {
	return fmt.Sprintf("%.2g %% of all requests wait until %v to %v before a second begins", 100*a.chance, nearest, farthest)
}
