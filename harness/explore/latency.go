package explore

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Latency delays every frame, in each direction, as a slow network does. Frames
// of one connection and direction stay in order, so a short delay behind a long
// one waits for it.
type Latency struct {
	seed         uint64
	mean, jitter time.Duration
	distribution Distribution
}

func newLatency(seed uint64, s Settings) (harness.Scheduler, error) {
	if s.Distribution == "" {
		s.Distribution = Normal
	}
	return &Latency{seed: seed, mean: s.Latency, jitter: s.Jitter, distribution: s.Distribution}, nil
}

// Decide delays p by what the distribution yields for it.
func (l *Latency) Decide(test string, p harness.Point) harness.Decision {
	d := drawPoint(l.seed, "latency", test, p)
	var x time.Duration
	switch l.distribution {
	case Fixed:
		x = l.mean
	case Uniform:
		x = d.uniform(max(l.mean-l.jitter, 0), l.mean+l.jitter)
	default:
		x = d.normal(l.mean, l.jitter, 0, l.mean+2*l.jitter)
	}
	return delay(test, p, harness.Duration(x))
}

// Concerns is false only when there is nothing to add.
func (l *Latency) Concerns(string, harness.Point) bool { return l.mean > 0 || l.jitter > 0 }

// String says what the strategy does.
func (l *Latency) String() string {
	return fmt.Sprintf("every frame, each direction: %s, mean %v, jitter %v", l.distribution, l.mean, l.jitter)
}
