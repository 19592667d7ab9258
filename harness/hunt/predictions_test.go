package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/triallog"
	"github.com/flakehunt/flakehunt/scenarios"
)

// listening gets one message over the bus, which is there before the test begins.
func listening(name string) scenarios.Scenario {
	return scenario(name, func(t scenarios.T, env *scenarios.Env) {
		inbox := env.Subscribe(t, "orders")
		env.Publish(t, "orders", env.Message("order.created", nil))
		inbox.Await(t, 1)
	})
}

// TestPredictionsAreNoFailures: what it takes a lost connection to lose is one
// finding, however many tests rely on it, and none of them is flaky for it.
func TestPredictionsAreNoFailures(t *testing.T) {
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{listening("smoke/t/one"), listening("smoke/t/two")}))
	require.NoError(t, err)
	f := find(t, r, harness.ConnectionLost)
	assert.Equal(t, harness.Latent, f.Standing)
	assert.ElementsMatch(t, []string{"smoke/t/one", "smoke/t/two"}, f.Tests)
	assert.Contains(t, f.Explanation, "not provoked")
	assert.NotEmpty(t, f.Timeline)
	assert.Zero(t, f.Provoked)
	assert.Len(t, r.Findings, 1)
	for _, name := range f.Tests {
		got := result(r, name)
		assert.Equal(t, harness.Stable, got.Status)
		assert.Empty(t, got.Findings)
		assert.Empty(t, got.Cause)
	}
}

// TestFaultsThatWereAskedFor: then the same is provoked, and says what it took.
func TestFaultsThatWereAskedFor(t *testing.T) {
	cfg := real(t, []scenarios.Scenario{listening("smoke/t/one")})
	cfg.Faults = []harness.Action{harness.Disconnect}
	r, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	f := find(t, r, harness.ConnectionLost)
	assert.Equal(t, harness.Provoked, f.Standing)
	assert.Contains(t, f.Explanation, "lost connection")
	assert.Zero(t, f.Counter.K)
	assert.Positive(t, f.Counter.N)
	assert.Equal(t, harness.Flaky, result(r, "smoke/t/one").Status)
	assert.Len(t, r.Findings, 1, "what was provoked is not predicted too")
}

// TestTestsThatReadWhatOthersWrote: the reader passes since the writer ran before.
func TestTestsThatReadWhatOthersWrote(t *testing.T) {
	const key = "last-order"
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{
		scenario("smoke/t/writer", func(t scenarios.T, env *scenarios.Env) {
			if err := env.Suite.Base.Set(t.Context(), key, "7", 0).Err(); err != nil {
				t.Errorf("set: %v", err)
			}
		}),
		scenario("smoke/t/reader", func(t scenarios.T, env *scenarios.Env) { env.Suite.Base.Get(t.Context(), key) }),
	}))
	require.NoError(t, err)
	f := find(t, r, harness.IsolationTestLeak)
	assert.Equal(t, harness.Latent, f.Standing)
	assert.Equal(t, []string{"smoke/t/reader"}, f.Tests, "it is the one to run alone")
	assert.Equal(t, "smoke/t/reader reads last-order, which smoke/t/writer left with SET", f.Title)
}

// TestNearMissesWithoutATrial: those that are likely are told, unless one of
// their kind was tried.
func TestNearMissesWithoutATrial(t *testing.T) {
	at := func(test, verb, key string, likely float64) nearmiss.Candidate {
		set := harness.Point{Role: "base", Verb: verb, Key: key, N: 1}
		return nearmiss.Candidate{
			Class: harness.RaceLostUpdate, Test: test, Title: "a title", First: set, Then: harness.Point{Role: "base", Verb: "GET", Key: key, N: 2},
			Likelihood: likely, Gap: time.Millisecond,
		}
	}
	found := finding.NewCatalogue()
	for _, f := range predictions(triallog.New(nil, nil), []*testReport{{tried: []nearmiss.Candidate{at("a", "SET", "k", 0.9)}}, {left: []nearmiss.Candidate{
		at("b", "SET", "other", 0.9),    // its like was tried
		at("b", "HSET", "other", 0.9),   // not tried, and likely
		at("a", "HSET", "another", 0.8), // the same cause
		at("c", "LSET", "another", 0.3), // unlikely
	}}}, 3, finding.Origin{Now: time.Now}) {
		found.Add(f)
	}
	list := found.All()
	require.Len(t, list, 1)
	assert.Equal(t, []string{"b", "a"}, list[0].Tests, "the first that was predicted is the one to replay")
	assert.Equal(t, harness.Latent, list[0].Standing)
	assert.Contains(t, list[0].Explanation, "3 aimed trials")
}
