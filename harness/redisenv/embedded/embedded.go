// Package embedded is miniredis as a Redis of one trial: on a loopback port, or
// in memory alone, where it lives in the virtual time of a testing/synctest
// bubble.
//
// Users' test binaries link it, by way of package simtest, so it must never
// import what is heavy, and it must never be taken for a real Redis: Info says
// that it is none.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv/connset"
)

// acceptTimeout is how long a connection to ourselves may take.
const acceptTimeout = 5 * time.Second

// Redis is miniredis, TTLs by the clock, replaced as a whole at each Reset:
// that is the only way to be sure that nothing of one trial (a blocked command,
// a subscriber, a script, a clock) reaches the next.
type Redis struct {
	listener  net.Listener  // nil: in memory
	accepting chan struct{} // closed when accept has ended

	// Of connections in memory:
	subscribers atomic.Int64   // so far
	serving     goroutineGroup // goroutines that answer commands

	mu     sync.Mutex
	mini   *miniredis.Miniredis
	conns  connset.Set    // those of the listener
	open   []*Conn        // the others' servers' ends, since the last Reset
	cache  *InstanceCache // where miniredis goes after use; nil: nowhere
	closed bool
	marker string        // local address of waitAccepted's own connection; "": there is none
	met    chan struct{} // closed when it is accepted
}

// Listen starts one on a free loopback port.
func Listen() (*Redis, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the embedded redis: %w", err)
	}
	e := &Redis{listener: l, accepting: make(chan struct{})}
	if err := e.fresh(); err != nil {
		_ = l.Close()
		return nil, err
	}
	go e.accept()
	return e, nil
}

// InMemory starts one without a listener: all is in memory and by the clock of
// the goroutines that use it, so one that is started, used and closed within a
// testing/synctest bubble lives in the bubble's virtual time.
func InMemory() (*Redis, error) {
	e := &Redis{}
	if err := e.fresh(); err != nil {
		return nil, err
	}
	return e, nil
}

// fresh puts a new miniredis in the place of the old one, which it ends.
func (e *Redis) fresh() error {
	m := e.cache.take()
	if m == nil {
		var err error
		if m, err = start(); err != nil {
			return err
		}
	}
	m.ClockTTL(true) // keys expire as time passes, instead of only when told
	addCompatHook(m.Server())
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		m.Close()
		return fmt.Errorf("start the embedded redis: %w", net.ErrClosed)
	}
	old, open := e.mini, e.open
	e.mini, e.open = m, nil
	e.mu.Unlock()
	e.end(old, open)
	return nil
}

// start starts a miniredis without a listener, which its first Dial does.
func start() (*miniredis.Miniredis, error) {
	m := miniredis.NewMiniRedis()
	c, err := m.Dial()
	if err != nil {
		return nil, fmt.Errorf("start the embedded redis: %w", err)
	}
	_ = c.Close()
	return m, nil
}

// end ends a miniredis, nil: none, and its connections in memory.
func (e *Redis) end(m *miniredis.Miniredis, open []*Conn) {
	if m == nil {
		return
	}
	m.CtxCancel() // commands that wait in it give up
	for _, c := range open {
		_ = c.Close()
		c.in.finish(false) // as if the client had closed it: whoever answers there leaves
	}
	e.serving.wait()
	if !e.cache.put(m) {
		m.Close()
	}
}

func (e *Redis) accept() {
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
func (e *Redis) serve(c net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.marker != "" && c.RemoteAddr().String() == e.marker {
		e.marker = ""
		close(e.met)
		_ = c.Close()
		return
	}
	if e.closed {
		_ = c.Close()
		return
	}
	t, err := e.conns.Add(c) // so that Reset cuts off, before anything in it gives up, also who came by the address
	if err != nil {
		return // closed
	}
	e.mini.Server().ServeConn(t)
}

// waitAccepted returns when all connections made before it, by whomever, are served:
// one that still waits to be accepted during a Reset would come out as a client
// of the fresh Redis. They are accepted in the order in which they were made.
func (e *Redis) waitAccepted(ctx context.Context) error {
	if e.listener == nil {
		return nil
	}
	e.mu.Lock() // so that the marker is known before it is accepted
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	c, err := (&net.Dialer{Timeout: acceptTimeout}).DialContext(ctx, "tcp", e.Addr())
	if err != nil {
		e.mu.Unlock()
		return fmt.Errorf("wait for the embedded redis' connections: %w", err)
	}
	met := make(chan struct{})
	e.marker, e.met = c.LocalAddr().String(), met
	e.mu.Unlock()
	defer c.Close()
	select {
	case <-met:
	case <-e.accepting:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Dial gives a fresh connection, on which commands can be sent at once. Without
// a listener it is a *Conn.
func (e *Redis) Dial(ctx context.Context) (net.Conn, error) {
	if e.listener == nil {
		client, server := Pipe()
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.closed {
			return nil, fmt.Errorf("connect to the embedded redis: %w", net.ErrClosed)
		}
		e.open = append(e.open, server)
		e.attach(e.mini.Server(), server)
		return client, nil
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.Addr())
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded redis: %w", err)
	}
	// Known from this end too: one that is still waiting to be accepted during a
	// Reset would else come out as a connection to the fresh server.
	t, err := e.conns.Add(c)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded redis: %w", err)
	}
	return t, nil
}

// Addr is host:port, "" in memory.
func (e *Redis) Addr() string {
	if e.listener == nil {
		return ""
	}
	return e.listener.Addr().String()
}

// Options are for a client that connects without anything in between.
func (e *Redis) Options() *redis.Options {
	return &redis.Options{
		Addr:   e.Addr(),
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx) },
	}
}

// Reset makes it as new, and closes all connections.
func (e *Redis) Reset(ctx context.Context) error {
	if err := e.waitAccepted(ctx); err != nil {
		return err
	}
	e.conns.Drop()
	return e.fresh()
}

// Info says what it is: an imitation.
func (e *Redis) Info() harness.RedisInfo {
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

// Alive returns an error once it is closed.
func (e *Redis) Alive(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("the embedded redis is closed")
	}
	return nil
}

// Close ends it. A second call does nothing.
func (e *Redis) Close(context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	m, open := e.mini, e.open
	e.mu.Unlock()
	e.conns.End()
	if e.listener != nil {
		_ = e.listener.Close()
		<-e.accepting
	}
	e.end(m, open)
	return nil
}
