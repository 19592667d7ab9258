package proxy

import "time"

// delay forwards a frame a fixed time after it arrived:
//
//	arrives at t ──────► may go at t + Delay, or when the frame before it went
//
// The time runs from arrival, not from when the frame got to the front, so a
// burst that arrives together leaves together.
type delay struct{}

func (delay) gate(a *action, now time.Duration, f *frame) verdict {
	due := a.in + time.Duration(a.Delay)
	if s := a.c.cfg.Spacing; s > 0 {
		due = max(due, a.p.left+time.Duration(a.Delay)%s)
	}
	if now < due {
		return verdict{again: due}
	}
	return verdict{bytes: f.size}
}
