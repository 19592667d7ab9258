package trial

import (
	"runtime"
	"time"
)

const (
	// pace is how often a pool that adapts looks at the timers.
	pace = 100 * time.Millisecond
	// recent is how far back it looks.
	recent = 5 * pace
	// onTime is the lateness of timers up to which it adds a worker.
	onTime = 10 * time.Millisecond
	// crowded is the lateness from which it does with fewer.
	crowded = 25 * time.Millisecond
	// regret is how long a number of workers that proved too many is not tried again.
	regret = 5 * time.Second
)

// keepPace has more workers run while jobs wait and timers are on time, and
// fewer while they are late, as TCP finds its window (additive increase,
// multiplicative decrease: Chiu and Jain, 1989): a suite that mostly waits gets
// many, one that computes gets as many as there are CPUs. Late timers are not
// only slow: they fail tests that would pass.
func (p *Pool) keepPace() {
	t := time.NewTicker(pace)
	defer t.Stop()
	var eased time.Time // when workers were last sent to rest
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-t.C:
			since := now.Add(-recent)
			if eased.After(since) {
				since = eased // what was late before says nothing of those that are left
			}
			eased = p.step(now, p.cfg.Lateness.Worst(since), eased)
		}
	}
}

// step changes the number of workers by how late timers were, and returns until
// when they are left alone.
func (p *Pool) step(now time.Time, late time.Duration, eased time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	least := min(runtime.GOMAXPROCS(0), p.cfg.Workers)
	switch {
	case now.Before(eased):
	case late > crowded && p.allowed > least:
		p.tooMany, p.since = p.allowed, now
		p.allow(max(p.allowed*3/4, least))
		return now.Add(recent) // jobs in hand take their time to end
	case late < onTime && p.waiting > 0 && (p.tooMany == 0 || p.allowed+1 < p.tooMany || now.Sub(p.since) > regret):
		p.grow()
	}
	return eased
}

// allow sets how many workers may run. p.mu is held.
func (p *Pool) allow(n int) {
	p.allowed = n
	close(p.changed)
	p.changed = make(chan struct{})
}

// mayRun waits until worker id may begin a job; false: the pool is closed.
func (p *Pool) mayRun(id int) bool {
	for {
		p.mu.Lock()
		ok, changed := id <= p.allowed, p.changed
		p.mu.Unlock()
		if ok {
			return p.ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
			return false
		}
	}
}
