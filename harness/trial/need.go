package trial

import (
	"fmt"
	"math"
	"time"
)

const (
	// measuredRuns is how many trials run alone, one after another, before the
	// number of workers is chosen. The first fills caches and counts only when
	// there is no second.
	measuredRuns = 2
	// longRun is the length of a trial that is not repeated just to be measured.
	longRun = 10 * time.Second
)

// Need is what trials of a target took of this machine.
type Need struct {
	CPU  time.Duration // processor time of a trial's processes
	Wall time.Duration // how long they ran
	// Queued is for how long of it tasks waited for a CPU, whoever's they were: on a
	// machine that others crowd a trial that computes looks as if it waited.
	Queued time.Duration
}

// share is how much of one CPU a trial keeps busy while it runs, or would on an
// idle machine, if all the queueing was its own.
func (n Need) share() float64 {
	if n.Wall <= 0 {
		return 0
	}
	ran := max(n.Wall-n.Queued, min(n.CPU, n.Wall), 1)
	return n.CPU.Seconds() / ran.Seconds()
}

// Workers says how many trials may run at once on cpus CPUs, from 1 to most:
// so many that together they keep the CPUs busy and no busier. A suite that
// waits gets many workers, one that computes as many as there are CPUs.
func (n Need) Workers(cpus, most int) int {
	if n.Wall <= 0 { // not measured
		return max(1, min(cpus, most))
	}
	share := max(n.share(), 0.01)
	return max(1, min(int(math.Round(float64(cpus)/share)), most))
}

// Why is the reason for a number of workers, in words.
func (n Need) Why(cpus int) string {
	if n.Wall <= 0 {
		return fmt.Sprintf("what a trial takes is not known, and there are %d CPUs", cpus)
	}
	queued := ""
	if n.Queued > n.Wall/4 {
		queued = fmt.Sprintf(", %s of it in a queue for a CPU", n.Queued.Round(10*time.Millisecond))
	}
	return fmt.Sprintf("a trial keeps %.0f %% of a CPU busy (%s of CPU time in %s%s), and there are %d CPUs",
		100*n.share(), n.CPU.Round(10*time.Millisecond), n.Wall.Round(10*time.Millisecond), queued, cpus)
}

// measure is what the pool knows of the need. It is guarded by the pool's lock.
type measure struct {
	runs int
	need Need
	done bool
}

// add takes what one job took; alone says that nothing else ran beside it. It
// reports whether the need has become known, or greater.
func (m *measure) add(n Need, alone bool) bool {
	m.runs++
	if !m.done {
		if n.Wall > 0 {
			m.need = n
		}
		m.done = m.runs >= measuredRuns || n.Wall >= longRun
		return m.done
	}
	// Beside others a trial takes longer, so its share looks smaller than it is:
	// only a greater one says something. One of a few ms says nothing.
	n.Queued = 0
	if n.Wall > 100*time.Millisecond && n.share() > m.need.share()*1.1 || alone && m.need.Wall == 0 {
		m.need = n
		return true
	}
	return false
}
