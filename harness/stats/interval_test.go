package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Reference values: R 4.3 binom.test.
func TestKnownIntervals(t *testing.T) {
	for _, c := range []struct {
		k, n       int
		cpLo, cpHi float64
	}{
		{0, 20, 0, 0.1684335},
		{1, 20, 0.0012651, 0.2487328},
		{10, 20, 0.2719578, 0.7280422},
		{20, 20, 0.8315665, 1},
	} {
		cp := ClopperPearson(c.k, c.n, 0.95)
		assert.InDelta(t, c.cpLo, cp.Lo, 1e-6, "%d/%d", c.k, c.n)
		assert.InDelta(t, c.cpHi, cp.Hi, 1e-6, "%d/%d", c.k, c.n)
	}
}

func TestImpossibleCountsGiveNoKnowledge(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {1, 0}, {-1, 5}, {6, 5}, {0, -1}} {
		i := ClopperPearson(c[0], c[1], 0.95)
		assert.Equal(t, 0.0, i.Lo)
		assert.Equal(t, 1.0, i.Hi)
		assert.Len(t, i.Warnings, 1)
	}
	assert.NotEmpty(t, ClopperPearson(0, 3, 0.95).Warnings)
	assert.Empty(t, ClopperPearson(0, 20, 0.95).Warnings)
}

// The coverage of Clopper–Pearson is computed exactly, so no chance is involved.
func TestClopperPearsonCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		conf := rapid.Float64Range(0.5, 0.999).Draw(t, "conf")
		cover := 0.0
		for k := 0; k <= n; k++ {
			i := ClopperPearson(k, n, conf)
			if i.Lo > i.Hi {
				t.Fatalf("%d/%d: %v", k, n, i)
			}
			if i.Contains(p) {
				cover += binomialChance(k, n, p)
			}
		}
		if cover < conf-1e-9 {
			t.Fatalf("covers %v with %v", p, cover)
		}
	})
}

func binomialChance(k, n int, p float64) float64 {
	switch {
	case p == 0 || p == 1:
		if (p == 0 && k == 0) || (p == 1 && k == n) {
			return 1
		}
		return 0
	}
	return math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

func TestWhatCleanRunsExclude(t *testing.T) {
	assert.InDelta(t, 0.13911, Excludes(20, 0.95), 1e-5)
	assert.Equal(t, "20 clean runs exclude a failure rate above 13.9 % at 95 %", ExclusionSentence(20, 0.95))
	assert.Equal(t, "1 clean run excludes a failure rate above 95 % at 95 %", ExclusionSentence(1, 0))
	assert.Equal(t, "no trial ran: nothing is excluded", ExclusionSentence(0, 0.95))
	assert.Equal(t, 1.0, Excludes(0, 0.95))
	for rate, n := range map[float64]int{0.05: 59, 0.01: 299, 0.001: 2995, 1: 1, 2: 1, 0: math.MaxInt, -1: math.MaxInt, 1e-300: math.MaxInt} {
		assert.Equal(t, n, CleanRuns(rate, 0.95), "%v", rate)
	}
	assert.Equal(t, math.MaxInt, CleanRuns(math.NaN(), 0.95))
}

func TestExcludesAndCleanRunsAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100_000).Draw(t, "n")
		conf := rapid.Float64Range(0.5, 0.999).Draw(t, "conf")
		if got := CleanRuns(Excludes(n, conf), conf); got != n {
			t.Fatalf("%d became %d", n, got)
		}
	})
}

// Reference values: R 4.3 fisher.test.
func TestKnownExactTests(t *testing.T) {
	assert.InDelta(t, 0.48571, Fisher(3, 4, 1, 4, TwoSided), 1e-5) // Fisher's tea: two-sided
	assert.InDelta(t, 0.24286, Fisher(3, 4, 1, 4, Greater), 1e-5)  // and one-sided
	assert.InDelta(t, 0.98571, Fisher(3, 4, 1, 4, Less), 1e-5)
	assert.InDelta(t, 1.0/70, Fisher(4, 4, 0, 4, Greater), 1e-12)
	assert.Equal(t, 1.0, Fisher(1, 0, 0, 3, TwoSided))
}

// The false-alarm rate of an exact test is summed up, not simulated.
func TestExactTestsKeepTheirLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.IntRange(1, 25).Draw(t, "n1"), rapid.IntRange(1, 25).Draw(t, "n2")
		p := rapid.Float64Range(0.01, 0.99).Draw(t, "p")
		alpha := rapid.Float64Range(0.001, 0.5).Draw(t, "alpha")
		side := rapid.SampledFrom([]Side{TwoSided, Greater, Less}).Draw(t, "side")
		alarm := 0.0
		for a := 0; a <= n1; a++ {
			for b := 0; b <= n2; b++ {
				if Fisher(a, n1, b, n2, side) <= alpha {
					alarm += binomialChance(a, n1, p) * binomialChance(b, n2, p)
				}
			}
		}
		if alarm > alpha+1e-9 {
			t.Fatalf("false alarms %v", alarm)
		}
	})
}

func TestHolm(t *testing.T) {
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 1}, Holm([]float64{0.01, 0.03, 0.02, math.NaN()}), 0.011)
	got := Holm([]float64{0.01, 0.04, 0.03})
	require.Len(t, got, 3)
	assert.InDelta(t, 0.03, got[0], 1e-12)
	assert.InDelta(t, 0.06, got[1], 1e-12)
	assert.InDelta(t, 0.06, got[2], 1e-12)
	assert.Empty(t, Holm(nil))
}

func TestPercent(t *testing.T) {
	for rate, want := range map[float64]string{0: "0 %", 1: "100 %", 0.139: "13.9 %", 0.005: "0.5 %", 0.0005: "0.05 %", 0.05: "5 %", 0.99999: "99.9 %", 0.0000123: "0.00123 %"} {
		assert.Equal(t, want, Percent(rate))
	}
}
