package source

import (
	"cmp"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// Callers are the lines of code that the suite's processes told of, by the bytes
// that they sent. Safe for concurrent use.
type Callers struct {
	mu     sync.Mutex
	byPort map[int][]harness.Caller
	sorted bool
}

// Add takes what a plugin told.
func (c *Callers) Add(list []harness.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPort == nil {
		c.byPort = map[int][]harness.Caller{}
	}
	for _, call := range list {
		c.byPort[call.Port] = append(c.byPort[call.Port], call)
	}
	c.sorted = false
}

// Join writes into requests which line of code sent them: the one whose bytes
// they begin in. where gives the place of a request in what its client sent. A port that two connections had one after the other has two
// such lines where they overlap: then it is not known.
func (c *Callers) Join(events []harness.Event, where func(seq uint64) (harness.Sent, bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byPort) == 0 {
		return
	}
	if !c.sorted {
		for _, list := range c.byPort {
			slices.SortStableFunc(list, func(a, b harness.Caller) int { return cmp.Compare(a.At, b.At) })
		}
		c.sorted = true
	}
	for i := range events {
		if e := &events[i]; e.Kind == harness.Request {
			if sent, ok := where(e.Seq); ok {
				e.Call = c.of(sent)
			}
		}
	}
}

func (c *Callers) of(sent harness.Sent) harness.Call {
	list := c.byPort[sent.Port]
	after, _ := slices.BinarySearchFunc(list, sent.At, func(call harness.Caller, at int64) int {
		if call.At <= at {
			return -1
		}
		return 1
	})
	if after == 0 {
		return harness.Call{}
	}
	last := list[after-1]
	if sent.At >= last.At+last.Size {
		return harness.Call{}
	}
	if after > 1 {
		if before := list[after-2]; before.At+before.Size > sent.At && before.Call != last.Call {
			return harness.Call{}
		}
	}
	return last.Call
}
