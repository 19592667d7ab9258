package hunt

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/scenarios"
)

func TestJournalSurvivesATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), JournalName)
	j, err := OpenJournal(path)
	require.NoError(t, err)
	require.NoError(t, j.Append(harness.Trial{Index: 1, Suite: "a"}))
	require.NoError(t, j.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(b, `{"trial":2,"sui`...), 0o600))

	read := func() []harness.Trial {
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		trials, err := ReadJournal(f)
		require.NoError(t, err)
		return trials
	}
	assert.Len(t, read(), 1)
	j, err = OpenJournal(path) // cuts the torn line off
	require.NoError(t, err)
	require.NoError(t, j.Append(harness.Trial{Index: 3, Suite: "a"}))
	require.NoError(t, j.Close())
	trials := read()
	require.Len(t, trials, 2)
	assert.Equal(t, 3, trials[1].Index)

	_, err = ReadJournal(strings.NewReader("{\"trial\":1}\nnonsense\n{\"trial\":2}\n"))
	assert.ErrorContains(t, err, "line 2")
}

// FuzzReadJournal: whatever is in the file, what was read can be written and
// read again.
func FuzzReadJournal(f *testing.F) {
	f.Add([]byte("{\"trial\":1,\"suite\":\"a\",\"arm\":\"survey\",\"seed\":\"7\"}\n"))
	f.Add([]byte("{\"trial\":1}\n{\"tri"))
	f.Add([]byte("\n"))
	f.Add([]byte("null\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		trials, err := ReadJournal(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		for _, tr := range trials {
			line, err := json.Marshal(tr)
			require.NoError(t, err)
			out.Write(append(line, '\n'))
		}
		again, err := ReadJournal(&out)
		require.NoError(t, err)
		require.Len(t, again, len(trials))
	})
}

func TestCatalogueMergesOneCause(t *testing.T) {
	c := newCatalogue()
	weak := harness.Finding{ID: "F-1", Fingerprint: "x", Class: harness.RaceLostUpdate, Standing: harness.Natural, Tests: []string{"b"}, Natural: harness.Count{K: 2}}
	strong := harness.Finding{
		ID: "F-1", Fingerprint: "x", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Tests: []string{"a"},
		Provoked: harness.Count{K: 3, N: 3}, Counter: harness.Count{N: 3}, Schedule: harness.Schedule{Decisions: make([]harness.Decision, 1)},
	}
	assert.True(t, c.add(weak))
	assert.False(t, c.add(strong))
	assert.False(t, c.add(weak))
	assert.True(t, c.add(harness.Finding{ID: "F-2", Fingerprint: "y", Tests: []string{"c"}}))
	all := c.all()
	require.Len(t, all, 2)
	got := all[0]
	assert.Equal(t, []string{"a", "b"}, got.Tests, "the test of the stronger proof is the one to replay")
	assert.Equal(t, harness.Natural, got.Standing)
	assert.Equal(t, 4, got.Natural.K)
	assert.Equal(t, harness.Count{K: 3, N: 3}, got.Provoked)
}

func TestFingerprintsNameTheCauseNotTheKeys(t *testing.T) {
	set := harness.Point{Role: "base", Verb: "SET", Key: "a", N: 1}
	get := harness.Point{Role: "base", Verb: "GET", Key: "a", N: 2}
	other := harness.Point{Role: "base", Verb: "SET", Key: "b", N: 7}
	assert.Equal(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceLostUpdate, other, get))
	assert.NotEqual(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceLostUpdate, get, set))
	assert.NotEqual(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceCheckThenAct, set, get))
}

