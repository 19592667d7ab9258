package clients

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

// race is two commands of two connections, and what tells in which order they
// took effect in Redis.
type race struct {
	held, until string // points
	first       func(ctx context.Context, c *redis.Client) bool
	second      func(ctx context.Context, c *redis.Client)
	blocks      bool // first waits in Redis for second
}

// races are orders that a hold until a request must make (each waits two seconds for
// the other, longer than a crowded machine stands still): the request must have
// been taken up by Redis before the held command, also when it blocks there.
func races() map[string]race {
	return map[string]race{
		"XREAD BLOCK $ before XADD": {
			held: `kv>XADD "s" #1`, until: `kv>XREAD "s" #1`, blocks: true,
			first: func(ctx context.Context, c *redis.Client) bool {
				got, err := c.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 2 * time.Second}).Result()
				return err == nil && len(got) == 1
			},
			second: func(ctx context.Context, c *redis.Client) {
				c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"f", "v"}})
			},
		},
		"BLPOP before LPUSH and LLEN": {
			held: `kv>EVAL "q" #1`, until: `kv>BLPOP "q" #1`, blocks: true,
			first: func(ctx context.Context, c *redis.Client) bool { return c.BLPop(ctx, time.Second, "q").Err() == nil },
			second: func(ctx context.Context, c *redis.Client) {
				c.Eval(ctx, `redis.call("lpush", KEYS[1], 1) return redis.call("llen", KEYS[1])`, []string{"q"})
			},
		},
		"SUBSCRIBE before PUBLISH": {
			held: `pub>PUBLISH "c" #1`, until: `sub>SUBSCRIBE "c" #1`,
			first: func(ctx context.Context, c *redis.Client) bool {
				s := c.Subscribe(ctx, "c")
				defer s.Close()
				for { // the confirmation, then the message
					m, err := s.ReceiveTimeout(ctx, 2*time.Second)
					if _, ok := m.(*redis.Message); ok || err != nil {
						return ok
					}
				}
			},
			second: func(ctx context.Context, c *redis.Client) { c.Publish(ctx, "c", "m") },
		},
		"LLEN before RPUSH": {
			held: `kv>RPUSH "l" #1`, until: `>LLEN "l" #1`,
			first:  func(ctx context.Context, c *redis.Client) bool { return c.LLen(ctx, "l").Val() == 0 },
			second: func(ctx context.Context, c *redis.Client) { c.RPush(ctx, "l", "v") },
		},
	}
}

// TestHoldUntilARequestOrdersInRedis plays each race 200 times with a hold, on
// both engines: the order is made every time.
func TestHoldUntilARequestOrdersInRedis(t *testing.T) {
	const times = 200
	for _, s := range servers(t) {
		for engine, portable := range map[string]bool{"portable": true, "native": false} {
			p, err := proxy.Start(t.Context(), proxy.Config{Dial: s.inst.Dial, Portable: portable})
			require.NoError(t, err)
			defer p.Close()
			for name, r := range races() {
				made, kept := 0, 0
				for range times {
					ok, st := r.play(t, s, p)
					kept += len(st.Kept)
					if ok {
						made++
					}
				}
				assert.Equal(t, times, made, "%s, %s", name, engine)
				assert.Zero(t, kept, "%s, %s", name, engine)
			}
		}
	}
}

// play runs the race once: the held command is sent first.
func (r race) play(t *testing.T, s *server, p *proxy.Proxy) (ok bool, st proxy.TestStats) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.admin.FlushAll(ctx).Err())
	parse := func(id string) harness.Point {
		at, err := harness.ParsePoint(id)
		require.NoError(t, err)
		return at
	}
	replay, err := explore.NewReplay([]harness.Decision{{At: parse(r.held), Action: harness.Hold, Until: parse(r.until)}})
	require.NoError(t, err)
	a, b := redis.NewClient(&redis.Options{Addr: p.Addr()}), redis.NewClient(&redis.Options{Addr: p.Addr()})
	defer a.Close()
	defer b.Close()
	require.NoError(t, a.Ping(ctx).Err())
	require.NoError(t, b.Ping(ctx).Err())
	p.StartTrial(replay, nil)
	p.Begin("race")
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.second(ctx, b)
	}()
	time.Sleep(time.Millisecond) // mostly the held command comes first; either way the order must be made
	ok = r.first(ctx, a)
	<-done
	return ok, p.End()
}
