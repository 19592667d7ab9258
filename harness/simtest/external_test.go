package simtest_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The example for users' own modules does what it says.
func TestExampleModule(t *testing.T) {
	run := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1"}, args...)...)
		c.Dir = "../../fixtures/external/go-sim"
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run("./...")
	require.NoError(t, err, out)
	out, err = run("-tags", "flaky", "-run", "Flaky", ".")
	require.Error(t, err)
	assert.Contains(t, out, "looks like race/subscribe-publish")
	assert.Contains(t, out, "go test -run '^TestLoginIsToldFlaky$' -tags flaky\n")
}
