package explore

import (
	"fmt"
	"math"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// PCT is probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi,
// Nagarakatte: A randomized scheduler with probabilistic guarantees of finding
// bugs, ASPLOS 2010, section 2) with connections for threads and frames for
// steps. A connection's priority is how little its requests are delayed; at a
// change point, which is a request drawn with chance (d−1)/k, the connection
// falls behind all others for as long as a demotion lasts.
//
// The paper's scheduler decides every step. A proxy sees only what crosses the
// wire, and orders it by delays of finite length: the bound holds for orders
// that are visible here and whose gap is shorter than the delays.
type PCT struct {
	seed     uint64
	n, k, d  int           // connections, requests of a test, depth
	step     time.Duration // between neighbouring priorities
	demotion time.Duration
	chance   float64 // of a request to be a change point
}

func newPCT(seed uint64, s Settings) (harness.Scheduler, error) {
	v := s.Survey.or()
	p := &PCT{seed: seed, n: max(v.Roles, 2), d: s.Depth}
	if p.d <= 0 {
		p.d = defaultDepth
	}
	// Of a test's frames, half are requests. One half of the budget goes to the
	// priorities, the other to the change points.
	p.k = max(v.Frames/v.Tests/2, 1)
	p.chance = min(1, float64(p.d-1)/float64(p.k))
	requests := float64(max(v.Frames/2, 1))
	half := float64(s.total()) / 2
	p.step = time.Duration(min(float64(10*time.Millisecond), half/requests/(float64(p.n-1)/2)))
	if changes := p.chance * requests; changes > 0 {
		p.demotion = time.Duration(min(float64(s.max()), half/changes))
	}
	return p, nil
}

// Decide delays requests by the priority of their connection, and demotes it at
// a change point. Replies pass: the order in which Redis acts is made by the
// requests.
func (p *PCT) Decide(test string, at harness.Point) harness.Decision {
	if at.Dir != harness.ToServer {
		return harness.Decision{}
	}
	role := drawRole(p.seed, "pct", test, at.Role)
	x := time.Duration(role.float() * float64(p.n-1) * float64(p.step))
	change := drawPoint(p.seed, "pct", test, at)
	if change.float() < p.chance {
		x += p.demotion
	}
	return delay(test, at, harness.Duration(x))
}

// Concerns is true for requests.
func (p *PCT) Concerns(_ string, at harness.Point) bool { return at.Dir == harness.ToServer }

// Bound is the least probability that one trial hits a bug of the depth d, in a
// test of n connections and k requests.
func Bound(n, k, d int) float64 {
	return 1 / (float64(n) * math.Pow(float64(k), float64(d-1)))
}

// String says what the strategy does and what its bound is worth.
func (p *PCT) String() string {
	return fmt.Sprintf("%d connections, %d requests a test, depth %d: a trial hits an order visible at the proxy with P ≥ %.2g, if its gap is under %v",
		p.n, p.k, p.d, Bound(p.n, p.k, p.d), p.demotion)
}
