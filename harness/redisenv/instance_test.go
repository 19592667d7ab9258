package redisenv

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// usable gives those of the named providers that this machine has: plain
// `go test` works anywhere, and with -short it starts no program. Where CI is
// set all must be there, so that a check can't be green for want of a Redis.
func usable(t *testing.T, names ...string) (have []string) {
	t.Helper()
	for _, name := range names {
		if testing.Short() && (name == "container" || name == "server") {
			continue
		}
		_, _, err := Resolve(t.Context(), Spec{Provider: name})
		if err == nil {
			have = append(have, name)
			continue
		}
		require.ErrorIs(t, err, ErrUnavailable)
		require.Empty(t, os.Getenv("CI"), "CI needs every provider: %v", err)
		t.Logf("without %s: %v", name, err)
	}
	return have
}

func start(t *testing.T, s Spec) Instance {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	i, err := Start(ctx, s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Close(context.Background())) })
	return i
}

func connectTo(t *testing.T, i Instance) *redis.Client {
	t.Helper()
	c := redis.NewClient(i.Options())
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Every provider gives a Redis that works, and after Reset one that is as new.
func TestInstances(t *testing.T) {
	for _, name := range usable(t, "container", "server", "embedded", "sim") {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			i := start(t, Spec{Provider: name})
			require.NoError(t, i.Alive(ctx))
			require.Equal(t, name, i.Info().Provider)
			require.NotEmpty(t, i.Info().Version)
			require.NotEqual(t, "unknown", i.Info().Version)

			c := connectTo(t, i)
			require.NoError(t, c.Set(ctx, "k", "v", time.Minute).Err())
			require.NoError(t, c.Do(ctx, "SELECT", "3").Err())
			sha, err := c.ScriptLoad(ctx, "return 1").Result()
			require.NoError(t, err)
			sub := c.PSubscribe(ctx, "*")
			defer sub.Close()
			_, err = sub.Receive(ctx)
			require.NoError(t, err)
			raw, err := i.Dial(ctx)
			require.NoError(t, err)
			defer raw.Close()

			require.NoError(t, i.Reset(ctx))
			_ = raw.SetReadDeadline(time.Now().Add(5 * time.Second)) // fails on a closed one
			_, err = raw.Read(make([]byte, 1))
			require.Error(t, err)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "a connection survived the reset")

			fresh := connectTo(t, i)
			require.EqualValues(t, 0, fresh.Exists(ctx, "k").Val())
			require.Equal(t, []bool{false}, fresh.ScriptExists(ctx, sha).Val())
			n, err := fresh.Publish(ctx, "x", "y").Result()
			require.NoError(t, err)
			require.EqualValues(t, 0, n, "a subscriber survived the reset")

			require.NoError(t, i.Close(ctx))
			require.NoError(t, i.Close(ctx))
			_, err = i.Dial(ctx)
			require.Error(t, err)
		})
	}
}
