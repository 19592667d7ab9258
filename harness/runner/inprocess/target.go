package inprocess

import (
	"fmt"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/scenarios"
)

// ForTarget returns a runner of the scenarios that a target names, in its
// variant and with its waits. The target must be the shipped suites or a part
// of them: they alone are within this program.
func ForTarget(t harness.Target) (*Runner, error) {
	if t.Kind != harness.ShippedTarget {
		return nil, fmt.Errorf("run %s in this process: only the shipped suites are in it", t.Kind)
	}
	list, err := scenarios.Choose(t.Suites, t.Run)
	if err != nil {
		return nil, err
	}
	defects, err := fixtures.ParseVariant(t.Variant, t.Defects)
	if err != nil {
		return nil, err
	}
	return New(list, scenarios.Config{Defects: defects, Waits: scenarios.Waits(t.Waits)}), nil
}
