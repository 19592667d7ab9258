package clients

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/exec"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// TestPauseOfARealSuite plays a command's two SETs with a pause at the reply to
// the first: the processes stand still before the reply reaches them, so the
// second comes no earlier than the pause is long.
func TestPauseOfARealSuite(t *testing.T) {
	const pause = 400 * time.Millisecond
	for _, s := range servers(t) {
		require.NoError(t, checkRedisCLI())
		var groups proc.Groups
		p, err := proxy.Start(t.Context(), proxy.Config{Dial: s.inst.Dial, Pauser: groups.Pause})
		require.NoError(t, err)
		defer p.Close()
		defer groups.Wait()
		r, err := exec.New(exec.Config{
			Argv: []string{"sh", "-c", "redis-cli -p $REDIS_PORT SET a 1 && redis-cli -p $REDIS_PORT SET b 1"},
		})
		require.NoError(t, err)
		defer r.Close()
		replay, err := explore.NewReplay([]harness.Decision{{At: harness.Point{Role: "kv", Dir: harness.ToClient, Verb: "SET", Key: "a", N: 1}, Action: harness.Pause, Delay: harness.Duration(pause)}})
		require.NoError(t, err)
		for started, want := range map[string]bool{"told": true, "not told": false} {
			b := history.NewBuffer(history.BufferConfig{})
			defer b.Close()
			p.StartTrial(replay, b)
			var st proxy.TestStats
			x := runner.Exec{
				Trial: 1, Redis: runner.Endpoint{Addr: p.Addr()}, Dir: t.TempDir(),
				Begin: p.Begin, End: func(string) { st = p.End() },
			}
			if want {
				x.Started = groups.Started
			}
			outcomes, err := r.Run(t.Context(), x)
			require.NoError(t, err)
			require.Len(t, outcomes, 1)
			assert.Equal(t, harness.Passed, outcomes[0].Verdict)
			events, err := b.All()
			require.NoError(t, err)
			at := map[string]harness.Event{}
			for _, e := range events {
				at[e.Point.String()] = e
			}
			gap := at[`kv>SET "b" #1`].In - at[`kv<SET "a" #1`].Out
			assert.Equal(t, want, gap >= pause, "%s: %v", started, gap)
			assert.Equal(t, want, len(st.Missed) == 0, "%s: %v", started, st.Missed)
			if !want {
				assert.Equal(t, "not applied: "+proc.ErrNothingRuns.Error(), st.Missed[0].Why)
			}
		}
	}
}
