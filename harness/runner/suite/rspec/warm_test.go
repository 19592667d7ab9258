//go:build unix

package rspec_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/rspec"
)

// TestTurns: the process that loads the suite is the same for all turns, each of
// which finds the file as it was loaded, and the trial's number in its environment.
// A suite that connects as it is loaded is not forked.
func TestTurns(t *testing.T) {
	if _, err := exec.LookPath("rspec"); err != nil {
		require.Empty(t, os.Getenv("CI"), "CI needs rspec: %v", err)
		t.Skip("needs ruby-rspec")
	}
	run := func(loaded string) func(trial int, test string, warm bool) harness.Outcome {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "spec"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "spec", "turn_spec.rb"), []byte(loaded+`
LEFT = []
RSpec.describe "It" do
  it "turns" do
    LEFT << 1
    raise "parent #{Process.ppid} trial #{ENV["FLAKEHUNT_TRIAL"]} left #{LEFT.size}" unless ENV["FLAKEHUNT_TRIAL"] == "1"
  end
  it "crashes" do
    Process.kill(9, Process.pid) if ENV["FLAKEHUNT_TRIAL"] == "2"
  end
end
`), 0o600))
		r, err := suite.New(suite.Config{Argv: []string{"rspec"}, Dir: dir, Adapter: rspec.Adapter{}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, r.Close()) })
		return func(trial int, test string, warm bool) harness.Outcome {
			out, err := r.Run(t.Context(), runner.Exec{
				Trial: trial, Arm: harness.Reduce, Tests: []string{"It " + test}, Warm: warm, Redis: runner.Endpoint{Addr: "127.0.0.1:1"},
			})
			require.NoError(t, err)
			require.Len(t, out, 1)
			return out[0]
		}
	}
	said := func(o harness.Outcome) (parent, trial, left string) {
		require.NotNil(t, o.Failure)
		_, line, _ := strings.Cut(o.Failure.Message, "parent ")
		words := strings.Fields(line)
		return words[0], words[2], words[4]
	}
	play := run("")
	require.Equal(t, harness.Passed, play(1, "turns", true).Verdict)
	two, trial, left := said(play(2, "turns", true))
	require.Equal(t, []string{"2", "1"}, []string{trial, left})
	require.Equal(t, harness.Passed, play(1, "crashes", true).Verdict)
	three, _, left := said(play(3, "turns", true))
	require.Equal(t, two, three, "the same process has forked both")
	require.Equal(t, "1", left)
	cold, _, _ := said(play(3, "turns", false))
	require.NotEqual(t, two, cold)
	crash := play(2, "crashes", true)
	require.Equal(t, harness.Failed, crash.Verdict)
	require.Contains(t, crash.Failure.Message, "killed")

	connected := run(`require "socket"; SERVER = TCPServer.new("127.0.0.1", 0)`)
	_, trial, _ = said(connected(2, "turns", true))
	require.Equal(t, "2", trial)
	_, trial, _ = said(connected(3, "turns", true))
	require.Equal(t, "3", trial)
}
