package trial

import "time"

const (
	// pace is how often a pool that adapts looks at the machine.
	pace = 250 * time.Millisecond
	// recent is how far back it looks.
	recent = 4 * pace
	// onTime is the lateness of timers up to which it adds a worker.
	onTime = 10 * time.Millisecond
	// crowded is the lateness from which it does with fewer.
	crowded = 25 * time.Millisecond
	// idle is the CPU pressure up to which it adds a worker, pressed that from
	// which it does with fewer.
	idle, pressed = 0.05, 0.6
	// cooldown is how long a number of workers that proved too many is not tried again.
	cooldown = 5 * time.Second
)

// strain is how crowded the machine was in the recent past.
type strain struct {
	timerLag time.Duration // of timers, the worst
	pressure float64       // share of the time in which some task waited for a CPU
	known    bool          // pressure is
}

func (s strain) none() bool { return s.timerLag < onTime && (!s.known || s.pressure < idle) }

// much asks for both signs where there are two: a suite that computes keeps the
// pressure up even when each trial has a CPU, and one late timer is no crowd.
func (s strain) much() bool {
	if s.known {
		return s.pressure > pressed && s.timerLag > onTime
	}
	return s.timerLag > crowded
}

// keepPace changes the number of workers from what the measured trials need: more
// while jobs wait and the machine is idle, fewer while it is crowded, as TCP finds
// its window (additive increase, multiplicative decrease: Chiu and Jain, 1989).
// A crowd is not only slow: it fails tests that would pass.
func (p *Pool) keepPace() {
	t := time.NewTicker(pace)
	defer t.Stop()
	var eased time.Time // when workers were last sent to rest
	var cpu pressure
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-t.C:
			since := now.Add(-recent)
			if eased.After(since) {
				since = eased // what was late before says nothing of those that are left
			}
			var s strain
			if p.cfg.TimerLag != nil {
				s.timerLag = p.cfg.TimerLag.Worst(since)
			}
			s.pressure, s.known = cpu.since(now)
			eased = p.step(now, s, eased)
		}
	}
}

// step changes the number of workers by how crowded the machine was, and returns
// until when they are left alone.
func (p *Pool) step(now time.Time, s strain, eased time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.measured.done {
		return eased
	}
	need := p.measured.need.Workers(p.cpus, p.cfg.Workers)
	least := min(p.cpus, need)
	switch {
	case now.Before(eased):
	case s.much() && p.allowed > least:
		p.tooMany, p.since = p.allowed, now
		p.allow(max(p.allowed*3/4, least))
		return now.Add(recent) // jobs in hand take their time to end
	case p.waiting == 0 || p.tooMany > 0 && p.allowed+1 >= p.tooMany && now.Sub(p.since) <= cooldown:
	case p.allowed < need && !s.much(), s.none():
		p.grow()
	}
	return eased
}

// queued says for how long tasks waited for a CPU while a job ran: as the kernel
// tells, else all the time if timers ran late.
func (p *Pool) queued(cpu *pressure, start, end time.Time) time.Duration {
	wall := end.Sub(start)
	if share, ok := cpu.since(end); ok {
		return time.Duration(share * float64(wall))
	}
	if p.cfg.TimerLag != nil && p.cfg.TimerLag.Worst(start) > crowded {
		return wall
	}
	return 0
}

// took takes what a job took of the machine, and chooses the number of workers
// once enough is known.
func (p *Pool) took(n Need) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cfg.Adapt || !p.measured.add(n, p.allowed == 1) {
		return
	}
	workers := p.measured.need.Workers(p.cpus, p.cfg.Workers)
	if p.allowed > workers {
		p.allow(workers)
	}
	for p.allowed < workers && p.allowed < p.running+p.waiting {
		p.grow()
	}
	if p.cfg.Chosen != nil && !p.told {
		p.told = true
		p.cfg.Chosen(workers, p.measured.need.Why(p.cpus))
	}
	if !p.pacing {
		p.pacing = true
		p.wg.Go(p.keepPace)
	}
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
