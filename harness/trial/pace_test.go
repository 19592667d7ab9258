package trial

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
)

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		cpu, wall, queued time.Duration
		cpus, want        int
	}{
		{1600 * time.Millisecond, 1600 * time.Millisecond, 0, 2, 2},
		{1900 * time.Millisecond, 1600 * time.Millisecond, 0, 2, 2}, // a compiler's threads beside
		{3200 * time.Millisecond, 1600 * time.Millisecond, 0, 2, 1},
		{100 * time.Millisecond, time.Second, 0, 2, 16}, // no more than 16
		{500 * time.Millisecond, time.Second, 0, 2, 4},
		{0, time.Second, 0, 2, 16},
		{0, 0, 0, 2, 2},
		{time.Second, time.Second, 0, 64, 16},
		{1910 * time.Millisecond, 25830 * time.Millisecond, 25500 * time.Millisecond, 2, 2}, // seen on a machine of load 30
		{100 * time.Millisecond, time.Second, 400 * time.Millisecond, 2, 12},
	} {
		assert.Equal(t, c.want, Need{c.cpu, c.wall, c.queued}.Workers(c.cpus, 16), "%+v", c)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := Need{time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "cpu")), time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "wall")), 0}
		cpus, most := rapid.IntRange(1, 256).Draw(t, "cpus"), rapid.IntRange(1, 32).Draw(t, "most")
		got := n.Workers(cpus, most)
		if got < 1 || got > most {
			t.Fatalf("%d workers of 1 to %d", got, most)
		}
		if n.Wall > 0 && got > 1 && float64(got)*n.share() > 1.5*float64(cpus) {
			t.Fatalf("%d workers of %+v keep more than 1.5 times %d CPUs busy", got, n, cpus)
		}
	})
	require.Equal(t, "a trial keeps 80 % of a CPU busy (1.6s of CPU time in 2s), and there are 2 CPUs", Need{CPU: 1600 * time.Millisecond, Wall: 2 * time.Second}.Why(2))
}

func TestPressure(t *testing.T) {
	got, ok := parsePressure([]byte("some avg10=78.92 avg60=52.57 avg300=41.89 total=234384289\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"))
	require.True(t, ok)
	require.Equal(t, 234384289*time.Microsecond, got)
	for _, bad := range []string{"", "some avg10=1\n", "some total=x\n", "full total=3\n", "some total=-3\n"} {
		_, ok := parsePressure([]byte(bad))
		require.False(t, ok, bad)
	}
}

// measuredPool is a pool of which the trials' need is known.
func measuredPool(t *testing.T, cpus, most int, n Need) *Pool {
	p := NewPool(PoolConfig{Workers: most, Adapt: true})
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	p.cpus = cpus
	p.measured = measure{runs: measuredRuns, need: n, done: true}
	return p
}

// TestPace: workers are added one by one while jobs wait and the machine is
// idle, and a quarter of them rests when it is crowded.
func TestPace(t *testing.T) {
	p := measuredPool(t, 2, 16, Need{CPU: time.Second, Wall: 2 * time.Second})
	now, eased := time.Now(), time.Time{}
	step := func(s strain) int {
		now = now.Add(pace)
		eased = p.step(now, s, eased)
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.allowed
	}
	calm, busy := strain{known: true}, strain{timerLag: crowded + 1, pressure: 0.9, known: true}
	require.Equal(t, 0, step(calm), "nobody waits")
	p.mu.Lock()
	p.waiting = 1
	p.mu.Unlock()
	half := strain{pressure: 0.5, known: true}
	for range 10 {
		step(half)
	}
	assert.Equal(t, 4, step(half), "up to the need though the CPUs are busy")
	for range 30 {
		step(calm)
	}
	assert.Equal(t, 16, step(calm), "no more than was asked for")
	assert.Equal(t, 12, step(busy))
	assert.Equal(t, 12, step(busy), "what was crowded before they rested")
	for range 10 {
		step(calm)
	}
	assert.Equal(t, 15, step(calm), "one less than were too many")
	assert.Equal(t, 15, step(strain{pressure: 0.9, known: true}), "pressure alone is no crowd")
	for range 100 {
		step(busy)
	}
	assert.Equal(t, 2, step(busy), "never fewer than there are CPUs")
	assert.Equal(t, 2, step(strain{timerLag: crowded + 1}), "without /proc/pressure by timers")

	done := make(chan bool)
	go func() { done <- p.mayRun(3) }()
	select {
	case <-done:
		t.Fatal("a worker beyond those allowed ran")
	default:
	}
	for step(calm) < 3 {
	}
	assert.True(t, <-done, "it runs again")
}

// TestFitting: what suits a suite is known once its first trials were measured.
func TestFitting(t *testing.T) {
	p := measuredPool(t, 2, 16, Need{CPU: time.Second, Wall: time.Second})
	assert.Equal(t, 2, p.Fitting(), "a trial keeps a CPU busy")
	p.measured.done = false
	assert.Equal(t, 16, p.Fitting())
}

// computing is a runner whose trials take as much CPU as time, and that knows
// how many run at once.
type computing struct {
	runner.Runner
	now, most atomic.Int32
	share     float64
	alone     atomic.Int32 // trials that ran while no other did
}

func (c *computing) Run(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for {
		most := c.most.Load()
		if n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	if n == 1 {
		c.alone.Add(1)
	}
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
	x.Spent(time.Duration(c.share*float64(time.Second)), time.Second)
	return nil, nil
}

// TestWorkersByNeed: the first trials run alone, and what they take says how
// many run at once.
func TestWorkersByNeed(t *testing.T) {
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	for _, c := range []struct {
		share float64
		want  int
	}{{1, 2}, {2, 1}} {
		r := &computing{share: c.share}
		chosen := 0
		p := NewPool(PoolConfig{Provider: provider, Runner: r, Workers: 16, Adapt: true, Chosen: func(n int, why string) {
			chosen = n
			assert.Contains(t, why, "there are 2 CPUs")
		}})
		p.cpus = 2
		errs := make(chan error)
		for i := range 24 {
			go func() {
				_, err := p.Do(t.Context(), Job{Index: i + 1, Arm: harness.Survey})
				errs <- err
			}()
		}
		for range 24 {
			require.NoError(t, <-errs)
		}
		require.NoError(t, p.Close())
		assert.Equal(t, c.want, chosen, "share %v", c.share)
		assert.GreaterOrEqual(t, r.alone.Load(), int32(measuredRuns), "share %v", c.share)
		// The machine may be crowded or idle by others meanwhile, and change it by a few.
		assert.LessOrEqual(t, r.most.Load(), int32(c.want)+2, "share %v", c.share)
		if c.want > 1 {
			assert.Greater(t, r.most.Load(), int32(1), "share %v", c.share)
		}
	}
}
