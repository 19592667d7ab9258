package explore

import "github.com/flakehunt/flakehunt/harness"

// None injects nothing.
type None struct{}

func newNone(uint64, Settings) (harness.Scheduler, error) { return None{}, nil }

// Decide passes every frame.
func (None) Decide(string, harness.Point) harness.Decision { return harness.Decision{} }

// Concerns is false for every frame.
func (None) Concerns(string, harness.Point) bool { return false }

// String says what the strategy does.
func (None) String() string { return "nothing is injected" }

// delay is the decision that delays p, or passes it when d is not positive.
func delay(test string, p harness.Point, d harness.Duration) harness.Decision {
	if d <= 0 {
		return harness.Decision{}
	}
	return harness.Decision{Test: test, At: p, Action: harness.Delay, Delay: d}
}
