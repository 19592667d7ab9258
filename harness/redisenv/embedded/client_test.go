package embedded

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/resp"
)

func TestParseTakesWholeCommandsOnly(t *testing.T) {
	b := resp.AppendCommand(nil, "SET", "k", "a\r\nb")
	for cut := range b {
		args, n, err := parse(b[:cut])
		require.NoError(t, err)
		require.Zero(t, n)
		require.Nil(t, args)
	}
	args, n, err := parse(append(b, "*1\r\n$4\r\nPI"...))
	require.NoError(t, err)
	require.Equal(t, len(b), n)
	require.Equal(t, []string{"SET", "k", "a\r\nb"}, args)
	for _, bad := range []string{"PING\r\n", "*x\r\n", "*-1\r\n", "\r\n", "*\n", "*1\r\n+OK\r\n", "*" + strings.Repeat("1", 40)} {
		_, _, err := parse([]byte(bad))
		require.ErrorIs(t, err, errProtocol, bad)
	}
}

// What a cached miniredis was used for is not seen by its next user, in another
// bubble, nor is the time that passed.
func TestCachedInstanceIsAsNew(t *testing.T) {
	var cache InstanceCache
	var first *miniredis.Miniredis
	var sha string
	for range 3 {
		require.NoError(t, cache.Prepare())
		if first == nil {
			first = cache.mini
		}
		require.Same(t, first, cache.mini)
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			e, err := cache.InMemory()
			require.NoError(t, err)
			opt := e.Options()
			opt.Addr = "127.0.0.1:6379"
			c := redis.NewClient(opt)
			require.EqualValues(t, 0, c.DBSize(ctx).Val())
			require.EqualValues(t, 0, c.Publish(ctx, "news", "x").Val())
			if sha != "" {
				require.Equal(t, []bool{false}, c.ScriptExists(ctx, sha).Val())
			}
			require.NoError(t, c.Set(ctx, "k", "v", time.Hour).Err())
			sha = c.ScriptLoad(ctx, "return 1").Val()
			sub := c.PSubscribe(ctx, "*")
			_, err = sub.Receive(ctx)
			require.NoError(t, err)
			go func() { _ = c.BLPop(ctx, 0, "nothing") }()
			time.Sleep(time.Hour - time.Millisecond)
			require.Equal(t, time.Millisecond, c.PTTL(ctx, "k").Val())
			require.NoError(t, e.Close(ctx))
			_, err = e.Dial(ctx)
			require.ErrorIs(t, err, net.ErrClosed)
			require.NoError(t, sub.Close())
			require.NoError(t, c.Close())
		})
	}
}

// FuzzParse: nothing on the wire makes it panic, and what it takes, it takes whole.
func FuzzParse(f *testing.F) {
	f.Add(resp.AppendCommand(nil, "SET", "k", "v"))
	f.Add([]byte("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*0\r\n"))
	f.Add([]byte("*3\r\n$99999999999\r\n"))
	f.Add([]byte("PING\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		args, n, err := parse(b)
		if n > len(b) || err != nil && (n != 0 || args != nil) {
			t.Fatal(n, err)
		}
		size := 0
		for _, a := range args {
			size += len(a)
		}
		if size > n {
			t.Fatal("took more than there was")
		}
	})
}
