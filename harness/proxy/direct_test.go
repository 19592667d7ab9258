package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// side is one end of a connection in memory, as Memory has it.
type side struct {
	net.Conn // nil: only what is below may be used
	other    *side
	mu       sync.Mutex
	got      bytes.Buffer
	ended    bool // by the other end
	closed   bool
	take     func(p []byte)
	bye      func()
}

func sides() (a, b *side) {
	a, b = &side{}, &side{}
	a.other, b.other = b, a
	return a, b
}

func (s *side) Receive(take func(p []byte), ended func()) { s.take, s.bye = take, ended }

func (s *side) Write(p []byte) (int, error) {
	o := s.other
	o.mu.Lock()
	take, closed := o.take, o.closed
	if take == nil && !closed {
		o.got.Write(p)
	}
	o.mu.Unlock()
	if closed {
		return 0, errors.New("closed")
	}
	if take != nil {
		take(p)
	}
	return len(p), nil
}

func (s *side) CloseWrite() error {
	o := s.other
	o.mu.Lock()
	first, bye := !o.ended, o.bye
	o.ended = true
	o.mu.Unlock()
	if first && bye != nil {
		bye()
	}
	return nil
}

func (s *side) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.CloseWrite()
}

// read gives what has come, and whether more may come.
func (s *side) read() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.got.String()
	s.got.Reset()
	return text, !s.ended
}

// joined is a proxy between two ends in memory, in a bubble.
func joined(t *testing.T, s harness.Scheduler, f func(t *testing.T, p *Proxy, client, redis *side, rec *tape)) {
	synctest.Test(t, func(t *testing.T) {
		near, redis := sides()
		p := New(Config{InMemory: true, Dial: func(context.Context) (net.Conn, error) { return near, nil }})
		rec := &tape{}
		p.StartTrial(s, rec)
		p.Begin("t")
		client, mine := sides()
		p.Serve(mine)
		f(t, p, client, redis, rec)
		require.NoError(t, p.Close())
		synctest.Wait()
	})
}

func TestInMemoryDelaysInOrder(t *testing.T) {
	late := rules{`kv>GET "a" #1`: {Action: harness.Delay, Delay: harness.Duration(time.Second)}}
	joined(t, late, func(t *testing.T, p *Proxy, client, redis *side, rec *tape) {
		a, b := resp.AppendCommand(nil, "GET", "a"), resp.AppendCommand(nil, "GET", "b")
		_, _ = client.Write(append(bytes.Clone(a), b[:7]...)) // the next one in pieces
		_, _ = client.Write(b[7:])
		time.Sleep(time.Second - 1)
		text, _ := redis.read()
		assert.Empty(t, text)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		text, _ = redis.read()
		assert.Equal(t, string(a)+string(b), text, "b waits behind a")
		_, _ = redis.Write([]byte("+1\r\n+2\r\n"))
		text, open := client.read()
		assert.Equal(t, "+1\r\n+2\r\n", text, "at once")
		assert.True(t, open)
		p.End()
		var kept []time.Duration
		for _, e := range rec.all() {
			if e.Kind == harness.Request {
				kept = append(kept, e.Out-e.In)
			}
		}
		assert.Equal(t, []time.Duration{time.Second, time.Second}, kept)
	})
}

func TestInMemoryHoldsAndEnds(t *testing.T) {
	joined(t, heldAt(`kv>GET "a" #1`, `kv>SET "b" #1`, time.Minute), func(t *testing.T, p *Proxy, client, redis *side, rec *tape) {
		other, mine := sides()
		p.cfg.Dial = func(context.Context) (net.Conn, error) { near, _ := sides(); return near, nil }
		p.Serve(mine)
		_, _ = client.Write(resp.AppendCommand(nil, "GET", "a"))
		time.Sleep(time.Second)
		text, _ := redis.read()
		assert.Empty(t, text)
		_, _ = other.Write(resp.AppendCommand(nil, "SET", "b", "1"))
		synctest.Wait()
		text, _ = redis.read()
		assert.Empty(t, text, "Redis may not have taken SET up, and has not answered")
		time.Sleep(takeUpTime)
		synctest.Wait()
		text, _ = redis.read()
		assert.Contains(t, text, "GET")
		assert.Empty(t, p.End().Blocked)

		_ = client.CloseWrite()
		_, open := redis.read()
		assert.False(t, open, "the end is passed on")
		_, _ = redis.Write([]byte("+1\r\n"))
		text, _ = client.read()
		assert.Equal(t, "+1\r\n", text, "the answer still comes")
		_ = redis.Close()
		_, open = client.read()
		assert.False(t, open)
	})
}

func TestInMemoryWithoutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{InMemory: true, Dial: func(context.Context) (net.Conn, error) { return nil, io.ErrClosedPipe }})
		client, mine := sides()
		p.Serve(mine)
		_, open := client.read()
		assert.False(t, open)
		p.DropConnections()
		require.NoError(t, p.Close())
	})
}
