package summary

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

func TestDoubtUsesTheExactTest(t *testing.T) {
	f := &harness.Finding{Provoked: harness.Count{K: 3, N: 3}, Natural: harness.Count{K: 0, N: 3}, Schedule: harness.Schedule{Decisions: make([]harness.Decision, 1)}}
	assert.Empty(t, Doubt(f)) // p = 1/20
	f.Natural = harness.Count{K: 2, N: 3}
	assert.Contains(t, Doubt(f), "no certain difference")
}
