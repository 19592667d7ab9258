package proxy

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape is a Recorder that keeps everything.
type tape struct {
	mu     sync.Mutex
	events []harness.Event
}

func (t *tape) Record(e *harness.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := *e
	c.Raw = append([]byte(nil), e.Raw...)
	t.events = append(t.events, c)
}

func (t *tape) all() []harness.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]harness.Event(nil), t.events...)
}

// ids lists the points of the frames recorded so far, in order.
func (t *tape) ids() []string {
	var out []string
	for _, e := range t.all() {
		if !e.Point.IsZero() {
			out = append(out, e.Point.String())
		}
	}
	return out
}

// frame finds the event of a point.
func (t *tape) frame(tt *testing.T, id string) harness.Event {
	tt.Helper()
	for _, e := range t.all() {
		if e.Point.String() == id {
			return e
		}
	}
	require.Fail(tt, "no such frame", "%s in %v", id, t.ids())
	return harness.Event{}
}

// rules is a Scheduler made of decisions by name.
type rules map[string]harness.Decision

func (r rules) Decide(_ string, p harness.Point) harness.Decision {
	if d, ok := r[p.String()]; ok {
		return d
	}
	return r[p.Any().String()]
}

// engines runs a test once with the portable engine and once with the best one.
func engines(t *testing.T, f func(t *testing.T, cfg Config)) {
	for name, portable := range map[string]bool{"portable": true, "native": false} {
		t.Run(name, func(t *testing.T) { f(t, Config{Portable: portable}) })
	}
}

// started starts a proxy before a Redis at addr.
func started(t *testing.T, cfg Config, addr string) *Proxy {
	t.Helper()
	if cfg.Dial == nil {
		cfg.Dial = dialer(addr)
	}
	p, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	return p
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

func client(t *testing.T, addr string, protocol int) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGoRedisThroughProxy(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, miniredis.RunT(t).Addr())
		for _, protocol := range []int{2, 3} {
			rec := &tape{}
			p.StartTrial(nil, rec)
			p.Begin("x")
			ctx := t.Context()
			c := client(t, p.Addr(), protocol)
			require.NoError(t, c.Set(ctx, "user:17", "v", time.Minute).Err())
			require.Equal(t, "v", c.Get(ctx, "user:17").Val())
			sub := c.PSubscribe(ctx, "ch*")
			_, err := sub.Receive(ctx)
			require.NoError(t, err)
			require.Equal(t, int64(1), c.Publish(ctx, "ch", "hello").Val())
			m, err := sub.ReceiveMessage(ctx)
			require.NoError(t, err)
			require.Equal(t, "hello", m.Payload)
			require.NoError(t, sub.Close())
			require.NoError(t, c.Close())
			st := p.End()
			ids := rec.ids()
			for _, want := range []string{
				`kv>SET "user:{n}" #1`, `kv<SET "user:{n}" #1`, `kv>GET "user:{n}" #1`, `kv<GET "user:{n}" #1`,
				`sub>PSUBSCRIBE "ch*" #1`, `sub<PSUBSCRIBE "ch*" #1`, `pub>PUBLISH "ch" #1`, `pub<PUBLISH "ch" #1`, `sub<pmessage "ch" #1`,
			} {
				assert.Contains(t, ids, want)
			}
			assert.Equal(t, len(ids), st.Frames)
			assert.Empty(t, st.Warnings)
			for i, e := range rec.all() {
				require.Equal(t, uint64(i+1), e.Seq)
			}
		}
	})
}

func TestDelayAndHold(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, miniredis.RunT(t).Addr())
		rec := &tape{}
		p.StartTrial(rules{
			`kv>SET "slow"`:    {Action: harness.Delay, Delay: harness.Duration(30 * time.Millisecond)},
			`kv>SET "held" #1`: {Action: harness.Hold, Until: must(harness.ParsePoint(`kv<GET "free" #2`))},
		}, rec)
		p.Begin("x")
		ctx := t.Context()
		c := client(t, p.Addr(), 3)
		start := time.Now()
		require.NoError(t, c.Set(ctx, "slow", 1, 0).Err())
		assert.GreaterOrEqual(t, time.Since(start), 30*time.Millisecond)
		done := make(chan error)
		go func() { done <- c.Set(ctx, "held", 1, 0).Err() }()
		require.Eventually(t, func() bool {
			p.core.mu.Lock()
			defer p.core.mu.Unlock()
			return len(p.core.holds) == 1
		}, 5*time.Second, time.Millisecond)
		for range 2 {
			require.ErrorIs(t, c.Get(ctx, "free").Err(), redis.Nil)
		}
		require.NoError(t, <-done)
		st := p.End()
		assert.Empty(t, st.Blocked)
		assert.GreaterOrEqual(t, st.Injected, 30*time.Millisecond)
		ids := rec.ids()
		assert.Contains(t, ids, `kv>SET "held" #1`)
		e := rec.frame(t, `kv>SET "held" #1`)
		assert.Equal(t, harness.Fulfilled, e.Ending)
		assert.Equal(t, harness.Hold, e.Action)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAdoptedListener(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, miniredis.RunT(t).Addr())
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		p.Adopt(ln)
		conn, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write(resp.AppendCommand(nil, "PING"))
		require.NoError(t, err)
		b := make([]byte, 7)
		_, err = io.ReadFull(conn, b)
		require.NoError(t, err)
		require.Equal(t, "+PONG\r\n", string(b))
		require.NoError(t, p.Close())
		_, err = conn.Read(b)
		require.Error(t, err)
		late, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		p.Adopt(late)
		_, err = late.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}
