package harness

import (
	"fmt"
	"time"
)

// MaxPause bounds how long the processes of a suite are stopped.
const MaxPause = 2 * time.Second

// pauseFault stops the suite's processes for a while when a frame passes:
//
//	gets to the front ─► all processes stopped ─► the frame goes ─► Delay after the stop they go on
//
// A machine's scheduler may do that to any process, so it is sound. It reaches
// event loops and timers, which no delay of a frame reaches.
func pauseFault() Fault {
	return Fault{
		Action: Pause,
		Help:   "stop the suite's processes for some time when a frame passes",
		Delays: true,
		Check: func(d Decision) error {
			if d.Delay <= 0 || time.Duration(d.Delay) > MaxPause {
				return fmt.Errorf("%s: want a pause of more than 0 and at most %v", d, MaxPause)
			}
			return nil
		},
		Text: func(d Decision) string { return fmt.Sprintf("stop the suite's processes for %s at %s", d.Delay, d.At) },
		Note: func(e *Event) string { return fmt.Sprintf("the suite's processes stopped here for %v", e.Asked) },
		Gate: func(p *Passage, now time.Duration) Gate {
			if !p.Wire.Pause(now, time.Duration(p.Delay)) {
				return Gate{}
			}
			return Gate{Bytes: p.Size}
		},
	}
}
