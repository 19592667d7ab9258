package explore

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

func point(i int) harness.Point {
	return harness.Point{Role: []string{"kv", "pub", "sub"}[i%3], Dir: harness.Direction(i / 3 % 2), Verb: "SET", Key: "k", N: i/6 + 1}
}

// all returns every strategy with settings under which it delays something.
func all(t *testing.T, seed uint64) map[string]harness.Scheduler {
	t.Helper()
	params := Settings{
		Latency: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Trial: 8,
		Survey: Survey{Frames: 600, Duration: 10 * time.Second, Tests: 2, Roles: 3},
	}.Params()
	m := map[string]harness.Scheduler{}
	for _, one := range table() {
		name := one.name
		s, err := New(name, seed, params)
		require.NoError(t, err, name)
		m[name] = s
	}
	return m
}

// TestDecisionsDependOnNamesAlone asks each strategy for the same frames in two
// orders, from two instances.
func TestDecisionsDependOnNamesAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(rt, "order")
		a, b := all(t, seed), all(t, seed)
		for name := range a {
			want := map[int]harness.Decision{}
			for i := range order {
				want[i] = a[name].Decide("t", point(i))
			}
			for _, i := range order {
				if got := b[name].Decide("t", point(i)); got != want[i] {
					rt.Fatalf("%s: frame %v got %v, then %v", name, point(i), want[i], got)
				}
			}
		}
	})
}

func TestConcernsNeverHidesADecision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		i := rapid.IntRange(0, 1000).Draw(rt, "frame")
		for name, s := range all(t, seed) {
			d := s.Decide("t", point(i))
			if d.Action != harness.Pass && !s.(harness.Selective).Concerns("t", point(i).Any()) {
				rt.Fatalf("%s decides %v on a point that it says does not concern it", name, d)
			}
			if !d.OnlyDelays() || d.Delay < 0 {
				rt.Fatalf("%s does more than delay: %v", name, d)
			}
		}
	})
}

// TestSeedMatters: two seeds give each strategy that draws another set of
// delays. Over 10,000 frames the odds of equality are far under 1e-6 for each.
func TestSeedMatters(t *testing.T) {
	a, b := all(t, 1), all(t, 2)
	for _, name := range []string{"latency", "skew", "random", "pct", "jitter", "ladder", "pause", "align"} {
		differ := 0
		for i := range 10000 {
			if a[name].Decide("t"+string(rune('a'+i%20)), point(i)) != b[name].Decide("t"+string(rune('a'+i%20)), point(i)) {
				differ++
			}
		}
		assert.Positive(t, differ, name)
	}
}

// TestBudget: the expected total delay of skew, random and pct is at most 20 %
// of a trial's time. The mean of 200 seeds is compared with 25 %; its standard
// error is below 0.5 % for each strategy, so the odds of a false alarm are
// under 1e-6 (ten standard errors).
func TestBudget(t *testing.T) {
	const frames, seeds = 600, 200
	for _, name := range []string{"skew", "random", "pct"} {
		var sum time.Duration
		for seed := range uint64(seeds) {
			s := all(t, seed)[name]
			for i := range frames {
				sum += time.Duration(s.Decide([]string{"a", "b"}[i%2], point(i/2)).Delay)
			}
		}
		share := float64(sum) / seeds / float64(10*time.Second)
		t.Logf("%s: %.1f %% of the trial's time", name, 100*share)
		assert.LessOrEqual(t, share, 0.25, name)
		assert.GreaterOrEqual(t, share, 0.02, "%s hardly does anything", name)
	}
}

func TestLatencyDistributions(t *testing.T) {
	const n = 20000
	for _, c := range []struct {
		dist       Distribution
		lo, hi     time.Duration
		mean, slop time.Duration // slop is over 6 standard errors of the mean of n draws: odds under 1e-8
	}{
		{Fixed, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 0},
		{Uniform, 10 * time.Millisecond, 30 * time.Millisecond, 20 * time.Millisecond, 300 * time.Microsecond},
		// Truncation at −2σ and +2σ is symmetric here.
		{Normal, 0, 40 * time.Millisecond, 20 * time.Millisecond, 500 * time.Microsecond},
	} {
		s, err := New("latency", 7, Settings{Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Distribution: c.dist}.Params())
		require.NoError(t, err)
		var sum time.Duration
		for i := range n {
			d := time.Duration(s.Decide("t", point(i)).Delay)
			require.GreaterOrEqual(t, d, c.lo, "%s", c.dist)
			require.LessOrEqual(t, d, c.hi, "%s", c.dist)
			sum += d
		}
		assert.InDelta(t, float64(c.mean), float64(sum/n), float64(c.slop), "%s", c.dist)
	}
}

func TestNormalTailBeyondTheBounds(t *testing.T) {
	d := draw(1)
	for range 1000 {
		got := d.normal(0, time.Microsecond, time.Second, 2*time.Second)
		require.GreaterOrEqual(t, got, time.Second)
		require.LessOrEqual(t, got, 2*time.Second)
	}
}

func TestSkewIsOneDelayForAConnection(t *testing.T) {
	s, err := New("skew", 3, Settings{Trial: 4}.Params())
	require.NoError(t, err)
	seen := map[harness.Duration]bool{}
	for i := range 200 {
		p := point(i)
		first := s.Decide("t", harness.Point{Role: p.Role, Dir: p.Dir, Verb: "PING", N: 1})
		assert.Equal(t, first.Delay, s.Decide("t", p).Delay)
		seen[first.Delay] = true
		assert.LessOrEqual(t, time.Duration(first.Delay), 8*time.Millisecond)
	}
	assert.Greater(t, len(seen), 1, "all connections got the same delay")
}

