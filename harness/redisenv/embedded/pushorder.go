package embedded

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pushOrder is miniredis' end of a connection in memory. One PUBLISH makes
// miniredis write to all subscribers at once, from two goroutines for each, in
// any order. Redis has an order: message before pmessage on one connection. So
// that virtual time has one too, what is pushed at one instant is put in order
// and waits for a nanosecond for each connection that subscribed before this one.
type pushOrder struct {
	net.Conn
	subscribers *atomic.Int64 // of the instance, so far

	mu    sync.Mutex
	nth   int64       // of the subscribers; 0: none yet
	later []byte      // pushes that wait, in the order of their kinds
	front int         // later[:front] are messages, the rest pmessages
	timer *time.Timer // nil: nothing waits
}

func (c *pushOrder) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case isPush(b, "message"):
		c.later = slices.Insert(c.later, c.front, b...) // a pmessage may have been faster
		c.front += len(b)
	case isPush(b, "pmessage"):
		c.later = append(c.later, b...)
	default:
		if c.nth == 0 && (isPush(b, "subscribe") || isPush(b, "psubscribe")) {
			c.nth = c.subscribers.Add(1)
		}
		if err := c.flush(); err != nil {
			return 0, err
		}
		return c.Conn.Write(b)
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Duration(1+c.nth), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			_ = c.flush() // nobody is there to be told
		})
	}
	return len(b), nil
}

// flush writes what waits; c.mu is held.
func (c *pushOrder) flush() error {
	if c.timer == nil {
		return nil
	}
	c.timer.Stop()
	c.timer = nil
	_, err := c.Conn.Write(c.later)
	c.later, c.front = nil, 0
	return err
}

// isPush reports whether b begins with a push, or in RESP2 an array, of that kind.
func isPush(b []byte, kind string) bool {
	if len(b) == 0 || b[0] != '>' && b[0] != '*' {
		return false
	}
	const most = 24 // of length, line ends and the kind's own length
	_, rest, ok := bytes.Cut(b[:min(len(b), most)], []byte("\r\n"))
	if !ok {
		return false
	}
	_, rest, ok = bytes.Cut(rest, []byte("\r\n"))
	return ok && bytes.HasPrefix(rest, []byte(kind+"\r\n"))
}
