package sim_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/sim"
)

func TestMain(m *testing.M) {
	sim.Main()
	os.Exit(m.Run())
}

func shipped(defects ...string) harness.Target {
	return harness.Target{Kind: harness.ShippedTarget, Variant: "hardened", Waits: "hardened", Defects: defects}
}

func executor(t testing.TB, cfg sim.Config) *sim.Executor {
	t.Helper()
	e, err := sim.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, e.Close()) })
	return e
}

// A whole suite passes, its waits cost nothing, and what a kept trial returns
// is what a trial in real time returns.
func TestDoPlaysASuite(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped(), Workers: 1})
	begun := time.Now()
	d, err := e.Do(t.Context(), hunt.Job{Index: 1, Suite: "smoke", Arm: harness.Survey, Seed: 7, Keep: true})
	require.NoError(t, err)
	assert.Len(t, d.Trial.Outcomes, 66)
	for _, o := range d.Trial.Outcomes {
		assert.Equal(t, harness.Passed, o.Verdict, o.Test.Name)
		if len(d.Events[o.Test.Name]) < 2 {
			t.Errorf("%s: no history", o.Test.Name)
		}
	}
	assert.Greater(t, time.Duration(d.Trial.Duration), 5*time.Second, "virtual time")
	assert.WithinDuration(t, begun, d.Trial.Start, time.Minute, "when it was really played")
	info := e.Info()
	assert.Equal(t, "sim", info.Provider)
	assert.False(t, info.Real)
}

func cpu() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return total
}
