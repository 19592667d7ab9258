package proxy

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Defaults of Config.
const (
	DefaultPayloadLimit = 256
	DefaultHoldTimeout  = 2 * time.Second
	DefaultStallAfter   = 300 * time.Millisecond
)

// Config says where a proxy listens and what it leads to. Only Dial is needed.
type Config struct {
	Listen   string       // where clients connect: "HOST:PORT" or "unix:PATH"; "" is a free port of 127.0.0.1
	Listener net.Listener // instead of Listen; closed by Close

	// Dial connects to Redis, once for each client.
	Dial func(ctx context.Context) (net.Conn, error)

	// Admit says why a client may not connect; nil: all may. It is not asked about
	// those that Serve is given.
	Admit func(client net.Conn) error

	// Confine, if set, keeps clients to one database; nil: they may do all that
	// the connections of Dial may.
	Confine *Confine

	// Secret is told each credential that a client sends: it must not wait. nil: nobody is.
	Secret func(value string)

	PayloadLimit int // bytes of a frame that go to the recorder; 0: DefaultPayloadLimit

	// HoldTimeout ends a hold whose decision has no timeout of its own; 0: DefaultHoldTimeout.
	HoldTimeout time.Duration
	// StallAfter ends a hold without a timeout of its own once no frame has
	// moved on any connection for so long; 0: DefaultStallAfter. A hold that
	// must outlast a sleep of the test says so by its own timeout.
	StallAfter time.Duration

	// Pauser stops the processes of the suite, returns once they have stopped, and
	// has them go on after d, whatever happens. An error says that they were not
	// stopped. It is called without a lock; nil: nothing is ever paused.
	Pauser func(d time.Duration) error

	// Spacing, if set, has no two delayed frames of one connection and direction
	// leave at one instant: each leaves its delay modulo Spacing, or more, after
	// the one before it. Meant for virtual time, where what happens at one
	// instant has no order.
	Spacing time.Duration

	ServerTLS  *tls.Config // serve TLS with this
	SelfSigned bool        // serve TLS with a certificate made at start, see Proxy.CertificatePEM

	Portable bool // never use the epoll engine
	// InMemory says that clients and Redis are Memory, and that Dial does not
	// wait: Serve then connects before it returns, and no connection has a
	// goroutine. Meant for virtual time. What is no Memory is served as ever.
	InMemory bool
	Log      *slog.Logger // nil: silent
}

func (c Config) withDefaults() Config {
	if c.PayloadLimit <= 0 {
		c.PayloadLimit = DefaultPayloadLimit
	}
	if c.HoldTimeout <= 0 {
		c.HoldTimeout = DefaultHoldTimeout
	}
	if c.StallAfter <= 0 {
		c.StallAfter = DefaultStallAfter
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// TestStats is what the proxy did while one test ran.
type TestStats struct {
	Frames   int             // that arrived
	Injected time.Duration   // time during which at least one frame was kept back
	Blocked  []harness.Point // holds that ended unfulfilled: orders that the program forbids, as far as can be told
	// Kept is Blocked with how long each frame was kept. A hold that ended
	// unfulfilled was a delay: see explore.AsDelays.
	Kept     []harness.Kept
	Missed   []harness.Missed // decisions that came to nothing
	Digest   string           // of all decisions taken other than Pass, by name, in no order
	Warnings []string
}
