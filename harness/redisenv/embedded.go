package redisenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
)

// embeddedProvider serves miniredis in this process on a loopback port, TTLs
// by the clock. It needs nothing installed.
type embeddedProvider struct{}

func (embeddedProvider) Name() string                { return "embedded" }
func (embeddedProvider) Check(context.Context) error { return nil }

func (embeddedProvider) Start(context.Context) (Instance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the embedded redis: %w", err)
	}
	e := &embedded{listener: l, accepting: make(chan struct{})}
	if err := e.fresh(); err != nil {
		_ = l.Close()
		return nil, err
	}
	go e.accept()
	return e, nil
}

// embedded is miniredis, replaced as a whole at each Reset: that is the only
// way to be sure that nothing of one trial (a blocked command, a subscriber, a
// script, a clock) reaches the next.
type embedded struct {
	listener  net.Listener  // nil: sim
	accepting chan struct{} // closed when accept has ended

	subscribers atomic.Int64 // among connections in memory, so far

	mu     sync.Mutex
	mini   *miniredis.Miniredis
	conns  connSet
	closed bool
}

// fresh puts a new miniredis in the place of the old one, which it ends.
func (e *embedded) fresh() error {
	m := miniredis.NewMiniRedis()
	// The first Dial starts it without a listener; ClockTTL then makes keys
	// expire as time passes, instead of only when told.
	c, err := m.Dial()
	if err != nil {
		return fmt.Errorf("start the embedded redis: %w", err)
	}
	_ = c.Close()
	m.ClockTTL(true)
	mend(m.Server())
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		m.Close()
		return fmt.Errorf("start the embedded redis: %w", net.ErrClosed)
	}
	old := e.mini
	e.mini = m
	e.mu.Unlock()
	if old != nil {
		old.Close()
	}
	return nil
}

func (e *embedded) accept() {
	defer close(e.accepting)
	for {
		c, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.serve(c)
	}
}

// serve hands the server's end of a connection to the current miniredis.
func (e *embedded) serve(c net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		_ = c.Close()
		return
	}
	e.mini.Server().ServeConn(c)
}

func (e *embedded) Dial(ctx context.Context) (net.Conn, error) {
	var c net.Conn
	if e.listener != nil {
		var err error
		if c, err = (&net.Dialer{}).DialContext(ctx, "tcp", e.Addr()); err != nil {
			return nil, fmt.Errorf("connect to the embedded redis: %w", err)
		}
	} else {
		var server net.Conn
		c, server = Pipe()
		e.serve(&pushOrder{Conn: server, subscribers: &e.subscribers})
	}
	// Known from this end too: one that is still waiting to be accepted during a
	// Reset would else come out as a connection to the fresh server.
	t, err := e.conns.add(c)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded redis: %w", err)
	}
	return t, nil
}

func (e *embedded) Addr() string {
	if e.listener == nil {
		return ""
	}
	return e.listener.Addr().String()
}

func (e *embedded) Options() *redis.Options {
	return &redis.Options{
		Addr:   e.Addr(),
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx) },
	}
}

func (e *embedded) Reset(context.Context) error {
	e.conns.drop()
	return e.fresh()
}

func (e *embedded) Info() harness.RedisInfo {
	info := harness.RedisInfo{Provider: "embedded", Version: miniredisVersion(), Note: "an imitation of Redis within the process: findings should be confirmed on a real one"}
	if e.listener == nil {
		info.Provider = "sim"
		info.Note = "an imitation of Redis in virtual time: findings are proved on a real one"
	}
	return info
}

// miniredisVersion is what this binary was linked with; a test binary may not know.
func miniredisVersion() string {
	const path = "github.com/alicebob/miniredis/v2"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return "miniredis " + strings.TrimPrefix(d.Version, "v")
			}
		}
	}
	return "miniredis"
}

func (e *embedded) Alive(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("the embedded redis is closed")
	}
	return nil
}

func (e *embedded) Close(context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	m := e.mini
	e.mu.Unlock()
	e.conns.end()
	if e.listener != nil {
		_ = e.listener.Close()
		<-e.accepting
	}
	m.Close()
	return nil
}
