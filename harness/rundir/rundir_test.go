package rundir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

func proven(id string, seed uint64) harness.Finding {
	return harness.Finding{
		Version: 1, ID: id, Fingerprint: id, Class: harness.OrderCommands, Standing: harness.Provoked, Tests: []string{"s/t"}, Seed: seed,
		Schedule: harness.Schedule{Version: 1, Decisions: []harness.Decision{{At: harness.Point{Verb: "GET"}, Action: harness.Delay}}},
		Provoked: harness.Count{K: 3, N: 3}, Natural: harness.Count{K: 1, N: 5}, Found: time.Now().Add(time.Minute),
	}
}

func open(t *testing.T, dir string, o Options) *Dir {
	t.Helper()
	o.Results = []string{"result.json"}
	d, err := Open(dir, Asked{Seed: 7, Strategy: "directed", Trials: 20}, o)
	require.NoError(t, err)
	return d
}

func done(index int) harness.Trial {
	return harness.Trial{Index: index, Suite: "s", Arm: harness.Survey, Seed: trial.Mix(7, index),
		Outcomes: []harness.Outcome{{Test: harness.TestID{Name: "s/t", Suite: "s"}, Trial: index, Verdict: harness.Passed}}}
}

// TestAKilledRunTellsOfItself: what it proved stands in its directory before it
// ends, in its result, and in the run that goes on.
func TestAKilledRunTellsOfItself(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result.json"), []byte("{}"), 0o600))
	require.NoError(t, WriteFindings(dir, []harness.Finding{proven("F-00", 7)})) // of an earlier run
	d := open(t, dir, Options{})
	assert.NoFileExists(t, filepath.Join(dir, "result.json"))
	require.NoError(t, d.Journal.Append(done(1)))
	require.NoError(t, d.Proven(proven("F-01", 7)))
	require.NoError(t, d.lock.Release()) // as the kernel does

	r, err := Read(dir)
	require.NoError(t, err)
	require.Len(t, r.Findings, 1)
	assert.Equal(t, "F-01", r.Findings[0].ID)
	res := r.Result()
	assert.True(t, res.Interrupted)
	assert.Equal(t, uint64(7), res.Seed)
	assert.Equal(t, harness.Flaky, res.Tests[0].Status)
	require.Len(t, r.Proven(), 1)
	assert.Zero(t, r.Proven()[0].Natural, "failures of numbered trials are counted anew")
	old, err := FindFinding(dir, "F-00")
	require.NoError(t, err)
	assert.FileExists(t, old, "it can still be replayed")

	again := open(t, dir, Options{Resume: true})
	assert.Equal(t, d.Asked.Run, again.Asked.Run)
	assert.Len(t, again.Earlier.Trials, 1)
	require.NoError(t, again.Findings(nil), "the whole run holds it no longer")
	assert.NoFileExists(t, filepath.Join(dir, "findings", "F-01.json"))
	require.NoError(t, again.Close())
}

func TestOneRunADirectory(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, Options{})
	_, err := Open(dir, Asked{Seed: 8}, Options{})
	require.ErrorIs(t, err, ErrBusy)
	_, err = Take(dir)
	require.ErrorIs(t, err, ErrBusy)
	require.NoError(t, d.Close())
	require.NoError(t, open(t, dir, Options{}).Close())
}

func TestResumeRefusesAnotherRunsJournal(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, Options{})
	require.NoError(t, d.Journal.Append(done(1)))
	require.NoError(t, d.Close())
	one, err := os.ReadFile(filepath.Join(dir, trial.JournalName))
	require.NoError(t, err)
	d = open(t, dir, Options{}) // the same seed and target, another run
	require.NoError(t, d.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, trial.JournalName), one, 0o600))
	_, err = Open(dir, Asked{Seed: 7, Strategy: "directed"}, Options{Resume: true})
	assert.ErrorIs(t, err, ErrAsked)
	assert.ErrorContains(t, err, "trial 1 is of another run")
}

func TestFindingsStayInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, id := range []string{"../../x", "/tmp/x", "F-../x", ""} {
		require.Error(t, WriteFindings(dir, []harness.Finding{proven(id, 1)}), id)
		_, err := FindFinding(dir, id)
		require.Error(t, err, id)
	}
	left, err := filepath.Glob(filepath.Join(dir, "..", "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{dir}, left)
}

func FuzzParseFinding(f *testing.F) {
	b, err := json.Marshal(proven("F-01", 1))
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"version":1,"id":"F-1","tests":["t"],"schedule":{"decisions":[{"at":"kv>GET #1","action":"delay","delay":"-1s"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseFinding(b)
		if err != nil {
			return
		}
		require.NoError(t, harness.CheckFindingID(g.ID))
		require.NotEmpty(t, g.Tests)
		again, err := json.Marshal(g)
		require.NoError(t, err)
		_, err = ParseFinding(again)
		require.NoError(t, err)
	})
}

func FuzzParseAsked(f *testing.F) {
	f.Add([]byte(`{"run":"ab","seed":"7","strategy":"directed","target":{"kind":"shipped"}}`))
	f.Add([]byte(`{"trials":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAsked(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(a)
		require.NoError(t, err)
		same, err := ParseAsked(again)
		require.NoError(t, err)
		require.True(t, a.same(same))
	})
}
