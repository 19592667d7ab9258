package clients

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// playGoRedis plays the scenarios with github.com/redis/go-redis.
func playGoRedis(t *testing.T, s *server, to target, big payload) transcript {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := redis.NewClient(&redis.Options{
		Addr: to.addr, Protocol: to.protocol, TLSConfig: to.tls,
		DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, // a busy machine
	})
	defer func() { require.NoError(t, c.Close()) }()
	g := goRedis{t: t, ctx: ctx, c: c, s: s}
	return transcript{
		"kv": g.kv(), "pipeline": g.pipeline(), "pubsub": g.pubsub(), "multi": g.multi(),
		"lua": g.lua(), "streams": g.streams(), "big": g.big(big),
	}
}

type goRedis struct {
	t   *testing.T
	ctx context.Context // of one play: it is over when the play is
	c   *redis.Client
	s   *server
}

func (g goRedis) kv() string {
	set, err := g.c.Set(g.ctx, "k", "v1", 0).Result()
	require.NoError(g.t, err)
	get, err := g.c.Get(g.ctx, "k").Result()
	require.NoError(g.t, err)
	require.ErrorIs(g.t, g.c.Get(g.ctx, "missing").Err(), redis.Nil)
	n, err := g.c.Del(g.ctx, "k").Result()
	require.NoError(g.t, err)
	return fmt.Sprint(set, " ", get, " (nil) ", n)
}

func (g goRedis) pipeline() string {
	replies, err := g.c.Pipelined(g.ctx, func(p redis.Pipeliner) error {
		for range pipelined {
			p.Incr(g.ctx, "n")
		}
		return nil
	})
	require.NoError(g.t, err)
	for i, r := range replies {
		require.Equal(g.t, int64(i+1), r.(*redis.IntCmd).Val())
	}
	n, err := g.c.Get(g.ctx, "n").Result()
	require.NoError(g.t, err)
	return fmt.Sprintf("%d replies in order, then %s", len(replies), n)
}

func (g goRedis) pubsub() string {
	sub := g.c.Subscribe(g.ctx, "news")
	defer func() { require.NoError(g.t, sub.Close()) }()
	require.NoError(g.t, sub.PSubscribe(g.ctx, "pt:*"))
	require.NoError(g.t, sub.SSubscribe(g.ctx, "shard"))
	for range 3 {
		m, err := sub.Receive(g.ctx)
		require.NoError(g.t, err)
		require.IsType(g.t, &redis.Subscription{}, m)
	}
	var words []string
	for _, n := range []*redis.IntCmd{
		g.c.Publish(g.ctx, "news", "hello"), g.c.Publish(g.ctx, "pt:1", "hi"), g.c.SPublish(g.ctx, "shard", "deep"),
	} {
		require.NoError(g.t, n.Err())
		words = append(words, fmt.Sprint(n.Val()))
	}
	for range 3 {
		m, err := sub.ReceiveMessage(g.ctx)
		require.NoError(g.t, err)
		name := m.Channel
		if m.Pattern != "" {
			name = m.Pattern + "/" + m.Channel
		}
		words = append(words, name+"="+m.Payload)
	}
	require.NoError(g.t, sub.Unsubscribe(g.ctx))
	return strings.Join(words, " ")
}

func (g goRedis) multi() string {
	replies, err := g.c.TxPipelined(g.ctx, func(p redis.Pipeliner) error {
		p.Set(g.ctx, "m", 1, 0)
		p.Incr(g.ctx, "m")
		p.Get(g.ctx, "m")
		return nil
	})
	require.NoError(g.t, err)
	return fmt.Sprint(replies[0].(*redis.StatusCmd).Val(), " ", replies[1].(*redis.IntCmd).Val(), " ", replies[2].(*redis.StringCmd).Val())
}

func scriptSHA() string {
	sum := sha1.Sum([]byte(luaScript))
	return hex.EncodeToString(sum[:])
}

func (g goRedis) lua() string {
	first, err := g.c.Eval(g.ctx, luaScript, []string{"lua:k"}, "x").StringSlice()
	require.NoError(g.t, err)
	unknown := g.c.EvalSha(g.ctx, noScript, []string{"lua:k"}, "x").Err()
	require.Error(g.t, unknown)
	second, err := g.c.EvalSha(g.ctx, scriptSHA(), []string{"lua:k"}, "y").StringSlice()
	require.NoError(g.t, err)
	v, err := g.c.Get(g.ctx, "lua:k").Result()
	require.NoError(g.t, err)
	code, _, _ := strings.Cut(unknown.Error(), " ")
	return strings.Join([]string{strings.Join(first, " "), code, strings.Join(second, " "), v}, " | ")
}

func (g goRedis) streams() string {
	add := func(id, value string) string {
		got, err := g.c.XAdd(g.ctx, &redis.XAddArgs{Stream: "s", ID: id, Values: []string{"f", value}}).Result()
		require.NoError(g.t, err)
		return got
	}
	entries := func(streams []redis.XStream, err error) string {
		if errors.Is(err, redis.Nil) {
			return "(nil)"
		}
		require.NoError(g.t, err)
		var words []string
		for _, m := range streams[0].Messages {
			words = append(words, m.ID, "f", fmt.Sprint(m.Values["f"]))
		}
		return strings.Join(words, " ")
	}
	out := []string{add("1-1", "v"), entries(g.c.XRead(g.ctx, &redis.XReadArgs{Streams: []string{"s", "0"}, Block: -1}).Result())}
	blocked := make(chan *redis.XStreamSliceCmd, 1)
	go func() {
		blocked <- g.c.XRead(g.ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 30 * time.Second})
	}()
	g.s.waitBlocked(g.t)
	add("2-1", "w")
	out = append(out, entries((<-blocked).Result()))
	created, err := g.c.XGroupCreate(g.ctx, "s", "g", "0").Result()
	require.NoError(g.t, err)
	out = append(out, created, entries(g.c.XReadGroup(g.ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Block: -1}).Result()))
	n, err := g.c.XAck(g.ctx, "s", "g", "1-1", "2-1").Result()
	require.NoError(g.t, err)
	out = append(out, fmt.Sprint(n), entries(g.c.XRead(g.ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 10 * time.Millisecond}).Result()))
	return strings.Join(out, " | ")
}

func (g goRedis) big(big payload) string {
	require.NoError(g.t, g.c.Set(g.ctx, "big", big.data, 0).Err())
	b, err := g.c.Get(g.ctx, "big").Bytes()
	require.NoError(g.t, err)
	return checksum(b)
}
