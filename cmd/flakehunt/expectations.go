package main

import (
	"slices"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/scenarios"
)

// compare fills the table that closes the report on the shipped suites.
func compare(r *harness.Result, on fixtures.Defects) (rows []harness.Expectation) {
	for _, e := range scenarios.Expectations() {
		row := harness.Expectation{Topic: e.Topic, Expects: e.Expects, Implementation: e.Implementation(on)}
		row.Gap, row.Tests = summary.Gap(r, func(c harness.Class) bool { return slices.Contains(e.Classes, string(c)) })
		rows = append(rows, row)
	}
	return rows
}
