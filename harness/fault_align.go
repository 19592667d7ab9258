package harness

import (
	"encoding/binary"
	"fmt"
	"time"
)

const (
	defaultPeriod = time.Second
	longestPeriod = 10 * time.Second
)

// alignFault keeps a frame until the wall clock is at a phase:
//
//	gets to the front ──────► may go when unix time mod Period == Phase
//
// It waits a Period at most. A program may start at any time, so it may meet a
// second's boundary anywhere: what the fault shows can happen without it.
func alignFault() Fault {
	return Fault{
		Action: Align,
		Help:   "keep a frame until the wall clock is at a phase of the second",
		Delays: true,
		Check: func(d Decision) error {
			every := periodOf(&d)
			if every <= 0 || every > longestPeriod || d.Phase < 0 || time.Duration(d.Phase) >= every {
				return fmt.Errorf("%s: want a period of at most %v, and a phase from 0 to less than it", d, longestPeriod)
			}
			return nil
		},
		Text: func(d Decision) string {
			return fmt.Sprintf("keep %s until the clock is %s into a period of %v", d.At, d.Phase, periodOf(&d))
		},
		Note: func(e *Event) string { return fmt.Sprintf("kept %v, to the wall clock's phase", kept(e)) },
		Words: func(b []byte, d Decision) []byte {
			return binary.AppendVarint(binary.AppendVarint(b, int64(d.Period)), int64(d.Phase))
		},
		Gate: func(p *Passage, now time.Duration) Gate {
			if p.Due == 0 {
				every := periodOf(&p.Decision)
				p.Due = now + (time.Duration(p.Phase)-p.Wire.Phase(now, every)+every)%every
			}
			if now < p.Due {
				return Gate{Again: p.Due}
			}
			return Gate{Bytes: p.Size}
		},
	}
}

func periodOf(d *Decision) time.Duration {
	if d.Period == 0 {
		return defaultPeriod
	}
	return time.Duration(d.Period)
}
