package redisenv

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A bubble can hold a Redis: an hour's TTL passes at once, to the millisecond.
func TestSimInVirtualTime(t *testing.T) {
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		i, err := Start(ctx, Spec{Provider: "sim"})
		require.NoError(t, err)
		require.Equal(t, "sim", i.Info().Provider)
		require.False(t, i.Info().Real)
		require.Empty(t, i.Addr())
		c := redis.NewClient(i.Options())

		require.NoError(t, c.Set(ctx, "k", "v", time.Hour).Err())
		time.Sleep(time.Hour - time.Millisecond)
		require.Equal(t, "v", c.Get(ctx, "k").Val())
		require.Equal(t, time.Millisecond, c.PTTL(ctx, "k").Val())
		time.Sleep(time.Millisecond)
		require.ErrorIs(t, c.Get(ctx, "k").Err(), redis.Nil)

		// A subscriber that waits lets the bubble's clock run on.
		sub := c.PSubscribe(ctx, "*")
		_, err = sub.Receive(ctx)
		require.NoError(t, err)
		sent := time.Now()
		go func() {
			time.Sleep(10 * time.Minute)
			c.Publish(ctx, "news", "x")
		}()
		m, err := sub.ReceiveMessage(ctx)
		require.NoError(t, err)
		require.Equal(t, "x", m.Payload)
		require.InDelta(t, 10*time.Minute, time.Since(sent), float64(time.Microsecond), "pushes are a few nanoseconds apart")

		// So does a command that blocks in Redis, until its own timeout.
		sent = time.Now()
		require.ErrorIs(t, c.BLPop(ctx, time.Minute, "nothing").Err(), redis.Nil)
		require.InDelta(t, time.Minute, time.Since(sent), float64(time.Second))

		require.NoError(t, sub.Close())
		require.NoError(t, i.Reset(ctx))
		require.EqualValues(t, 0, c.DBSize(ctx).Val())
		require.NoError(t, c.Close())
		require.NoError(t, i.Close(ctx))
		synctest.Wait()
	})
	require.Less(t, time.Since(began), 30*time.Second)
}

// A pipeline longer than any buffer, written before the first reply is read,
// must not lock up: with net.Pipe it would.
func TestSimLongPipeline(t *testing.T) {
	i := start(t, Spec{Provider: "sim"})
	c, err := i.Dial(t.Context())
	require.NoError(t, err)
	defer c.Close()
	const n = 20000
	var all bytes.Buffer
	for k := range n {
		fmt.Fprintf(&all, "*2\r\n$4\r\nECHO\r\n$6\r\n%06d\r\n", k)
	}
	_, err = c.Write(all.Bytes())
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
	got := make([]byte, n*len("$6\r\n000000\r\n"))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "$6\r\n019999\r\n", string(got[len(got)-12:]))
}
