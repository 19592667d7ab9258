package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
)

func TestCleanTestIsStableAfterTheLeastNumberOfTrials(t *testing.T) {
	d, err := decideAll(Rule{}, make([]bool, 400))
	require.NoError(t, err)
	assert.Equal(t, harness.Stable, d.Status)
	assert.Equal(t, 299, d.Trials, "no plan can exclude 1 % with fewer")
	assert.Equal(t, 0, d.Saved)
	assert.Equal(t, "stable after 299 trials (0 failed): failure rate below 1 %, wrong at most 5 % of the time; by e-process; a fixed plan takes 299", d.String())
	d, err = decideAll(Rule{}, make([]bool, 298))
	require.NoError(t, err)
	assert.Equal(t, harness.Undecided, d.Status)
	assert.Equal(t, "undecided after 298 trials (0 failed)", d.String())
}

func TestOneFailureBesideOnePassIsFlaky(t *testing.T) {
	d, err := decideAll(Rule{}, []bool{false, false, true})
	require.NoError(t, err)
	assert.Equal(t, harness.Flaky, d.Status)
	assert.Equal(t, 3, d.Trials)
	assert.Equal(t, 296, d.Saved)
	assert.Zero(t, d.Alpha)
	assert.Contains(t, d.String(), "certain")
}

func TestAlwaysFailingIsBroken(t *testing.T) {
	fails := make([]bool, 30)
	for i := range fails {
		fails[i] = true
	}
	d, err := decideAll(Rule{}, fails)
	require.NoError(t, err)
	assert.Equal(t, harness.Broken, d.Status)
	assert.Equal(t, 11, d.Trials)
}

func TestWhatIsSeenOverridesWhatWasInferred(t *testing.T) {
	s, err := NewSequential(Rule{})
	require.NoError(t, err)
	for range 299 {
		s.Observe(false)
	}
	assert.Equal(t, harness.Stable, s.Decision().Status)
	assert.Equal(t, harness.Flaky, s.Observe(true).Status)
	assert.Equal(t, harness.Flaky, s.Observe(false).Status)
}

func TestZeroSequentialWorks(t *testing.T) {
	var s Sequential
	assert.Equal(t, harness.Undecided, s.Decision().Status)
	assert.Equal(t, 299, s.Decision().FixedN)
	s.Observe(false)
	assert.Equal(t, harness.Flaky, s.Observe(true).Status)
}

func TestRulesThatCannotWork(t *testing.T) {
	for _, r := range []Rule{{Tolerated: 0.02}, {Stable: 0.9}, {Tolerated: 0.01}} {
		_, err := NewSequential(r)
		assert.Error(t, err)
	}
}

func TestFixedTrials(t *testing.T) {
	assert.Equal(t, 299, Rule{}.FixedTrials())
	assert.Equal(t, 59, Rule{Stable: 0.05}.FixedTrials())
	r := Rule{Tolerated: 0.001, Stable: 0.01}
	n := r.FixedTrials()
	assert.Equal(t, 628, n) // at most 2 failures: P(<=2 | 1 %) = 0.0500, P(>2 | 0.1 %) = 0.026
	assert.LessOrEqual(t, atMost(2, n, 0.01), 0.05)
	assert.Greater(t, atMost(2, n-1, 0.01), 0.05)
}

// The error of the default rule is a sum that is computed, not simulated: the
// proof in Sequential's comment.
func TestDefaultRuleIsWrongAtMostAlpha(t *testing.T) {
	for p := 0.0; p <= 1; p += 0.0005 {
		wrong := 0.0
		if p >= 0.01 {
			wrong += math.Pow(1-p, 299)
		}
		if p <= 0.75 {
			wrong += math.Pow(p, 11)
		}
		assert.LessOrEqual(t, wrong, 0.05, "rate %v", p)
	}
}

// An e-process has expectation at most 1 under the claim it refutes. Checked
// exactly for one step from every alternative and many rates.
func TestMixturesAreSupermartingales(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{
			Stable:    rapid.Float64Range(0.002, 0.6).Draw(t, "stable"),
			Tolerated: rapid.Float64Range(0, 0.0019).Draw(t, "tolerated"),
			Broken:    rapid.Float64Range(0.61, 0.99).Draw(t, "broken"),
		}
		var s Sequential
		s.start(r)
		u := rapid.Float64Range(0, 1).Draw(t, "u")
		for name, c := range map[string]struct {
			m    mixture
			rate float64 // some rate of the claim
		}{
			"stable": {s.stable, r.Stable + u*(1-r.Stable)},
			"flaky":  {s.flaky, u * r.Tolerated},
			"broken": {s.broken, u * r.Broken},
		} {
			for i := range c.m.log {
				if e := c.rate*math.Exp(c.m.fail[i]) + (1-c.rate)*math.Exp(c.m.pass[i]); e > 1+1e-9 {
					t.Fatalf("%s: alternative %d at rate %v grows by %v", name, i, c.rate, e)
				}
			}
			sum := 0.0
			for _, l := range c.m.log {
				sum += math.Exp(l)
			}
			if len(c.m.log) > 0 && math.Abs(sum-1) > 1e-9 {
				t.Fatalf("%s: weights add up to %v", name, sum)
			}
		}
	})
}

// wrong says whether a decision is untrue of a rate.
func wrong(r Rule, d Decision, rate float64) bool {
	r = r.filled()
	switch d.Status {
	case harness.Stable:
		return rate >= r.Stable
	case harness.Flaky:
		return rate <= r.Tolerated
	case harness.Broken:
		return rate <= r.Broken
	}
	return false
}

// Simulation of peeking after every trial. Given errors of exactly alpha = 5 %,
// 155 or more wrong ones of 2,000 have odds below 1e-7 (binomial tail): under
// 1e-6 over all rates.
func TestPeekingAfterEveryTrialKeepsTheError(t *testing.T) {
	const tests, seed = 2000, 20_260_101
	for _, rule := range []Rule{{}, {Tolerated: 0.001}} {
		for _, rate := range []float64{0, 0.001, 0.01, 0.05, 0.2} {
			t.Run(fmt.Sprintf("tolerated %v rate %v", rule.Tolerated, rate), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, math.Float64bits(rate)))
				bad, trials := 0, 0
				for range tests {
					s, err := NewSequential(rule)
					require.NoError(t, err)
					d := s.Decision()
					for n := 0; n < 3000 && d.Status == harness.Undecided; n++ {
						d = s.Observe(rng.Float64() < rate)
					}
					trials += d.Trials
					if wrong(rule, d, rate) {
						bad++
					}
				}
				t.Logf("seed %d: wrong %s, %.1f trials a test against %d fixed", seed, Percent(float64(bad)/tests), float64(trials)/tests, rule.FixedTrials())
				assert.Less(t, bad, 155)
			})
		}
	}
}

// decideAll observes trials in order, true being a failure, until it is decided.
func decideAll(rule Rule, failed []bool) (Decision, error) {
	s, err := NewSequential(rule)
	if err != nil {
		return Decision{}, err
	}
	for _, f := range failed {
		if d := s.Observe(f); d.Status != harness.Undecided {
			return d, nil
		}
	}
	return s.Decision(), nil
}
