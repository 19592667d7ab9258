//go:build linux

package gotest_test

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// Whatever a Go test does, the verdict is clear, memory is bounded, and nothing
// is left.
func TestHostileTests(t *testing.T) {
	r := open(t, "./hostile")
	daemon := regexp.MustCompile(`daemon (\d+)`)
	for _, c := range []struct{ mode, verdicts string }{
		{"lines", "TestAfterwards=pass TestHostile=fail:assertion"},
		{"line", "TestAfterwards=pass TestHostile=fail:assertion"},
		{"bytes", "TestAfterwards=pass TestHostile=fail:assertion"},
		{"daemon", "TestAfterwards=pass TestHostile=fail:assertion"},
		{"hang", "TestAfterwards=pass TestHostile=fail:timeout"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Setenv("MODE", c.mode)
			x := where()
			x.Deadline = time.Minute
			if c.mode == "hang" {
				x.Deadline = 300 * time.Millisecond
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			out := run(t, r, x)
			runtime.GC()
			runtime.ReadMemStats(&after)
			require.Less(t, after.Sys-min(before.Sys, after.Sys), uint64(64<<20), "what is printed must not be held")
			require.Less(t, time.Since(start), time.Minute, "an output that is held open must not hold us up")
			require.Equal(t, c.verdicts, verdicts(out))
			o := find(t, out, "TestHostile")
			require.Less(t, len(o.Output), 128<<10)
			require.Less(t, len(o.Failure.Message), 8<<10)
			if c.mode != "hang" {
				require.Contains(t, o.Failure.Message, "1 is not 2")
			}
			if c.mode == "daemon" {
				pids := daemon.FindAllStringSubmatch(o.Output, -1)
				require.Len(t, pids, 3)
				for _, m := range pids {
					_, err := os.Stat(fmt.Sprintf("/proc/%s/cwd/.", m[1])) // of a zombie there is none
					require.Error(t, err, "process %s is left", m[1])
				}
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		t.Setenv("MODE", "closed")
		for _, o := range run(t, r, where()) {
			require.False(t, o.Test.Name == module+"/hostile.TestHostile" && o.Verdict == harness.Passed, "its end was not seen")
		}
	})
}
