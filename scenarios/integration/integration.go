// Package integration lists the scenarios that try each part of the messaging
// layer in earnest: 48, in thirteen categories.
//
// It must never know about proxies, schedules or trials.
package integration

import "github.com/flakehunt/flakehunt/scenarios/spec"

// Suite is the suite's name.
const Suite = "integration"

// List returns the suite's scenarios in the order in which they run.
func List() []spec.Scenario {
	return spec.List(Suite,
		messageBus(),
		kvStore(),
		idempotency(),
		retry(),
		envelopeFormat(),
		endToEnd(),
		errorHandling(),
		subscriptions(),
		ordering(),
		namespaces(),
		mirroring(),
		handlerIsolation(),
		lifecycle(),
	)
}
