package simtest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/simtest"
)

// badEnv has the tests that are to fail fail.
const badEnv = "FLAKEHUNT_SIMTEST_BAD"

func TestPlaysEverySeedAgainstAnEmptyRedis(t *testing.T) {
	begun := time.Now()
	runs := 0
	simtest.Run(t, 50, func(t *testing.T, opt *redis.Options) {
		runs++
		client := redis.NewClient(opt)
		defer client.Close()
		require.NoError(t, client.SetArgs(t.Context(), "session", "ada", redis.SetArgs{Mode: "NX", TTL: time.Minute}).Err(), "left by another seed")
		time.Sleep(50 * time.Second)
		n, err := client.Exists(t.Context(), "session").Result()
		require.NoError(t, err)
		assert.EqualValues(t, 1, n, "50 s of its minute have passed")
		time.Sleep(11 * time.Second)
		assert.ErrorIs(t, client.Get(t.Context(), "session").Err(), redis.Nil)
	})
	assert.Equal(t, 51, runs, "one without a delay, then the seeds")
	assert.Less(t, time.Since(begun), 51*time.Second, "an hour of virtual time")
}

// lostMessage publishes without awaiting the confirmation of SUBSCRIBE.
func lostMessage(t *testing.T, opt *redis.Options) {
	client := redis.NewClient(opt)
	defer client.Close()
	sub := client.Subscribe(t.Context(), "orders")
	defer sub.Close()
	time.Sleep(20 * time.Millisecond) // should be enough …
	require.NoError(t, client.Publish(t.Context(), "orders", "A-1").Err())
	select {
	case <-sub.Channel():
	case <-time.After(5 * time.Second):
		t.Fatal("no message within 5s")
	}
}

// TestBad is run by the tests below, in a process of its own.
func TestBad(t *testing.T) {
	switch os.Getenv(badEnv) {
	case "lost":
		simtest.Run(t, 500, lostMessage)
	case "panic":
		var n atomic.Int64
		simtest.Run(t, 20, func(t *testing.T, opt *redis.Options) {
			if n.Add(1) == 8 {
				go panic("of a goroutine")
				time.Sleep(time.Second)
			}
		})
	case "always":
		simtest.Run(t, 500, func(t *testing.T, opt *redis.Options) { t.Error("whatever the schedule") })
	case "stuck":
		simtest.Run(t, 500, func(t *testing.T, opt *redis.Options) { go func() { select {} }() })
	}
}

func bad(t *testing.T, which string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestBad$", "-test.count=1")
	c.Env = append(append(os.Environ(), badEnv+"="+which), env...)
	out, err := c.CombinedOutput()
	require.Error(t, err, "it should have failed: %s", out)
	return string(out)
}

func TestFailingSeedIsNamedExplainedAndRepeated(t *testing.T) {
	out := bad(t, "lost")
	assert.Contains(t, out, "no message within 5s")
	assert.Contains(t, out, "looks like race/subscribe-publish")
	assert.Regexp(t, `late:   sub>SUBSCRIBE "orders" #1, by \d+ms`, out)
	assert.Regexp(t, `\* +\S+ms  pub   > publish orders A-1`, out)
	found := regexp.MustCompile(`FLAKEHUNT_SIM_SEED=(\d+) go test -run '\^TestBad\$'`).FindStringSubmatch(out)
	require.NotNil(t, found, out)

	frames := regexp.MustCompile(`(?m)^.*\S+s  \S* +[<>] .*$`)
	require.Greater(t, len(frames.FindAllString(out, -1)), 6)
	for range 3 {
		again := bad(t, "lost", simtest.SeedEnv+"="+found[1])
		assert.Contains(t, again, "failed with seed "+found[1])
		assert.Equal(t, frames.FindAllString(out, -1), frames.FindAllString(again, -1), "another history")
	}
}

func TestOtherEndsNameTheSeedToo(t *testing.T) {
	assert.Contains(t, bad(t, "panic"), `"simulated seed": "7"`)
	assert.Contains(t, bad(t, "always"), "failed without any delay")
	stuck := bad(t, "stuck")
	assert.Contains(t, stuck, "deadlock: main bubble goroutine has exited but blocked goroutines remain")
	assert.Contains(t, stuck, "failed without any delay")
	assert.Contains(t, bad(t, "lost", simtest.SeedEnv+"=many"), `FLAKEHUNT_SIM_SEED="many": want a number from 1`)
}

// The example of the documentation passes.
func TestExample(t *testing.T) { sessionEnds(t) }
