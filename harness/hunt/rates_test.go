package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/scenarios"
)

// Each test has its runs alone and under load beside those in its suite, also where
// the strategy is the same for all, and a resumed hunt's trials are numbered on.
func TestRatesAreMeasuredApart(t *testing.T) {
	for _, strategy := range []string{"directed", "none"} {
		cfg := real(t, []scenarios.Scenario{steady("smoke/t/one"), counting("smoke/t/count", time.Millisecond)})
		cfg.Strategy, cfg.Trials, cfg.Rates = strategy, 4, 2
		r, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		for _, name := range []string{"smoke/t/one", "smoke/t/count"} {
			of := result(r, name).Rates
			require.NotNil(t, of, strategy)
			assert.Equal(t, harness.Count{N: 4}, of.Suite, strategy)
			assert.Equal(t, harness.Count{N: 2}, of.Alone, strategy)
			assert.Equal(t, harness.Count{N: 2}, of.Load, strategy)
		}
		assert.Equal(t, 4, r.TrialsDone, "they are no numbered trials")
	}
}
