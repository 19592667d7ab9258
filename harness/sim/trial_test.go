//go:build unix

package sim

import (
	"encoding/gob"
	"flag"
	"io"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/sim/bubble"
)

var (
	profiled = flag.String("sim-profile", "smoke/kv/session-expires", "the test that TestTrialRate plays")
	times    = flag.Int("sim-profile-trials", 50, "how often it does")
)

// TestTrialRate plays one test in this process as a worker does, so that
// -cpuprofile and -memprofile say what a trial costs.
func TestTrialRate(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r, err := inprocess.ForTarget(harness.Target{Kind: harness.ShippedTarget, Run: "^" + *profiled + "$"})
	require.NoError(t, err)
	w := &worker{t: t, reports: gob.NewEncoder(io.Discard), heap: newHeap(), runner: r}
	stop := make(chan struct{})
	defer close(stop)
	bubble.DeepStacks(stop)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), processorTime(t)
	report := w.batch(&batchOrder{Batch: Batch{Seed: 1, First: 1, Count: *times}, Worker: 1})
	took, used := time.Since(start), processorTime(t)-cpu
	runtime.ReadMemStats(&after)
	require.Empty(t, report.Err)
	require.Empty(t, report.Batch.Failed)
	n := uint64(*times)
	t.Logf("%s: %d trials in %v: %.0f a second, %.0f in a second of CPU; %d allocations, %d bytes a trial; %d collections",
		*profiled, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), float64(n)/used.Seconds(),
		(after.Mallocs-before.Mallocs)/n, (after.TotalAlloc-before.TotalAlloc)/n, after.NumGC-before.NumGC)
}

func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
