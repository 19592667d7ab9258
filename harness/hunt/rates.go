package hunt

import (
	"context"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// rates runs each test alone and each suite under load, as often as is asked for,
// so that their failures are counted beside those in their suite.
func (h *hunt) rates(ctx context.Context) {
	if h.Rates <= 0 {
		return
	}
	h.progress.phase("rates", 0)
	for range h.Rates {
		for _, test := range h.log.Leaves() {
			h.lab.unnumbered(ctx, trial.Job{Suite: test.Suite + harness.AloneSuite, Tests: []string{test.Name}, Arm: harness.Survey}, test.Suite)
		}
		for _, suite := range h.rounds.suites {
			h.lab.unnumbered(ctx, trial.Job{Suite: suite + harness.LoadSuite, Tests: h.rounds.names(suite), Arm: harness.Survey, Busy: true}, suite)
		}
	}
}
