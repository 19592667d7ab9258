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
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/scenarios"
	"github.com/flakehunt/flakehunt/scenarios/suitetest"
)

var (
	trials  = flag.Int("scenario-trials", 3, "how often each network is tried")
	tally   = flag.Bool("scenario-tally", false, "print in how many trials each defect made which scenario fail")
	latency = flag.Duration("scenario-latency", 120*time.Millisecond, "the longest that the slow network delays a piece, in each direction")
	seed    = flag.Uint64("scenario-seed", 1, "of the slow network's delays")
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

// trial runs a list once, suite by suite, each over a session of its own, against
// a Redis of its own. All is in virtual time: nothing is late but what the slow
// network delays.
func trial(t *testing.T, cfg scenarios.Config, list []scenarios.Scenario, latency time.Duration, seed uint64, into *failures) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		instance, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "sim"})
		require.NoError(t, err)
		cfg.Redis = instance.Options()
		if latency > 0 {
			cfg.Redis.Dialer = (&suitetest.Latency{Next: cfg.Redis.Dialer, Max: latency, Seed: seed}).Dial
		}
		for _, suite := range scenarios.Suites() {
			part := slices.DeleteFunc(slices.Clone(list), func(s scenarios.Scenario) bool { return s.Suite != suite })
			if len(part) > 0 {
				runPart(t, suite, cfg, part, into)
			}
		}
		require.NoError(t, instance.Close(t.Context()))
		time.Sleep(time.Second) // what is still on its way arrives, since time ends with this function
		synctest.Wait()
	})
}

func runPart(t *testing.T, suite string, cfg scenarios.Config, part []scenarios.Scenario, into *failures) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scenarios.Deadline)
	defer cancel()
	s, err := scenarios.Open(ctx, suite, cfg)
	require.NoError(t, err)
	for _, sc := range part {
		if failure := suitetest.Try(t.Context(), s, sc); failure != "" {
			into.add(sc.Name, failure)
		}
	}
	ctx, cancel = context.WithTimeout(t.Context(), scenarios.Deadline)
	defer cancel()
	require.NoError(t, s.Close(ctx))
}

// repeated makes the trials of a list.
func repeated(t *testing.T, cfg scenarios.Config, list []scenarios.Scenario, latency time.Duration, trials int) *failures {
	t.Helper()
	into := &failures{}
	for n := range trials {
		trial(t, cfg, list, latency, *seed<<32+uint64(n), into)
	}
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
			t.Parallel()
			got := repeated(t, scenarios.Config{Waits: waits}, scenarios.All(), *latency, *trials)
			assert.Empty(t, got.String(), "seed %d", *seed)
		})
	}
}

// TestDefectLeavesOthersAlone: a defect makes no scenario fail that does not
// declare it, over a quiet network or a slow one.
func TestDefectLeavesOthersAlone(t *testing.T) {
	for _, d := range fixtures.AllDefects() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			cfg := scenarios.Config{Defects: fixtures.Defects{d: true}}
			for _, latency := range []time.Duration{0, *latency} {
				got := repeated(t, cfg, declaring(d, false), latency, *trials)
				assert.Empty(t, got.String(), "seed %d, latency %v", *seed, latency)
			}
		})
	}
}

// alwaysShow are the defects that need no timing to show.
var alwaysShow = []fixtures.Defect{fixtures.EnvelopeUnwrap, fixtures.HandlerError}

// TestRacesPassOverQuietNetwork: without a delay no race shows, which is why such
// defects live so long.
func TestRacesPassOverQuietNetwork(t *testing.T) {
	for _, d := range fixtures.AllDefects() {
		if slices.Contains(alwaysShow, d) {
			continue
		}
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			got := repeated(t, scenarios.Config{Defects: fixtures.Defects{d: true}}, declaring(d, true), 0, *trials)
			assert.Empty(t, got.String())
		})
	}
}

// TestDefectShowsOverSlowNetwork: each defect makes a scenario that declares it
// fail, with either way of waiting. A trial fails with a chance of more than 1/2
// (see -scenario-tally), so 24 that pass are a false alarm in fewer than one run
// in ten million.
func TestDefectShowsOverSlowNetwork(t *testing.T) {
	for _, waits := range []scenarios.Waits{scenarios.HardenedWaits, scenarios.FixedWaits} {
		for _, d := range fixtures.AllDefects() {
			t.Run(string(waits)+"/"+string(d), func(t *testing.T) {
				t.Parallel()
				cfg := scenarios.Config{Defects: fixtures.Defects{d: true}, Waits: waits}
				list := declaring(d, true)
				if *tally {
					t.Logf("of %d trials:\n%s", *trials, repeated(t, cfg, list, *latency, *trials))
				}
				var got failures
				for n := uint64(0); n < 24 && got.String() == ""; n++ {
					trial(t, cfg, list, *latency, *seed<<32+n, &got)
				}
				assert.NotEmpty(t, got.String(), "seed %d: no scenario that declares it failed", *seed)
			})
		}
	}
}
