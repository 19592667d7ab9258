package harness

import (
	"fmt"
	"time"
)

// holdFault keeps a frame until another one, Until, took effect. Frames behind
// it on its connection wait with it; a pool takes another connection meanwhile.
func holdFault() Fault {
	return Fault{
		Action: Hold,
		Help:   "keep a frame until another one has passed",
		Delays: true,
		Check: func(d Decision) error {
			switch {
			case d.Until.IsZero():
				return fmt.Errorf("hold of %s has no end: give \"until\"", d.At)
			case d.Until == d.At:
				return fmt.Errorf("hold of %s waits for itself", d.At)
			}
			return nil
		},
		Text: func(d Decision) string { return fmt.Sprintf("hold %s until %s", d.At, d.Until) },
		Note: func(e *Event) string {
			switch e.Ending {
			case Stalled:
				return fmt.Sprintf("held %v, then let go: the program itself enforces the order", kept(e))
			case TimedOut:
				return fmt.Sprintf("held %v, then let go: what it waited for did not come", kept(e))
			}
			return fmt.Sprintf("held %v", kept(e))
		},
		Start: func(p *Passage) { p.Wire.Await(p) },
		Gate: func(p *Passage, now time.Duration) Gate {
			if over, again := p.Wire.Held(now); !over {
				return Gate{Again: again}
			}
			return Gate{Bytes: p.Size}
		},
	}
}
