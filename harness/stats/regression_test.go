package stats

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

func TestRegressSaysHowManyFailuresItTakes(t *testing.T) {
	base := harness.Count{K: 1, N: 400}
	r := Regress(base, harness.Count{K: 1, N: 20}, 0)
	assert.False(t, r.Worse)
	assert.Equal(t, 2, r.Need)
	assert.Empty(t, r.Warnings)
	r = Regress(base, harness.Count{K: 2, N: 20}, 0)
	assert.True(t, r.Worse)
}

func TestRegressWithoutPowerWarns(t *testing.T) {
	r := Regress(harness.Count{N: 3}, harness.Count{K: 1, N: 1}, 0)
	assert.False(t, r.Worse)
	assert.Equal(t, 2, r.Need)
	require.Len(t, r.Warnings, 1)
	assert.Contains(t, r.Warnings[0], "run more trials")
	assert.Len(t, Regress(harness.Count{}, harness.Count{}, 0).Warnings, 2)
}

func TestNeedIsTheFewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bn := rapid.IntRange(1, 300).Draw(t, "bn")
		base := harness.Count{K: rapid.IntRange(0, bn).Draw(t, "bk"), N: bn}
		n := rapid.IntRange(1, 60).Draw(t, "n")
		need := Regress(base, harness.Count{N: n}, 0.01).Need
		if need <= n && !Regress(base, harness.Count{K: need, N: n}, 0.01).Worse {
			t.Fatalf("%d of %d is not worse", need, n)
		}
		if need > 0 && Regress(base, harness.Count{K: need - 1, N: n}, 0.01).Worse {
			t.Fatalf("%d of %d is worse already", need-1, n)
		}
	})
}

func TestManyComparisonsShareTheLevel(t *testing.T) {
	base, now := make([]harness.Count, 100), make([]harness.Count, 100)
	for i := range base {
		base[i], now[i] = harness.Count{K: 1, N: 400}, harness.Count{N: 20}
	}
	now[7].K = 2 // p = 0.006: an alarm by itself, none among a hundred
	now[9].K = 8
	all := RegressAll(base, now, 0)
	assert.LessOrEqual(t, all[7].P, 0.01)
	assert.False(t, all[7].Worse)
	assert.True(t, all[9].Worse)
}

func TestDistributions(t *testing.T) {
	for _, c := range []struct {
		text, back string
		margin     time.Duration
		want       float64
	}{
		{"normal(20ms,15ms)", "normal(20ms,15ms)", 50 * time.Millisecond, 0.0227501},
		{"normal( 20ms , 15ms )", "normal(20ms,15ms)", 0, 0.9087888},
		{"normal(20ms,0s)", "normal(20ms,0s)", 20 * time.Millisecond, 0},
		{"uniform(0s,50ms)", "uniform(0s,50ms)", 40 * time.Millisecond, 0.2},
		{"uniform(5ms,5ms)", "uniform(5ms,5ms)", 4 * time.Millisecond, 1},
		{"exponential(20ms)", "exponential(20ms)", 20 * time.Millisecond, 0.3678794},
		{"exponential(0s)", "exponential(0s)", 0, 0},
		{"fixed(30ms)", "fixed(30ms)", 29 * time.Millisecond, 1},
		{"30ms", "fixed(30ms)", 30 * time.Millisecond, 0},
		{"30ms", "fixed(30ms)", -1, 1},
	} {
		d, err := ParseDistribution(c.text)
		require.NoError(t, err)
		assert.InDelta(t, c.want, d.Exceeds(c.margin), 1e-6, "%s > %s", c.text, c.margin)
		assert.Equal(t, c.back, d.String())
	}
	assert.Zero(t, Distribution{}.Exceeds(0))
	for _, bad := range []string{"", "normal", "normal(", "normal(1ms)", "cauchy(1ms)", "uniform(2ms,1ms)", "fixed(-1ms)", "fixed(1)", "normal(1ms,2ms"} {
		_, err := ParseDistribution(bad)
		assert.ErrorContains(t, err, "want normal(20ms,15ms)", bad)
	}
}

func FuzzParseDistribution(f *testing.F) {
	for _, s := range []string{"normal(20ms,15ms)", "uniform(0s,1s)", "exponential(1us)", "5ms", "fixed(", "x(1s)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDistribution(s)
		if err != nil {
			return
		}
		again, err := ParseDistribution(d.String())
		if err != nil || again != d {
			t.Fatalf("%q became %q: %v", s, d, err)
		}
		if p := d.Exceeds(time.Millisecond); !(p >= 0 && p <= 1) {
			t.Fatalf("%q: probability %v", s, p)
		}
	})
}
