package simtest

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
	"github.com/flakehunt/flakehunt/harness/sim/bubble"
)

// Environment variables that change what Run does.
const (
	SeedEnv  = "FLAKEHUNT_SIM_SEED"  // play this seed alone
	SeedsEnv = "FLAKEHUNT_SIM_SEEDS" // so many seeds, whatever the test asks for
)

// Config says how a body is run; the zero value works.
type Config struct {
	Seeds int           // how many; 0: 200
	First uint64        // the first of them; 0: 1
	Max   time.Duration // the longest that one frame is late; 0: 500 ms
}

// Run runs body under so many seeds, until one fails. opt connects to an empty
// Redis of the seed's own; the body makes its clients from it, and may change it.
func Run(t *testing.T, seeds int, body func(t *testing.T, opt *redis.Options)) {
	t.Helper()
	Config{Seeds: seeds}.Run(t, body)
}

// Run is like the function Run.
func (c Config) Run(t *testing.T, body func(t *testing.T, opt *redis.Options)) {
	t.Helper()
	if err := c.complete(os.Getenv); err != nil {
		t.Fatal(err)
	}
	labelTracebacks()
	stop := make(chan struct{})
	defer close(stop)
	bubble.DeepStacks(stop)
	var cache embedded.InstanceCache
	// Without a delay first: a test that fails then needs no schedule, and how
	// many frames there are says how many to delay.
	size := c.play(t, &cache, 0, schedule{}, body)
	for seed := c.First; seed < c.First+uint64(c.Seeds); seed++ {
		c.play(t, &cache, seed, draw(seed, size, c.Max), body)
	}
}

// complete fills in defaults and what the environment asks for.
func (c *Config) complete(env func(string) string) error {
	number := func(name string, into func(uint64)) error {
		text := env(name)
		if text == "" {
			return nil
		}
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil || n == 0 {
			return fmt.Errorf("%s=%q: want a number from 1, as in %s=17", name, text, name)
		}
		into(n)
		return nil
	}
	if c.Seeds <= 0 {
		c.Seeds = 200
	}
	if c.First == 0 {
		c.First = 1
	}
	if c.Max <= 0 {
		c.Max = 500 * time.Millisecond
	}
	if err := number(SeedsEnv, func(n uint64) { c.Seeds = int(n) }); err != nil {
		return err
	}
	return number(SeedEnv, func(n uint64) { c.First, c.Seeds = n, 1 })
}

// labelTracebacks has the traceback of a crash name the seed.
func labelTracebacks() {
	const setting = "tracebacklabels=1"
	if g := os.Getenv("GODEBUG"); !strings.Contains(g, "tracebacklabels") {
		os.Setenv("GODEBUG", strings.Trim(g+","+setting, ","))
	}
}

// play runs the body once, in a bubble, and returns how many frames there were.
// If it fails, the report is logged and the test ends.
func (c Config) play(t *testing.T, cache *embedded.InstanceCache, seed uint64, s schedule, body func(t *testing.T, opt *redis.Options)) (frames int) {
	t.Helper()
	if err := cache.Prepare(); err != nil {
		t.Fatal(err)
	}
	buffer := history.NewBuffer(history.BufferConfig{})
	defer buffer.Close()
	done := false
	defer func() {
		if !done {
			t.Log(report(t.Name(), seed, s, buffer))
		}
	}()
	pprof.Do(t.Context(), pprof.Labels("simulated seed", strconv.FormatUint(seed, 10)), func(context.Context) {
		synctest.Test(t, func(t *testing.T) { // which ends the test if the body failed
			inBubble(t, cache, seed, s, buffer, &frames, body)
		})
	})
	done = true
	return frames
}

// inBubble is all that a bubble holds.
func inBubble(t *testing.T, cache *embedded.InstanceCache, seed uint64, s harness.Scheduler, r harness.Recorder, frames *int, body func(t *testing.T, opt *redis.Options)) {
	world, err := bubble.New(bubble.Config{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the body's own
		synctest.Wait()
		*frames = world.Proxy().End().Frames
		if err := world.Close(); err != nil {
			t.Errorf("close the simulated redis: %v", err)
		}
	})
	world.Start(seed, s, r)
	world.Proxy().Begin(t.Name())
	opt := world.Options()
	opt.PoolSize = 100
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	body(t, opt)
}
