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
	require.NoError(t, WriteFindings(dir, []harness.Finding{proven("F-00", 7)}, nil)) // of an earlier run
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
		require.Error(t, WriteFindings(dir, []harness.Finding{proven(id, 1)}, nil), id)
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

// failed is a trial in which s/t failed, with what was on the wire.
func failed(index int, s *harness.Schedule) *trial.Done {
	d := &trial.Done{Trial: done(index), Events: map[string][]harness.Event{"s/t": {
		{Seq: 1, Kind: harness.Request, Conn: 1, Test: "s/t", Point: harness.Point{Role: "kv", Verb: "GET", Key: "k", N: 1}, In: time.Duration(index), Out: time.Duration(index), Raw: []byte("*1\r\n$3\r\nGET\r\n")},
	}}}
	o := &d.Trial.Outcomes[0]
	o.Verdict, o.Failure = harness.Failed, &harness.Failure{Kind: harness.AssertionFailure, Message: "lost", Fingerprint: "f1"}
	o.Wire = []harness.Line{{At: harness.Duration(index), Text: "GET k"}}
	if d.Trial.Schedule = s; s != nil {
		d.Trial.Arm = harness.Provoke
	}
	return d
}

// TestHistoriesStandBesideFindings: one of each failure and schedule is saved, a
// finding has the one that its timeline is of, and what names none of ours is not read.
func TestHistoriesStandBesideFindings(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, Options{})
	held := &harness.Schedule{Version: 1, Decisions: []harness.Decision{{At: harness.Point{Verb: "GET"}, Action: harness.Delay, Delay: 7}}}
	var names []string
	for _, done := range []*trial.Done{failed(1, nil), failed(2, nil), failed(3, held), {Trial: done(4)}} {
		name, err := d.Record(done)
		require.NoError(t, err)
		done.Trial.History = name
		require.NoError(t, d.Journal.Append(done.Trial))
		names = append(names, name)
	}
	assert.Regexp(t, savedForm, names[0])
	assert.Regexp(t, savedForm, names[2])
	assert.Equal(t, []string{"", ""}, []string{names[1], names[3]}, "one like it is saved; it passed")

	natural, provoked, other := proven("F-01", 7), proven("F-02", 7), proven("F-03", 7)
	natural.Standing, natural.Schedule.Decisions, natural.Failure.Fingerprint = harness.Natural, nil, "f1"
	provoked.Failure.Fingerprint, other.Failure.Fingerprint = "f1", "f2"
	in := func(f harness.Finding) time.Duration {
		require.Equal(t, "findings/"+f.ID+".history", f.History)
		path, err := FindHistory(dir, f.ID)
		require.NoError(t, err)
		list, cut, err := ReadHistory(path)
		require.NoError(t, err)
		require.False(t, cut)
		require.Len(t, list, 1)
		require.Equal(t, "lost", list[0].Outcome.Failure.Message)
		require.Empty(t, list[0].Outcome.Wire)
		return list[0].Events[0].In
	}
	written := func(d *Dir) []harness.Finding {
		list := []harness.Finding{natural, provoked, other}
		require.NoError(t, d.Findings(list))
		assert.Empty(t, list[2].History)
		assert.Equal(t, time.Duration(1), in(list[0]))
		assert.Equal(t, time.Duration(3), in(list[1]))
		return list
	}
	written(d)
	natural.Timeline = []harness.Line{{At: 3, Text: "GET k"}}
	list := []harness.Finding{natural}
	require.NoError(t, d.Findings(list))
	assert.Equal(t, time.Duration(3), in(list[0]), "its timeline is of trial 3")
	natural.Timeline = nil
	require.NoError(t, d.Close())

	again := open(t, dir, Options{Resume: true})
	written(again)
	name, err := again.Record(failed(5, nil))
	require.NoError(t, err)
	assert.Empty(t, name, "the run that goes on knows what is saved")
	require.NoError(t, again.Findings([]harness.Finding{natural}))
	require.NoError(t, again.Close())

	next := open(t, dir, Options{})
	assert.NoFileExists(t, filepath.Join(dir, "findings", "F-01.history"))
	path, err := FindHistory(dir, "F-01")
	require.NoError(t, err)
	assert.FileExists(t, path, "it can still be read")
	require.NoError(t, next.Close())
}

// A part of a merge may say anything: nothing outside of it is read, or written
// outside of the target.
func TestGatherStaysInside(t *testing.T) {
	root := t.TempDir()
	part, to := filepath.Join(root, "part"), filepath.Join(root, "to")
	secret := filepath.Join(root, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(part, "histories", "ab"), 0o700))
	require.NoError(t, os.Symlink(secret, filepath.Join(part, "histories", "ab", "1.history")))
	require.NoError(t, os.WriteFile(filepath.Join(part, "histories", "ab", "2.history"), []byte("two"), 0o600))
	var trials []harness.Trial
	for i, name := range []string{"histories/ab/1.history", "histories/ab/2.history", "../secret", "histories/../../secret", "/etc/passwd", "histories/ab/3.history", ""} {
		trials = append(trials, harness.Trial{Index: i + 1, History: name})
	}
	require.NoError(t, Gather(to, []string{filepath.Join(root, "none"), part}, trials))
	found := []string{}
	require.NoError(t, filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, path)
		}
		return err
	}))
	assert.Equal(t, []string{filepath.Join(to, "histories", "ab", "2.history")}, found)
	require.NoError(t, Gather(part, []string{part}, trials), "into one of its parts")
}
