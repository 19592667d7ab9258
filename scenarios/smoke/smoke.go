// Package smoke lists the scenarios that say whether the messaging layer works
// at all: 18 short ones, one or two for each part.
//
// It must never know about proxies, schedules or trials.
package smoke

import "github.com/flakehunt/flakehunt/scenarios/spec"

// Suite is the suite's name.
const Suite = "smoke"

// List returns the suite's scenarios in the order in which they run.
func List() []spec.Scenario {
	return spec.List(Suite,
		bootstrap(),
		pubSub(),
		kvStore(),
		envelopeFormat(),
		errorRecovery(),
		tracing(),
		cleanup(),
		readiness(),
	)
}
