//go:build unix

package pytest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/pytest"
)

// TestTurns: the process that collects is the same for all turns, each of which
// finds the module as it was collected, and the trial's number in its environment.
func TestTurns(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test_turn.py"), []byte(`
import os

LEFT = []

def test_turn():
    LEFT.append(1)
    print("parent", os.getppid(), "trial", os.environ["FLAKEHUNT_TRIAL"], "left", len(LEFT))
    assert os.environ["FLAKEHUNT_TRIAL"] in ("1", "4")

def test_crash():
    if os.environ["FLAKEHUNT_TRIAL"] == "2":
        os.kill(os.getpid(), 9)
`), 0o600))
	r, err := suite.New(suite.Config{Argv: []string{"/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider"}, Dir: dir, Adapter: pytest.Adapter{}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	play := func(trial int, test string, warm bool) harness.Outcome {
		var marks []string
		out, err := r.Run(t.Context(), runner.Exec{
			Trial: trial, Arm: harness.Reduce, Tests: []string{"test_turn.py::" + test}, Warm: warm, Redis: runner.Endpoint{Addr: "127.0.0.1:1"},
			Begin: func(string) { marks = append(marks, "begin") }, End: func(string) { marks = append(marks, "end") },
		})
		require.NoError(t, err)
		require.Len(t, out, 1)
		require.Equal(t, []string{"begin", "end"}, marks)
		return out[0]
	}
	said := func(o harness.Outcome) (parent, left string) {
		require.NotNil(t, o.Failure)
		_, line, _ := strings.Cut(o.Output, "parent ")
		words := strings.Fields(line)
		return words[0], words[4]
	}
	require.Equal(t, harness.Passed, play(1, "test_turn", true).Verdict)
	two, left := said(play(2, "test_turn", true))
	require.Equal(t, "1", left)
	require.Equal(t, harness.Passed, play(1, "test_crash", true).Verdict)
	three, left := said(play(3, "test_turn", true))
	require.Equal(t, two, three, "the same process has forked both")
	require.Equal(t, "1", left)
	cold, _ := said(play(3, "test_turn", false))
	require.NotEqual(t, two, cold)
	require.Equal(t, harness.Passed, play(4, "test_turn", true).Verdict, "the setting is this trial's")

	crash := play(2, "test_crash", true)
	require.Equal(t, harness.Failed, crash.Verdict)
	require.Contains(t, crash.Failure.Message, "killed")
	require.Equal(t, harness.Passed, play(1, "test_crash", true).Verdict, "a new process takes over")
}
