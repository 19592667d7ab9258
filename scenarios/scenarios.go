// Package scenarios is the list of tests that ship with flakehunt: what each is
// called, where it belongs, which defects it can expose, and its body.
//
// One list serves the binary and `go test`. The package must never know about
// proxies, schedules or trials: a scenario is an ordinary test.
package scenarios

import (
	"github.com/flakehunt/flakehunt/scenarios/integration"
	"github.com/flakehunt/flakehunt/scenarios/smoke"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

// What scenarios are made of. It lives in a package of its own so that the two
// suites, which All joins, can share it.
type (
	T        = spec.T        // what a scenario may ask of its runner
	Waits    = spec.Waits    // how a scenario waits for what it expects
	Config   = spec.Config   // against what a suite is run
	Scenario = spec.Scenario // one test
	Env      = spec.Env      // what it works with
)

const (
	HardenedWaits = spec.HardenedWaits
	FixedWaits    = spec.FixedWaits
	// Deadline is how long a scenario, and each set-up and tear-down, may take.
	Deadline = spec.Deadline
)

// Suites names the suites in the order in which they run.
func Suites() []string { return []string{smoke.Suite, integration.Suite} }

// All returns every scenario, suite by suite, in the order in which they run.
func All() []Scenario { return append(smoke.List(), integration.List()...) }

// Suite returns the scenarios of one suite; none if there is no such suite.
func Suite(name string) []Scenario {
	var list []Scenario
	for _, s := range All() {
		if s.Suite == name {
			list = append(list, s)
		}
	}
	return list
}
