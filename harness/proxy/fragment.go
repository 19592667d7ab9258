package proxy

import "time"

// fragment lets a frame trickle:
//
//	chunk ─Delay─ chunk ─Delay─ chunk …
//
// Only bytes that had not gone before the frame was complete are split; of a
// frame in one segment, that is all.
type fragment struct{}

func (fragment) gate(a *action, now time.Duration, f *frame) verdict {
	if now >= a.next {
		a.sent = min(a.sent+int64(max(a.Chunk, 1)), f.size)
		a.next = now + time.Duration(a.Delay)
	}
	return verdict{bytes: a.sent, again: a.next}
}
