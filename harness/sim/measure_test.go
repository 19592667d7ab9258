//go:build unix

package sim_test

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/sim"
)

var measure = flag.String("sim-measure", "", "measure: throughput, suites, memory, hardened, defects; several separated by commas")

// TestMeasure prints the figures of bench/README.md, those that are asked for.
func TestMeasure(t *testing.T) {
	for _, what := range strings.Split(*measure, ",") {
		if f := map[string]func(*testing.T){
			"throughput": throughput, "suites": suites, "memory": memory, "hardened": hardened, "defects": defects,
		}[what]; f != nil {
			t.Run(what, f)
		}
	}
}

func throughput(t *testing.T) {
	for _, test := range []string{"smoke/kv/session-expires", "smoke/pubsub/delivers-to-subscriber"} {
		e, err := sim.New(sim.Config{Target: shipped()})
		require.NoError(t, err)
		before, start := cpu(), time.Now()
		p, err := e.Play(context.Background(), sim.Batch{Tests: []string{test}, Seed: 1, First: 1, Count: 20000})
		require.NoError(t, err)
		wall := time.Since(start)
		require.NoError(t, e.Close())
		used := cpu() - before
		t.Logf("%s: %d trials in %v: %.0f a second; %v of CPU: %.0f in a second of CPU; %d failed",
			test, p.Trials, wall.Round(time.Millisecond), float64(p.Trials)/wall.Seconds(), used.Round(time.Millisecond), float64(p.Trials)/used.Seconds(), len(p.Failed))
	}
}

func suites(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped()})
	start := time.Now()
	p, err := e.Play(context.Background(), sim.Batch{
		Strategy: "random", Params: map[string]string{"max": hunt.MaxDelay.String()}, Seed: 1, First: 1, Count: 1000,
	})
	require.NoError(t, err)
	t.Logf("both suites × %d seeds in %v; %d failed", p.Trials, time.Since(start).Round(time.Millisecond), len(p.Failed))
}

func hardened(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped()})
	for _, strategy := range []string{"none", "latency", "random", "pct"} {
		start := time.Now()
		params := map[string]string{"latency": "60ms", "jitter": "60ms", "distribution": "uniform"}
		if strategy != "latency" {
			params = map[string]string{"max": "500ms"}
		}
		p, err := e.Play(context.Background(), sim.Batch{Strategy: strategy, Params: params, Seed: 2, First: 1, Count: 2500})
		require.NoError(t, err)
		t.Logf("%s: %d of %d seeds of both suites failed, in %v", strategy, len(p.Failed), p.Trials, time.Since(start).Round(time.Millisecond))
		for i, d := range p.Failed {
			if i < 5 {
				for _, o := range d.Trial.Outcomes {
					t.Logf("  seed %d: %s: %s", d.Trial.Seed, o.Test.Name, o.Failure.Message)
				}
			}
		}
	}
}

func memory(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped(), Workers: 1})
	resident := func() int {
		kb := 0
		for _, pid := range e.Processes() {
			b, err := os.ReadFile("/proc/" + pid + "/status")
			require.NoError(t, err)
			kb += field(string(b), "VmRSS:")
		}
		return kb
	}
	start := time.Now()
	for i := range 20 {
		p, err := e.Play(context.Background(), sim.Batch{Tests: []string{"smoke/kv/session-expires"}, Seed: 3, First: 1 + i*50000, Count: 50000})
		require.NoError(t, err)
		require.Equal(t, 50000, p.Trials)
		t.Logf("%d trials, %v: %d KiB", (i+1)*50000, time.Since(start).Round(time.Second), resident())
	}
}

// field reads a number of /proc/PID/status.
func field(status, name string) int {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// cpu is the processor time of this process and of its children that have ended.
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

// defects says of each defect when it was found first, and what a real Redis
// says of all that was found.
func defects(t *testing.T) {
	total, confirmed := 0, 0
	for _, d := range fixtures.AllDefects() {
		target := shipped(string(d))
		target.Waits = "fixed"
		e := executor(t, sim.Config{Target: target})
		var first time.Duration
		start := time.Now()
		list, stats, err := sim.Search(t.Context(), sim.SearchConfig{Executor: e, Seed: 1, Seeds: 32, Progress: func(s sim.Stats) {
			if s.Findings > 0 && first == 0 {
				first = time.Since(start)
			}
		}})
		require.NoError(t, err)
		t.Logf("%s: first found after %v; %d findings in %d trials, %d orders, %v",
			d, first.Round(time.Millisecond), len(list), stats.Trials, stats.Orders, stats.Took.Round(time.Millisecond))
		proofs, err := e.ProveAll(t.Context(), realPool(t, d), list, 3, nil)
		require.NoError(t, err)
		for _, p := range proofs {
			total++
			if p.Confirmed.K > 0 {
				confirmed++
			}
			t.Logf("  %s %s: %s: %s %v", p.Finding.ID, p.Finding.Class, p.Finding.Title, p, p.Finding.Schedule.Decisions)
		}
		require.NoError(t, e.Close())
	}
	t.Logf("confirmed %d of %d", confirmed, total)
}
