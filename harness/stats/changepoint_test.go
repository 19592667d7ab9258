package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

// history draws runs of n trials whose rate changes at run `at`.
func history(rng *rand.Rand, runs, n, at int, before, after float64) []harness.Count {
	h := make([]harness.Count, runs)
	for i := range h {
		rate := before
		if i >= at {
			rate = after
		}
		h[i].N = n
		for range n {
			if rng.Float64() < rate {
				h[i].K++
			}
		}
	}
	return h
}

// The p-value by lattice paths equals the share of all arrangements with as
// strong a change, counted one by one.
func TestStrongestEqualsEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 3), 2, 4).Draw(t, "sizes")
		n := 0
		for _, s := range sizes {
			n += s
		}
		arrangement := rapid.IntRange(0, 1<<n-1).Draw(t, "arrangement")
		build := func(bits int) []harness.Count {
			h := make([]harness.Count, len(sizes))
			for i, s := range sizes {
				h[i].N = s
				for range s {
					h[i].K += bits & 1
					bits >>= 1
				}
			}
			return h
		}
		least := func(h []harness.Count) float64 {
			c := newCumulated(h)
			total, out := c.count(0, len(h)), 1.0
			for s := 1; s < len(h); s++ {
				if total.K > 0 && total.K < total.N && c.n[s] > 0 && c.n[s] < total.N {
					lo, hi := c.tails(0, s, total.K, total.N)
					out = min(out, lo, hi)
				}
			}
			return out
		}
		seen := build(arrangement)
		k := newCumulated(seen).count(0, len(seen)).K
		want, all := 0, 0
		for bits := range 1 << n {
			h := build(bits)
			if newCumulated(h).count(0, len(h)).K == k {
				all++
				if least(h) <= least(seen)*(1+1e-9) {
					want++
				}
			}
		}
		got := newCumulated(seen).strongest(0, len(seen))
		if math.Abs(got-float64(want)/float64(all)) > 1e-9 {
			t.Fatalf("%v: %v, enumeration gives %d/%d", seen, got, want, all)
		}
	})
}

func TestNoTrialsNoChange(t *testing.T) {
	for _, h := range [][]harness.Count{nil, {{}}, {{K: 0, N: 20}}, make([]harness.Count, 50), {{K: 3, N: 3}, {K: 2, N: 2}}, {{K: 9, N: 3}, {K: -1, N: 5}}} {
		c := ChangePoints(h, 0)
		assert.Empty(t, c.Points)
		assert.Equal(t, 1.0, c.P)
	}
}

func TestAChangeIsPlacedAndDescribed(t *testing.T) {
	h := make([]harness.Count, 40)
	for i := range h {
		h[i] = harness.Count{N: 20}
		if i >= 25 {
			h[i].K = 5
		}
	}
	c := ChangePoints(h, 0)
	require.Len(t, c.Points, 1)
	p := c.Points[0]
	assert.Equal(t, 25, p.At)
	assert.True(t, p.Lo <= 25 && p.Hi >= 25)
	assert.True(t, p.Worse())
	assert.Equal(t, harness.Count{K: 0, N: 500}, p.Before)
	assert.Equal(t, harness.Count{K: 75, N: 300}, p.After)
	assert.Empty(t, c.Warnings)
}

func TestRiseAndFallAreTwoChanges(t *testing.T) {
	h := make([]harness.Count, 60)
	for i := range h {
		h[i] = harness.Count{N: 20}
		if i >= 20 && i < 40 {
			h[i].K = 4
		}
	}
	c := ChangePoints(h, 0)
	require.Len(t, c.Points, 2)
	assert.Equal(t, []int{20, 40}, []int{c.Points[0].At, c.Points[1].At})
	assert.True(t, c.Points[0].Worse())
	assert.False(t, c.Points[1].Worse(), "fixed since")
}

func TestClusteredFailuresWarn(t *testing.T) {
	h := make([]harness.Count, 60)
	for i := range h {
		h[i] = harness.Count{N: 20}
		if i%3 == 0 {
			h[i].K = 15
		}
	}
	require.Len(t, ChangePoints(h, 0).Warnings, 1)
}

// With a true level of at most 5 %, more alarms than the limits, 61 of 600 and
// 29 of 200, have odds below 1e-7 (binomial tail).
func TestFlatHistoriesRarelyAlarm(t *testing.T) {
	const seed = 11
	for _, c := range []struct {
		runs, n     int
		rate        float64
		sims, limit int
	}{{400, 1, 0.005, 600, 61}, {400, 1, 0.05, 600, 61}, {100, 20, 0.02, 200, 29}} {
		rng := rand.New(rand.NewPCG(seed, uint64(c.runs*c.n)))
		alarms := 0
		for range c.sims {
			if len(ChangePoints(history(rng, c.runs, c.n, c.runs, c.rate, 0), 0).Points) > 0 {
				alarms++
			}
		}
		t.Logf("seed %d: %d runs of %d at %s: %s false alarms", seed, c.runs, c.n, Percent(c.rate), Percent(float64(alarms)/float64(c.sims)))
		assert.LessOrEqual(t, alarms, c.limit)
	}
}

// A family of 200 flat tests alarms, as a family, with at most 5 %. With 40
// families, more than 12 have odds below 1e-7.
func TestManyFlatHistoriesRarelyAlarm(t *testing.T) {
	const seed, families = 12, 40
	rng := rand.New(rand.NewPCG(seed, 1))
	alarms := 0
	for range families {
		hs := make([][]harness.Count, 200)
		for i := range hs {
			hs[i] = history(rng, 50, 20, 50, 0.003, 0)
		}
		for _, c := range ChangePointsAll(hs, 0) {
			if len(c.Points) > 0 {
				alarms++
				break
			}
		}
	}
	t.Logf("seed %d: %d of %d families alarmed", seed, alarms, families)
	assert.LessOrEqual(t, alarms, 12)
}

// 0.5 % to 5 % at run 200 of 400, 20 trials a run: the chance of a miss by more
// than 15 runs is about 0.1 % (bench/stats); four or more of 20 have odds below
// 1e-8.
func TestAChangeIsPlacedWithinFifteenRuns(t *testing.T) {
	const seed, sims = 13, 20
	rng := rand.New(rand.NewPCG(seed, 1))
	near := 0
	for range sims {
		c := ChangePoints(history(rng, 400, 20, 200, 0.005, 0.05), 0)
		for _, p := range c.Points {
			if p.At >= 185 && p.At <= 215 {
				near++
				break
			}
		}
	}
	t.Logf("seed %d: placed within 15 runs in %d of %d", seed, near, sims)
	assert.Greater(t, near, sims-4)
}

func BenchmarkChangePointsFlat50x20(b *testing.B) {
	h := history(rand.New(rand.NewPCG(1, 1)), 50, 20, 50, 0.01, 0)
	for b.Loop() {
		ChangePoints(h, 0)
	}
}
