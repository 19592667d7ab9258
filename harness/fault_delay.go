package harness

import (
	"fmt"
	"time"
)

// delayFault forwards a frame a fixed time after it arrived:
//
//	arrives at t ──────► may go at t + Delay, or when the frame before it went
//
// The time runs from arrival, not from when the frame got to the front, so a
// burst that arrives together leaves together.
func delayFault() Fault {
	return Fault{
		Action: Delay,
		Help:   "forward a frame some time after it arrived",
		Delays: true,
		Text:   func(d Decision) string { return fmt.Sprintf("delay %s by %s", d.At, d.Delay) },
		Note:   func(e *Event) string { return fmt.Sprintf("delayed %v", kept(e)) },
		Gate: func(p *Passage, now time.Duration) Gate {
			due := max(p.In+time.Duration(p.Delay), p.Wire.Spaced(time.Duration(p.Delay)))
			if now < due {
				return Gate{Again: due}
			}
			return Gate{Bytes: p.Size}
		},
	}
}
