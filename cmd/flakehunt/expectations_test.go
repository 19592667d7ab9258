package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/scenarios"
)

// Each row names classes that a detector finds, and each defect stands in one row.
func TestExpectationsAreOfClassesAndDefects(t *testing.T) {
	rows := map[fixtures.Defect]int{}
	for _, e := range scenarios.Expectations() {
		for _, c := range e.Classes {
			_, known := detect.Of(harness.Class(c))
			require.True(t, known, c)
		}
		for d := range e.Faulty {
			rows[d]++
		}
	}
	for _, d := range fixtures.AllDefects() {
		require.Equal(t, 1, rows[d], d)
	}
	r := &harness.Result{Findings: []harness.Finding{
		{Class: harness.FormatEnvelope, Tests: []string{"a", "b"}, Margin: &harness.Margin{Size: 3e6, Edge: "SET k"}},
		{Class: harness.FormatEnvelope, Tests: []string{"b", "c"}},
		{Class: harness.IsolationHandler, Tests: []string{"d"}, Standing: harness.Latent},
	}}
	on, err := fixtures.ParseVariant("", []string{string(fixtures.EnvelopeUnwrap)})
	require.NoError(t, err)
	for _, row := range compare(r, on) {
		switch row.Topic {
		case "message format":
			require.Equal(t, "any object with a field msg is unwrapped", row.Implementation)
			require.Equal(t, "3 tests fail; the nearest when SET k is 3 ms late", row.Gap)
			require.Equal(t, []string{"a", "b", "c"}, row.Tests)
		default:
			require.Equal(t, "none: no failure was provoked", row.Gap, row.Topic)
		}
	}
}
