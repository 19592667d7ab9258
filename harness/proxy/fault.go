package proxy

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// verdict is how much of a frame may go.
type verdict struct {
	bytes int64         // of the frame, from its first
	again time.Duration // when that may change by itself; 0: never
	end   bool          // end the connection instead
}

// fault is one kind of action. It is asked only when its frame is the first of
// its pipe, so a frame can never pass another.
type fault interface {
	gate(a *action, now time.Duration, f *frame) verdict
}

// faultTable lists what can be done to a frame, one file each. A further one is a
// file, and a line here.
func faultTable() map[harness.Action]fault {
	return map[harness.Action]fault{
		harness.Delay:      delay{},
		harness.Hold:       holding{},
		harness.Disconnect: disconnect{},
		harness.Fragment:   fragment{},
	}
}

// action is a decision being carried out.
type action struct {
	harness.Decision // At is the frame's own point
	fault            fault
	c                *core
	p                *pipe
	in               time.Duration
	hold             *hold         // Hold
	sent             int64         // Fragment: bytes let go
	next             time.Duration // Fragment: when the next may go
	kept             bool          // it kept its frame back
}

func (a *action) gate(now time.Duration, f *frame) verdict {
	v := a.fault.gate(a, now, f)
	if v.bytes < f.size && !v.end && !a.kept {
		a.kept = true
		a.c.keeping(now, +1)
	}
	return v
}

// gone notes that the frame left the pipe, forwarded or not.
func (a *action) gone(c *core, now time.Duration) {
	if a.hold != nil {
		a.hold.release(now, harness.Dropped)
	}
	if a.kept {
		a.kept = false
		c.keeping(now, -1)
	}
}