func TestPredict(t *testing.T) {
	ms := func(n int) harness.Duration { return harness.Duration(time.Duration(n) * time.Millisecond) }
	at := func(verb string) harness.Point { return harness.Point{Role: "base", Verb: verb, Key: "k", N: 1} }
	dist, err := stats.ParseDistribution("uniform(0ms,100ms)")
	require.NoError(t, err)
	got := Predict([]harness.Margin{
		{Test: "two", At: at("SET"), Size: ms(50)},
		{Test: "two", At: at("GET"), Size: ms(80)},
		{Test: "kept", At: at("SET"), Size: ms(1), Ordered: true},
		{Test: "refuted", At: at("SET"), Size: ms(1), Predicted: true},
		{Test: "refuted", At: at("SET"), Size: ms(90)},
		{Test: "wide", At: at("SET"), Size: ms(1000)},
	}, dist)
	require.Len(t, got, 3)
	assert.Equal(t, "two", got[0].Test)
	assert.InDelta(t, 0.6, got[0].Rate, 1e-9) // 1 - (1-0.5)(1-0.2)
	assert.InDelta(t, 0.5, got[0].Alone, 1e-9)
	assert.Equal(t, "SET", got[0].Worst.At.Verb)
	assert.Equal(t, "refuted", got[1].Test)
	assert.InDelta(t, 0.1, got[1].Rate, 1e-9)
	assert.Zero(t, got[2].Rate)
	assert.Empty(t, Predict(nil, dist))
}

func TestDoubtUsesTheExactTest(t *testing.T) {
	f := &harness.Finding{Provoked: harness.Count{K: 3, N: 3}, Natural: harness.Count{K: 0, N: 3}, Schedule: harness.Schedule{Decisions: make([]harness.Decision, 1)}}
	assert.Empty(t, doubt(f)) // p = 1/20
	f.Natural = harness.Count{K: 2, N: 3}
	assert.Contains(t, doubt(f), "no certain difference")
}

// TestVerifyTellsRepairsApart: the same code, one that waits longer, and one
// that is mended.
func TestVerifyTellsRepairsApart(t *testing.T) {
	const name, gap = "smoke/t/count", 15 * time.Millisecond
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate))
	require.NoError(t, err)
	f := find(t, r, harness.RaceLostUpdate)
	require.NotNil(t, f.Margin)

	same, err := Verify(t.Context(), real(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate), f, 5)
	require.NoError(t, err)
	assert.Equal(t, StillFailing, same.Repair, same.Sentence())

	longer, err := Verify(t.Context(), real(t, []scenarios.Scenario{counting(name, 20*gap)}, fixtures.LostUpdate), f, 5)
	require.NoError(t, err)
	assert.Equal(t, MarginMoved, longer.Repair, longer.Sentence())
	assert.Contains(t, longer.Sentence(), "not a fix")

	mended, err := Verify(t.Context(), real(t, []scenarios.Scenario{counting(name, gap)}), f, 5)
	require.NoError(t, err)
	assert.Contains(t, []Repair{Fixed, NotApply}, mended.Repair, mended.Sentence())
	assert.Nil(t, mended.Fresh)

	again, err := Replay(t.Context(), real(t, []scenarios.Scenario{counting(name, gap)}, fixtures.LostUpdate).Executor, f, 5)
	require.NoError(t, err)
	assert.Equal(t, harness.Count{K: 5, N: 5}, again.Count)
	assert.Equal(t, "reproduced 5/5", again.Verdict())
}

// TestBracketForgivesOneWrongAnswer: whichever single answer of the bisection
// is wrong near the threshold, the margin is found all the same.
func TestBracketForgivesOneWrongAnswer(t *testing.T) {
	const truth, top = 53 * time.Millisecond, 400 * time.Millisecond
	for _, lie := range []int{0, 4, 5, 6, 7} { // 0: none; earlier answers are far from the threshold
		asked := 0
		lo, hi, err := bracket(t.Context(), top, func(d time.Duration) (bool, error) {
			asked++
			return (d >= truth) != (asked == lie), nil
		})
		require.NoError(t, err)
		mid := (lo + hi) / 2
		assert.InDelta(t, truth.Seconds(), mid.Seconds(), 0.006, "answer %d was wrong: %v to %v", lie, lo, hi)
	}
}
