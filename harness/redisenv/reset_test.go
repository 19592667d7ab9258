package redisenv

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// What a test changed beyond its keys is undone as well.
func TestResetUndoesServerState(t *testing.T) {
	for _, name := range usable(t, "container", "server") {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			i := start(t, Spec{Provider: name})
			c := connectTo(t, i)
			require.NoError(t, c.ConfigSet(ctx, "notify-keyspace-events", "KEA").Err())
			require.NoError(t, c.ConfigSet(ctx, "maxmemory", "100mb").Err())
			require.NoError(t, c.FunctionLoad(ctx, "#!lua name=lib\nredis.register_function('f', function() return 1 end)").Err())
			require.NoError(t, c.Do(ctx, "ACL", "SETUSER", "alice", "on", ">secret", "~*", "+@all").Err())
			require.NoError(t, c.Do(ctx, "ACL", "SETUSER", "default", "-incr").Err())
			require.NoError(t, c.Do(ctx, "CLIENT", "PAUSE", "60000", "WRITE").Err())

			began := time.Now()
			require.NoError(t, i.Reset(ctx))
			require.Less(t, time.Since(began), 5*time.Second, "the pause outlived the reset")

			fresh := connectTo(t, i)
			require.Empty(t, fresh.ConfigGet(ctx, "notify-keyspace-events").Val()["notify-keyspace-events"])
			require.Equal(t, "0", fresh.ConfigGet(ctx, "maxmemory").Val()["maxmemory"])
			require.Len(t, fresh.Do(ctx, "ACL", "LIST").Val(), 1, "alice is still there")
			require.NoError(t, fresh.Incr(ctx, "n").Err())
			require.Empty(t, fresh.FunctionList(ctx, redis.FunctionListQuery{}).Val())
		})
	}
}

// A client that waits in Redis is cut off, so that it can't take what the next trial pushes.
func TestResetEndsBlockedClients(t *testing.T) {
	for _, name := range usable(t, "container", "server", "embedded") {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			i := start(t, Spec{Provider: name})
			c, err := net.Dial("tcp", i.Addr()) // not by way of the instance
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Write([]byte("*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n*1\r\n$4\r\nPING\r\n"))
			require.NoError(t, err)
			direct := connectTo(t, i)
			if name != "embedded" { // which can't say who is blocked
				require.Eventually(t, func() bool {
					return strings.Contains(direct.Info(ctx, "clients").Val(), "blocked_clients:1\r\n")
				}, 10*time.Second, time.Millisecond)
			}
			require.NoError(t, i.Reset(ctx))
			require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
			n, err := c.Read(make([]byte, 100))
			require.Zero(t, n)
			require.Error(t, err)
			fresh := connectTo(t, i)
			require.NoError(t, fresh.RPush(ctx, "q", "x").Err())
			require.EqualValues(t, 1, fresh.LLen(ctx, "q").Val())
		})
	}
}

// A port that is lost between asking and binding costs another try, not the run.
func TestServerLosesItsPort(t *testing.T) {
	for range usable(t, "server") {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		program, err := serverProgram()
		require.NoError(t, err)
		_, err = startServer(t.Context(), program, l.Addr().(*net.TCPAddr).Port)
		require.ErrorIs(t, err, errPortTaken)

		// Another Redis that has the port answers PING as well: it is not ours.
		other := start(t, Spec{Provider: "server"})
		_, port, err := net.SplitHostPort(other.Addr())
		require.NoError(t, err)
		taken, err := strconv.Atoi(port)
		require.NoError(t, err)
		_, err = startServer(t.Context(), program, taken)
		require.ErrorIs(t, err, errPortTaken)
		require.NoError(t, other.Alive(t.Context()))
	}
}

// Many at once, as a pool of workers starts them.
func TestManyServers(t *testing.T) {
	for range usable(t, "server") {
		t.Run("group", func(t *testing.T) {
			for n := range 8 {
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel()
					i := start(t, Spec{Provider: "server"})
					require.NoError(t, connectTo(t, i).Set(t.Context(), "k", n, 0).Err())
					require.Equal(t, strconv.Itoa(n), connectTo(t, i).Get(t.Context(), "k").Val())
				})
			}
		})
	}
}

func FuzzReadReply(f *testing.F) {
	for _, s := range []string{
		"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n:1\r\n*1\r\n$0\r\n\r\n",
		"", "\r\n", "$99999999999\r\n", "*1000000\r\n", "HTTP/1.1 400 Bad Request\r\n", "$-2\r\n", "$x\r\n", ":\r\n",
		strings.Repeat("*1\r\n", 1000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := (&replyReader{bufio.NewReader(strings.NewReader(s)), maxElements, maxReply}).read(maxDepth)
		if err != nil {
			require.Nil(t, v)
		}
	})
}
