package harness

import (
	"fmt"
	"time"
)

// fragmentFault lets a frame trickle:
//
//	chunk ─Delay─ chunk ─Delay─ chunk …
//
// Only bytes that had not gone before the frame was complete are split; of a
// frame in one segment, that is all.
func fragmentFault() Fault {
	return Fault{
		Action: Fragment,
		Help:   "forward a frame a few bytes at a time",
		Text: func(d Decision) string {
			return fmt.Sprintf("fragment %s into %d-byte writes %s apart", d.At, max(d.Chunk, 1), d.Delay)
		},
		Note: func(e *Event) string { return fmt.Sprintf("sent in fragments over %v", kept(e)) },
		Gate: func(p *Passage, now time.Duration) Gate {
			if now >= p.Due {
				p.Sent = min(p.Sent+int64(max(p.Chunk, 1)), p.Size)
				p.Due = now + time.Duration(p.Delay)
			}
			return Gate{Bytes: p.Sent, Again: p.Due}
		},
	}
}
