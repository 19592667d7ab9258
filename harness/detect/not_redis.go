package detect

import "github.com/flakehunt/flakehunt/harness"

// notRedis finds tests that sent nothing. Of one whose boundaries are not exact that
// cannot be said: what it sent may be thought another's. That nothing tells failing
// from passing runs is found by contrast.
func notRedis(t *Trace) []Match {
	if len(t.Commands) > 0 || len(t.Deliveries) > 0 || t.Outcome.Arm == harness.Direct || !t.Outcome.Boundary.Exact() {
		return nil // without the proxy in the way nothing is recorded
	}
	return []Match{{
		Title:       "the test sent nothing to Redis",
		Explanation: "No command and no message of this test passed the proxy: the cause lies elsewhere.",
		Score:       0.9,
	}}
}
