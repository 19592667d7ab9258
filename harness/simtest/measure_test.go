//go:build unix

package simtest_test

import (
	"flag"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/simtest"
)

var measured = flag.Int("simtest-measure", 100, "trials of which the rate is logged")

// TestRate logs how many bodies of one client are played in a second, recorded
// as always.
func TestRate(t *testing.T) {
	for name, body := range map[string]func(t *testing.T, opt *redis.Options){"ttl": ttl, "pubsub": pubSub} {
		t.Run(name, func(t *testing.T) {
			before, start := cpu(t), time.Now()
			simtest.Config{Seeds: *measured, Max: 20 * time.Millisecond}.Run(t, body)
			n, used := float64(*measured+1), cpu(t)-before
			t.Logf("%.0f trials in %v: %.0f a second; %.0f in a second of CPU", n, time.Since(start).Round(time.Millisecond), n/time.Since(start).Seconds(), n/used.Seconds())
		})
	}
}

func ttl(t *testing.T, opt *redis.Options) {
	client := redis.NewClient(opt)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "k", "v", time.Second).Err())
	require.NoError(t, client.Get(t.Context(), "k").Err())
	time.Sleep(1100 * time.Millisecond)
	require.ErrorIs(t, client.Get(t.Context(), "k").Err(), redis.Nil)
}

func pubSub(t *testing.T, opt *redis.Options) {
	client := redis.NewClient(opt)
	defer client.Close()
	sub := client.Subscribe(t.Context(), "c")
	defer sub.Close()
	_, err := sub.Receive(t.Context())
	require.NoError(t, err)
	require.NoError(t, client.Publish(t.Context(), "c", "m").Err())
	m, err := sub.ReceiveMessage(t.Context())
	require.NoError(t, err)
	require.Equal(t, "m", m.Payload)
}

func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
