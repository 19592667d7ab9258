package proxy

import (
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

func (c *core) startTrial(s harness.Scheduler, r harness.Recorder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drainWrites()
	now := c.now()
	c.releaseHolds(now)
	// Frames on their way keep their times' meaning: shift them to the new epoch.
	c.epoch = c.epoch.Add(now)
	c.shift(now)
	c.sched = s
	c.select_, _ = s.(harness.Selective)
	c.carried, _ = s.(harness.Carried)
	c.journal.reset(r)
	c.names.forget()
	c.trial++
	c.run = &run{trial: c.trial}
	c.conns = 0
	for s := range c.sessions {
		c.conns = max(c.conns, s.conn)
	}
}

// vacate gives back what a closed proxy needs no more.
func (c *core) vacate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal.vacate()
}

// shift moves all pending times back by d.
func (c *core) shift(d time.Duration) {
	c.moved -= d
	c.still -= d
	c.keptFrom -= d
	for s := range c.sessions {
		for _, p := range []*pipe{&s.up, &s.down} {
			p.left -= d
			for i := p.qhead; i < len(p.q); i++ {
				f := &p.q[i]
				f.in -= d
				if f.act != nil {
					f.act.In -= d
					if f.act.Due > 0 {
						f.act.Due -= d
					}
				}
			}
			s.driver.wake(p)
		}
	}
}

func (c *core) begin(test string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.endRun(now)
	c.run = &run{name: test, trial: c.trial, since: now}
	c.journal.mark(harness.Begin, now, 0, test, test)
}

func (c *core) end() TestStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drainWrites()
	now := c.now()
	r := c.run
	c.endRun(now)
	c.journal.mark(harness.End, now, 0, r.name, r.name)
	c.run = &run{trial: c.trial, since: now}
	st := TestStats{
		Frames: r.frames, Injected: r.injected, Kept: r.kept, Missed: r.missed,
		Digest: fmt.Sprintf("%016x", r.digest), Warnings: r.warnings,
	}
	for _, k := range r.kept {
		st.Blocked = append(st.Blocked, k.At)
	}
	if s, ok := c.sched.(harness.Accountable); ok {
		for _, d := range s.Unmet(r.name) {
			st.Missed = append(st.Missed, harness.Missed{Decision: d, Why: "its frame never came"})
		}
	}
	return st
}

// unlocked runs a write without mu, so that it may block.
func (c *core) unlocked(write func() (int, error)) (int, error) {
	c.writing++
	c.mu.Unlock()
	n, err := write()
	c.mu.Lock()
	if c.writing--; c.writing == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
	return n, err
}

// drainWrites waits, briefly, for writes that are done but not accounted for: a test
// can see a reply, and end, before the goroutine that wrote it gets to record it.
func (c *core) drainWrites() {
	const drainTime = 10 * time.Millisecond
	if c.writing == 0 {
		return
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	c.mu.Unlock()
	select {
	case <-idle:
	case <-timer.C: // somebody does not read
	}
	c.mu.Lock()
}

// endRun closes the account of the current run.
func (c *core) endRun(now time.Duration) {
	c.releaseHolds(now)
	if c.keptNow > 0 {
		c.run.injected += now - c.keptFrom
		c.keptFrom = now
	}
}

// releaseHolds lets go of every held frame: nobody waits for the order any more.
func (c *core) releaseHolds(now time.Duration) {
	for _, h := range slices.Clone(c.holds) {
		h.release(now, harness.TimedOut)
	}
}

// keeping counts frames that are kept back and adds up the time during which
// there was at least one.
func (c *core) keeping(now time.Duration, n int) {
	if c.keptNow == 0 {
		c.keptFrom = now
	}
	if c.keptNow += n; c.keptNow == 0 {
		c.run.injected += now - c.keptFrom
	}
}
