package sim

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/scenarios"
)

// runnerFor makes what runs the tests of a target, which must be the shipped
// suites: they alone are within this program.
func runnerFor(t harness.Target) (*inprocess.Runner, error) {
	if t.Kind != harness.ShippedTarget {
		return nil, fmt.Errorf("simulate %s: only the shipped suites can be run in virtual time here; a Go test of your own asks for it with package simtest", t.Kind)
	}
	match, err := regexp.Compile(t.Run)
	if err != nil {
		return nil, fmt.Errorf("simulate tests that match %q: %w", t.Run, err)
	}
	var list []scenarios.Scenario
	for _, s := range scenarios.All() {
		if (len(t.Suites) == 0 || slices.Contains(t.Suites, s.Suite)) && match.MatchString(s.Name) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("simulate suites %v: no test matches %q", t.Suites, t.Run)
	}
	defects, err := fixtures.ParseVariant(t.Variant, t.Defects)
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return inprocess.New(list, scenarios.Config{Defects: defects, Waits: scenarios.Waits(t.Waits)}), nil
}
