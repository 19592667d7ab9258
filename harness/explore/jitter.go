package explore

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Jitter delays by between lo and hi, each frame by itself, or all that arrived
// in one read alike, or all frames of a connection alike. So many are left alone
// that a test's expected total stays within its share of time: the sizes stay
// what they are, since flakes exist that only small ones show, or only large ones.
type Jitter struct {
	seed   uint64
	lo, hi time.Duration
	side   Side
	per    Per
	chance float64
}

// newJitter takes the size from Latency and Jitter, as the uniform latency does.
func newJitter(seed uint64, s Settings) (harness.Scheduler, error) {
	j := &Jitter{seed: seed, lo: max(s.Latency-s.Jitter, 0), hi: s.Latency + s.Jitter, side: s.Side, per: s.Per}
	if j.hi = min(j.hi, s.max()); j.hi < j.lo {
		j.lo = j.hi
	}
	frames := s.framesOfTest()
	if s.Side != BothSides {
		frames = max(frames/2, 1)
	}
	if s.Per == PerConnection {
		// A late connection is late with all its frames, or it is another thing: of
		// its frames a third is delayed, on average, and the size is made to fit.
		mean := time.Duration(3 * float64(s.perTest()) / float64(frames))
		j.hi = min(j.hi, 2*mean)
		j.lo, j.chance = min(j.lo, j.hi), 1
		return j, nil
	}
	j.chance = s.thinned(frames, (j.lo+j.hi)/2)
	return j, nil
}

// Decide is DecideCarried for a frame that came alone, on a connection that is
// told from others by its role.
func (j *Jitter) Decide(test string, p harness.Point) harness.Decision {
	if j.per == PerConnection {
		return j.connection(test, p, drawRole(j.seed, "jitter", test, p.Role))
	}
	return j.frame(test, p, p)
}

// DecideCarried delays p by what its frame, segment or connection draws.
func (j *Jitter) DecideCarried(test string, p harness.Point, c harness.Carrier) harness.Decision {
	switch j.per {
	case PerConnection:
		return j.connection(test, p, drawConn(j.seed, "jitter", test, c.Conn))
	case PerSegment:
		return j.frame(test, p, c.Lead)
	}
	return j.frame(test, p, p)
}

// frame delays p by what lead draws.
func (j *Jitter) frame(test string, p, lead harness.Point) harness.Decision {
	d := drawPoint(j.seed, "jitter", test, lead)
	if !j.concerns(p.Dir) || d.float() >= j.chance {
		return harness.Decision{}
	}
	return delay(test, p, harness.Duration(d.uniform(j.lo, j.hi)))
}

// connection delays p by what its connection draws: half of the connections are
// left alone, the rest are late with their requests, their replies or both.
func (j *Jitter) connection(test string, p harness.Point, d draw) harness.Decision {
	slow := d.next()&1 == 1
	side := d.intn(3)
	if !slow || !j.concerns(p.Dir) || side == 0 && p.Dir == harness.ToClient || side == 1 && p.Dir == harness.ToServer {
		return harness.Decision{}
	}
	return delay(test, p, harness.Duration(d.uniform(j.lo, j.hi)))
}

func (j *Jitter) concerns(dir harness.Direction) bool {
	switch j.side {
	case Requests:
		return dir == harness.ToServer
	case Replies:
		return dir == harness.ToClient
	}
	return true
}

// Concerns is false for the side that is left alone.
func (j *Jitter) Concerns(_ string, p harness.Point) bool {
	return j.hi > 0 && j.chance > 0 && j.concerns(p.Dir)
}

// String says what the strategy does.
func (j *Jitter) String() string {
	what := string(j.per)
	if j.per == PerFrame {
		what = "frame"
	}
	side := "both directions"
	if j.side != BothSides {
		side = string(j.side) + " only"
	}
	if j.per == PerConnection {
		return fmt.Sprintf("half of the connections are late by %v to %v, %s", j.lo, j.hi, side)
	}
	return fmt.Sprintf("%.2g %% of all %ss are delayed by %v to %v, %s", 100*j.chance, what, j.lo, j.hi, side)
}

// ladderLevels is how often the size doubles before it begins again: 1 ms to 512 ms.
const ladderLevels = 10

// newLadder is jitter whose size doubles with each trial.
func newLadder(seed uint64, s Settings) (harness.Scheduler, error) {
	top := time.Millisecond << ((max(s.Trial, 1) - 1) % ladderLevels)
	s.Latency, s.Jitter, s.Per = top*3/4, top/4, PerFrame
	return newJitter(seed, s)
}
