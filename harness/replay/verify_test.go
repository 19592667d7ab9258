package replay

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting has two workers count a visit each, gap apart: with the defect
// lost-update it tolerates that the first one's SET is gap late.
func counting(name string, gap time.Duration) scenarios.Scenario {
	return scenarios.Scenario{Name: name, Suite: "smoke", Run: func(t scenarios.T, env *scenarios.Env) {
		if err := env.KV.Set(t.Context(), "visits", 0, 0); err != nil {
			t.Errorf("set: %v", err)
		}
		env.Both(t, gap, func(ctx context.Context, _ int) error {
			_, err := env.KV.Incr(ctx, "visits")
			return err
		})
		var total int
		if _, err := env.KV.Get(t.Context(), "visits", &total); err != nil || total != 2 {
			t.Errorf("2 visits were counted, and the counter says %d (%v)", total, err)
		}
	}}
}

// listening gets one message over the bus, which is there before the test begins.
func listening(name string) scenarios.Scenario {
	return scenarios.Scenario{Name: name, Suite: "smoke", Run: func(t scenarios.T, env *scenarios.Env) {
		inbox := env.Subscribe(t, "orders")
		env.Publish(t, "orders", env.Message("order.created", nil))
		inbox.Await(t, 1)
	}}
}

// on is a hunt of scenarios on an embedded Redis.
func on(t *testing.T, list []scenarios.Scenario, defects ...fixtures.Defect) hunt.Config {
	t.Helper()
	p, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	set := fixtures.Defects{}
	for _, d := range defects {
		set[d] = true
	}
	r := inprocess.New(list, scenarios.Config{Defects: set})
	pool := trial.NewPool(trial.PoolConfig{Provider: p, Runner: r, Workers: 2})
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return hunt.Config{Runner: r, Executor: pool, Seed: 1, Budget: hunt.Budget{Trials: 4}, Target: harness.Target{Kind: harness.ShippedTarget}}
}

// find returns the finding of a class, or fails the test.
func find(t *testing.T, r *harness.Result, class harness.Class) *harness.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f harness.Finding) bool { return f.Class == class })
	require.GreaterOrEqual(t, i, 0, "no finding of %s among %v", class, r.Findings)
	return &r.Findings[i]
}

// TestVerifyTellsRepairsApart: the same code, one that waits longer, and one
// that is mended.
func TestVerifyTellsRepairsApart(t *testing.T) {
	const name, gap = "smoke/t/count", 15 * time.Millisecond
	r, err := hunt.Run(t.Context(), on(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate))
	require.NoError(t, err)
	f := find(t, r, harness.RaceLostUpdate)
	require.NotNil(t, f.Margin)

	same, err := Verify(t.Context(), on(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate), f, 5)
	require.NoError(t, err)
	assert.Equal(t, StillFailing, same.Repair, same.Sentence())

	longer, err := Verify(t.Context(), on(t, []scenarios.Scenario{counting(name, 20*gap)}, fixtures.LostUpdate), f, 5)
	require.NoError(t, err)
	assert.Equal(t, MarginMoved, longer.Repair, longer.Sentence())
	assert.Contains(t, longer.Sentence(), "not a fix")

	mended, err := Verify(t.Context(), on(t, []scenarios.Scenario{counting(name, gap)}), f, 5)
	require.NoError(t, err)
	assert.Equal(t, Fixed, mended.Repair, mended.Sentence())
	assert.Nil(t, mended.Fresh)

	again, err := Replay(t.Context(), on(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate).Executor, f, 5)
	require.NoError(t, err)
	assert.Equal(t, harness.Count{K: 5, N: 5}, again.Count)
	assert.Equal(t, "reproduced 5/5", again.Verdict())
}

// TestReplayOfAPrediction: its schedule ends the connection, which loses the message.
func TestReplayOfAPrediction(t *testing.T) {
	list := []scenarios.Scenario{listening("smoke/t/one"), listening("smoke/t/two")}
	r, err := hunt.Run(t.Context(), on(t, list))
	require.NoError(t, err)
	f := find(t, r, harness.ConnectionLost)
	require.Equal(t, harness.Latent, f.Standing)
	again, err := Replay(t.Context(), on(t, list).Executor, f, 2)
	require.NoError(t, err)
	assert.Equal(t, harness.Count{K: 2, N: 2}, again.Count)
}
