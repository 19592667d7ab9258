package scenarios_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios"
	"github.com/flakehunt/flakehunt/scenarios/suitetest"
)

var (
	trials   = flag.Int("scenario-trials", 1, "how often the slow network is tried")
	tally    = flag.Bool("scenario-tally", false, "with each defect, make all trials and print how many failed, in place of ending at the first")
	latency  = flag.Duration("scenario-latency", 120*time.Millisecond, "the longest that the slow network delays a piece, in each direction; 0: a quiet one")
	only     = flag.String("scenario-defect", "", "try this defect alone")
	others   = flag.Duration("scenario-others-latency", 0, "the same for scenarios that a defect must leave alone")
	parallel = flag.Int("scenario-parallel", 32, "how many sessions run beside each other")
	seed     = flag.Uint64("scenario-seed", 1, "of the slow network's delays")
)

// failures counts, by scenario, in how many trials it failed, with the last message.
type failures struct {
	mu    sync.Mutex
	count map[string]int
	last  map[string]string
}

func (f *failures) add(name, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count, f.last = map[string]int{}, map[string]string{}
	}
	f.count[name]++
	f.last[name] = message
}

func (f *failures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for name, n := range f.count {
		lines = append(lines, fmt.Sprintf("%3d × %s: %s", n, name, strings.Join(strings.Fields(f.last[name]), " ")))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// trial runs a list once, suite by suite, each over a session of its own, and
// against a Redis of its own.
func trial(cfg scenarios.Config, list []scenarios.Scenario, latency time.Duration, seed uint64, into *failures) error {
	m, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer m.Close()
	m.ClockTTL(true)
	cfg.Redis = &redis.Options{Addr: m.Addr()}
	if latency > 0 {
		cfg.Redis.Dialer = (&suitetest.Latency{Max: latency, Seed: seed}).Dial
	}
	for _, suite := range scenarios.Suites() {
		part := slices.DeleteFunc(slices.Clone(list), func(s scenarios.Scenario) bool { return s.Suite != suite })
		if len(part) == 0 {
			continue
		}
		if err := runPart(suite, cfg, part, into); err != nil {
			return err
		}
	}
	return nil
}

func runPart(suite string, cfg scenarios.Config, part []scenarios.Scenario, into *failures) error {
	ctx, cancel := context.WithTimeout(context.Background(), scenarios.Deadline)
	defer cancel()
	s, err := scenarios.Open(ctx, suite, cfg)
	if err != nil {
		return err
	}
	for _, sc := range part {
		if failure := suitetest.Try(context.Background(), s, sc); failure != "" {
			into.add(sc.Name, failure)
		}
	}
	ctx, cancel = context.WithTimeout(context.Background(), scenarios.Deadline)
	defer cancel()
	return s.Close(ctx)
}

// spread runs the trials of a list, cut into shares that run beside each other:
// they mostly wait.
func spread(t *testing.T, cfg scenarios.Config, list []scenarios.Scenario, latency time.Duration, trials, shares int) *failures {
	t.Helper()
	into := &failures{}
	var all errgroup.Group
	all.SetLimit(*parallel)
	shares = min(shares, len(list))
	for n := range trials {
		for i := range shares {
			var share []scenarios.Scenario
			for k := i; k < len(list); k += shares {
				share = append(share, list[k])
			}
			all.Go(func() error { return trial(cfg, share, latency, *seed<<32+uint64(n*shares+i), into) })
		}
	}
	require.NoError(t, all.Wait())
	return into
}

func declaring(d fixtures.Defect, want bool) []scenarios.Scenario {
	var list []scenarios.Scenario
	for _, s := range scenarios.All() {
		if s.CanExpose(d) == want {
			list = append(list, s)
		}
	}
	return list
}

// TestSoundOverSlowNetwork: without a defect no scenario fails, however it waits,
// when each piece is up to 120 ms late in each direction.
func TestSoundOverSlowNetwork(t *testing.T) {
	for _, waits := range []scenarios.Waits{scenarios.HardenedWaits, scenarios.FixedWaits} {
		t.Run(string(waits), func(t *testing.T) {
			got := spread(t, scenarios.Config{Waits: waits}, scenarios.All(), *latency, *trials, 16)
			assert.Empty(t, got.String(), "seed %d", *seed)
		})
	}
}

// TestDefectLeavesOthersAlone: a defect makes no scenario fail that does not
// declare it.
func TestDefectLeavesOthersAlone(t *testing.T) {
	eachDefect(t, func(t *testing.T, d fixtures.Defect) {
		cfg := scenarios.Config{Defects: fixtures.Defects{d: true}}
		got := spread(t, cfg, declaring(d, false), *others, 1, 4)
		assert.Empty(t, got.String(), "%s", d)
	})
}

// TestDefectShowsOverSlowNetwork: each defect makes a scenario that declares it
// fail. Each trial of the slow network fails with a chance of 1/2 or more, so 24
// that pass are a false alarm in fewer than one run in ten million.
func TestDefectShowsOverSlowNetwork(t *testing.T) {
	for _, waits := range []scenarios.Waits{scenarios.HardenedWaits, scenarios.FixedWaits} {
		eachDefect(t, func(t *testing.T, d fixtures.Defect) {
			cfg := scenarios.Config{Defects: fixtures.Defects{d: true}, Waits: waits}
			list := declaring(d, true)
			if *tally {
				got := spread(t, cfg, list, *latency, *trials, len(list))
				t.Logf("%s waits, %s, %d trials:\n%s", waits, d, *trials, got)
				return
			}
			var got failures
			for n := uint64(0); n < 24 && got.String() == ""; n++ {
				assert.NoError(t, trial(cfg, list, *latency, *seed<<32+n, &got))
			}
			assert.NotEmpty(t, got.String(), "%s waits, seed %d: no scenario that declares %s failed", waits, *seed, d)
		})
	}
}

// eachDefect runs f for all defects beside each other, whatever -parallel says,
// since they mostly wait; for a tally one after another.
func eachDefect(t *testing.T, f func(*testing.T, fixtures.Defect)) {
	var all sync.WaitGroup
	for _, d := range fixtures.AllDefects() {
		if *only != "" && d != fixtures.Defect(*only) {
			continue
		}
		if *tally {
			f(t, d)
			continue
		}
		all.Go(func() { f(t, d) })
	}
	all.Wait()
}
