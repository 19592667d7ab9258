package explore

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Skew gives each connection of a test one delay, so that some are slow while
// others are fast: what delaying everything alike never shows. Of the
// connections about half are left alone; the rest are late by between half of
// the trial's length and all of it, on their requests, their replies or both.
// The first trial's length is 1 ms, and each next one doubles it, since flakes
// exist that small differences show and large ones hide.
type Skew struct {
	seed   uint64
	length time.Duration
}

// skewLevels is how often the length doubles before it begins again: 1 ms to 512 ms.
const skewLevels = 10

func newSkew(seed uint64, s Settings) (harness.Scheduler, error) {
	length := time.Millisecond << ((max(s.Trial, 1) - 1) % skewLevels)
	// Of the frames a third is expected to be late (half of the connections,
	// two of three directions), by three quarters of the length.
	length = min(length, s.max(), 4*s.share())
	return &Skew{seed: seed, length: length}, nil
}

// of returns the delay of a connection's frames in one direction.
func (s *Skew) of(test string, role string, dir harness.Direction) time.Duration {
	d := drawRole(s.seed, "skew", test, role)
	slow := d.next()&1 == 1
	side := d.intn(3)
	if !slow || side == 0 && dir == harness.ToClient || side == 1 && dir == harness.ToServer {
		return 0
	}
	return d.uniform(s.length/2, s.length)
}

// Decide delays p by the delay of its connection.
func (s *Skew) Decide(test string, p harness.Point) harness.Decision {
	return delay(test, p, harness.Duration(s.of(test, p.Role, p.Dir)))
}

// Concerns reports whether p's connection is one of the slow ones.
func (s *Skew) Concerns(test string, p harness.Point) bool { return s.of(test, p.Role, p.Dir) > 0 }

// String says what the strategy does.
func (s *Skew) String() string {
	return fmt.Sprintf("one delay for each connection of a test, up to %v", s.length)
}