func TestSkewBeginsSmall(t *testing.T) {
	longest := func(trial int) (m harness.Duration) {
		for seed := range uint64(50) {
			s, err := New("skew", seed, Settings{Trial: trial, Budget: 1}.Params())
			require.NoError(t, err)
			m = max(m, s.Decide("t", point(0)).Delay)
		}
		return m
	}
	assert.LessOrEqual(t, longest(1), harness.Duration(time.Millisecond))
	assert.Greater(t, longest(5), 4*longest(1))
}

func TestBoundOfThePaper(t *testing.T) {
	// n=4, k=50, d=2: 598 runs for 95 %.
	p := Bound(4, 50, 2)
	runs := math.Ceil(math.Log(0.05) / math.Log(1-p))
	assert.InDelta(t, 598, runs, 1)
}

func TestNewRejects(t *testing.T) {
	for _, c := range []struct {
		name   string
		params map[string]string
		want   string
	}{
		{"chaos", nil, `unknown strategy "chaos": want one of none, latency, skew, random, pct`},
		{"latency", map[string]string{"latency": "-1ms"}, `strategy setting latency="-1ms": want a duration that is not negative, such as 20ms`},
		{"latency", map[string]string{"distribution": "pareto"}, `strategy setting distribution="pareto": want normal, uniform or fixed`},
		{"random", map[string]string{"budget": "2"}, `strategy setting budget="2": want a share between 0 and 1, such as 0.2`},
		{"random", map[string]string{"budget": "NaN"}, `strategy setting budget="NaN": want a share between 0 and 1, such as 0.2`},
		{"skew", map[string]string{"trial": "x"}, `strategy setting trial="x": want a whole number that is not negative`},
	} {
		_, err := New(c.name, 1, c.params)
		assert.EqualError(t, err, c.want)
	}
	_, err := New("none", 1, map[string]string{"speed": "1"})
	assert.ErrorContains(t, err, `unknown strategy setting "speed": want one of budget, depth,`)
}

func TestSettingsSurviveText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ms := rapid.Custom(func(rt *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond
		})
		want := Settings{
			Latency: ms.Draw(rt, "latency"), Jitter: ms.Draw(rt, "jitter"), Max: ms.Draw(rt, "max"),
			Distribution: rapid.SampledFrom([]Distribution{"", Normal, Uniform, Fixed}).Draw(rt, "distribution"),
			Side:         rapid.SampledFrom([]Side{"", Requests, Replies}).Draw(rt, "side"),
			Per:          rapid.SampledFrom([]Per{"", PerSegment, PerConnection}).Draw(rt, "per"), Room: ms.Draw(rt, "room"),
			Trial: rapid.IntRange(0, 99).Draw(rt, "trial"), Budget: rapid.Float64Range(0, 1).Draw(rt, "budget"),
			Depth:  rapid.IntRange(0, 9).Draw(rt, "depth"),
			Survey: Survey{Frames: rapid.IntRange(0, 9999).Draw(rt, "frames"), Duration: ms.Draw(rt, "duration"), Tests: rapid.IntRange(0, 99).Draw(rt, "tests"), Roles: rapid.IntRange(0, 9).Draw(rt, "roles")},
		}
		got, err := ParseSettings(want.Params())
		if err != nil || got != want {
			rt.Fatalf("%+v became %+v, %v", want, got, err)
		}
	})
}

func TestEveryStrategyDescribesItself(t *testing.T) {
	for name, s := range all(t, 1) {
		assert.NotEmpty(t, s.(interface{ String() string }).String(), name)
	}
}

func TestNoAllocationPerDecision(t *testing.T) {
	schedulers := all(t, 1)
	replay, err := NewReplay([]harness.Decision{{Test: "t", At: point(1), Action: harness.Delay, Delay: 1}})
	require.NoError(t, err)
	schedulers["replay"] = replay
	for name, s := range schedulers {
		i := 0
		sel := s.(harness.Selective)
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			p := point(i)
			i++
			if sel.Concerns("t", p.Any()) {
				_ = s.Decide("t", p)
			}
		}), name)
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, name := range slices.Concat(Names(), []string{"replay"}) {
		s, err := FromSchedule(harness.Schedule{Version: 1, Strategy: name, Seed: 1, Params: map[string]string{"latency": "20ms", "jitter": "5ms"}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = s.Decide("suite/category/test", point(i&63))
			}
		})
	}
}

func TestScheduleSurvivesItsFile(t *testing.T) {
	want := harness.Schedule{
		Version: harness.ScheduleVersion, Strategy: "replay", Seed: math.MaxUint64,
		Decisions: []harness.Decision{
			{Test: "t", At: point(1), Action: harness.Hold, Until: point(2), Timeout: harness.Duration(time.Second)},
			{At: point(3).Any(), Action: harness.Delay, Delay: harness.Duration(1500 * time.Microsecond)},
		},
	}
	var file bytes.Buffer
	require.NoError(t, json.NewEncoder(&file).Encode(want))
	got, err := parseSchedule(file.Bytes())
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// parseSchedule reads a schedule of which a scheduler can be made.
func parseSchedule(b []byte) (s harness.Schedule, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return s, err
	}
	_, err = FromSchedule(s)
	return s, err
}
