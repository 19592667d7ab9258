package runner

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// tick is how often a TimerLag looks at the clock; short enough to see a stall
// of a few milliseconds, long enough to cost nothing.
const tick = 5 * time.Millisecond

// TimerLag watches how late this machine's own timers run, so that a crowded
// machine is not taken for a flaky test. The zero value is ready; Watch must be
// called for it to learn anything.
type TimerLag struct {
	mu      sync.Mutex
	samples []sample // a ring of the last ones
	next    int
	all     [64]int // histogram: bucket i counts lateness in [i/4 ms, (i+1)/4 ms), the last is open
	count   int
	max     time.Duration
}

type sample struct {
	at  time.Time
	lag time.Duration
}

// fine is how exactly lateness is told.
const fine = 10 * time.Microsecond

// ring holds the samples of about 40 s, longer than any test may take.
const ring = 8192

// Watch looks at the clock until ctx ends.
func (l *TimerLag) Watch(ctx context.Context) {
	t := time.NewTimer(tick)
	defer t.Stop()
	due := time.Now().Add(tick)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		l.add(now, max(now.Sub(due), 0))
		due = now.Add(tick)
		t.Reset(tick)
	}
}

func (l *TimerLag) add(now time.Time, lag time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.samples) < ring {
		l.samples = append(l.samples, sample{now, lag})
	} else {
		l.samples[l.next] = sample{now, lag}
		l.next = (l.next + 1) % ring
	}
	l.all[min(int(lag/(time.Millisecond/4)), len(l.all)-1)]++
	l.count++
	l.max = max(l.max, lag)
}

// Worst returns the largest lateness seen since from.
func (l *TimerLag) Worst(from time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var worst time.Duration
	for _, s := range l.samples {
		if s.at.After(from) {
			worst = max(worst, s.lag)
		}
	}
	return worst
}

// Quantiles returns the median, the 99th percentile (both within 0.25 ms, and
// at most the last bucket's 16 ms unless they are the maximum) and the maximum
// of all that was seen.
func (l *TimerLag) Quantiles() (p50, p99, worst time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := func(q float64) time.Duration {
		want := int(q * float64(l.count))
		seen := 0
		for i, n := range l.all {
			if seen += n; seen > want {
				if i == len(l.all)-1 {
					return l.max
				}
				return min(time.Duration(i+1)*time.Millisecond/4, l.max)
			}
		}
		return l.max
	}
	return at(0.5), at(0.99), l.max
}

// Fill writes what was seen into m.
func (l *TimerLag) Fill(m *harness.Machine) {
	p50, p99, worst := l.Quantiles()
	p50, p99, worst = p50.Round(fine), p99.Round(fine), worst.Round(fine)
	m.TimerP50, m.TimerP99, m.TimerMax = harness.Duration(p50), harness.Duration(p99), harness.Duration(worst)
}

// Measure watches for d and returns the 99th percentile: a quick look before
// the number of workers is chosen.
func Measure(ctx context.Context, d time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var l TimerLag
	l.Watch(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := make([]time.Duration, len(l.samples))
	for i, s := range l.samples {
		lag[i] = s.lag
	}
	if len(lag) == 0 {
		return 0
	}
	slices.Sort(lag)
	return lag[len(lag)*99/100]
}
