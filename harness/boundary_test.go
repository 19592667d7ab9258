package harness_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestBoundarySaysHowSure(t *testing.T) {
	seen := map[string]bool{}
	for b, want := range map[harness.Boundary]struct {
		begins string
		exact  bool
	}{
		harness.BoundaryMarked:  {"exact: ", true},
		harness.BoundaryAlone:   {"exact: ", true},
		harness.BoundaryEvents:  {"near: ", false},
		harness.BoundaryReport:  {"low: ", false},
		harness.BoundaryUnknown: {"not known: ", false},
	} {
		require.Regexp(t, "^"+want.begins, b.String())
		require.Equal(t, want.exact, b.Exact())
		require.False(t, seen[b.String()])
		seen[b.String()] = true
	}
	require.Equal(t, harness.BoundaryUnknown.String(), harness.Boundary("of a later version").String())
}
