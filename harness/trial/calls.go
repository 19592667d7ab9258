package trial

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/secrets"
)

// maxSent is of how many requests of a trial it is kept where their client sent
// them: 3 MB.
const maxSent = 1 << 17

// counted is a buffer that knows how many frames are in it: marks of tests and
// connections are not among them, so that none means that nothing was said. It
// keeps beside them where clients sent their requests.
type counted struct {
	*history.Buffer
	mask   *secrets.Mask
	frames atomic.Int64

	mu   sync.Mutex
	sent []sentBy // in order of seq
}

type sentBy struct {
	seq  uint64
	port int32
	at   int64
}

// Record counts and keeps an event.
func (c *counted) Record(e *harness.Event) {
	switch e.Kind {
	case harness.Request, harness.Reply, harness.Push:
		c.frames.Add(1)
	}
	if e.Sent.Port != 0 {
		c.mu.Lock()
		if len(c.sent) < maxSent {
			c.sent = append(c.sent, sentBy{e.Seq, int32(e.Sent.Port), e.Sent.At})
		}
		c.mu.Unlock()
	}
	e.Raw = c.mask.Wipe(e.Raw)
	c.Buffer.Record(e)
}

// where gives the place of a request in what its client sent.
func (c *counted) where(seq uint64) (harness.Sent, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := slices.BinarySearchFunc(c.sent, seq, func(s sentBy, seq uint64) int { return cmp.Compare(s.seq, seq) })
	if !ok {
		return harness.Sent{}, false
	}
	return harness.Sent{Port: int(c.sent[i].port), At: c.sent[i].at}, true
}
