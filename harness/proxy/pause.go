package proxy

import (
	"errors"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// pauseState is how far a pause has come.
type pauseState uint8

const (
	pauseNotBegun pauseState = iota
	pauseBegins              // the pauser is at work
	pauseBegun               // the processes have stopped, or can't be
)

var errNoPauser = errors.New("nothing here can stop the suite's processes")

// Pause is part of harness.Wire. The pauser runs without the lock; the frame
// waits until it returns, so that it always passes after the stop.
func (a *action) Pause(now, d time.Duration) bool {
	c := a.c
	switch {
	case a.paused != pauseNotBegun:
	case c.cfg.Pauser == nil:
		c.missed(a.run, a.Decision, errNoPauser)
		a.paused = pauseBegun
	case c.closed:
		a.paused = pauseBegun
	default:
		a.paused = pauseBegins
		// The connection may end meanwhile, but the action is not used again: that
		// happens to those alone whose frames were forwarded.
		c.pauses.Go(func() {
			err := c.cfg.Pauser(min(d, harness.MaxPause))
			c.mu.Lock()
			defer c.mu.Unlock()
			a.paused = pauseBegun
			if err != nil {
				c.missed(a.run, a.Decision, err)
			} else {
				c.stopped(a.run, d)
			}
			a.p.s.driver.wake(a.p)
		})
	}
	return a.paused == pauseBegun
}

// stopped notes that the suite's processes stand still for d.
func (c *core) stopped(r *run, d time.Duration) {
	r.injected += d
	c.still = max(c.still, c.now()+d)
}

// missed notes a decision that could not be applied.
func (c *core) missed(r *run, d harness.Decision, err error) {
	if len(r.missed) < maxWarnings {
		r.missed = append(r.missed, harness.Missed{Decision: d, Why: "not applied: " + err.Error()})
	}
}
