package detect

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
)

func load(t testing.TB, file string) *Trace {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	rec, err := history.Parse(bytes.NewReader(b))
	require.NoError(t, err, file)
	rec.Outcome.Boundary = harness.BoundaryMarked
	return NewTrace(rec.Events, rec.Outcome)
}

// TestRecordedHistories: testdata has a directory for each class, and in it
// histories that the class explains best (bad-…) and must not explain (ok-…). A
// new shape of failure is added by putting its recording there.
func TestRecordedHistories(t *testing.T) {
	for _, d := range All() {
		dir := filepath.Join("testdata", strings.ReplaceAll(string(d.Class), "/", "-"))
		files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
		require.NoError(t, err)
		var ok, bad int
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.ToSlash(strings.TrimPrefix(file, "testdata"+string(filepath.Separator))), ".txt"), func(t *testing.T) {
				trace := load(t, file)
				if strings.HasPrefix(filepath.Base(file), "ok-") {
					ok++
					for _, m := range d.Find(trace) {
						assert.Less(t, m.Score, 0.5, "%s: %s", m.Title, m.Explanation)
					}
					if trace.Outcome.Verdict == harness.Passed {
						assert.Empty(t, Run(trace), "a test that passed has no cause")
					}
					return
				}
				bad++
				matches := Run(trace)
				require.NotEmpty(t, matches)
				m := matches[0]
				require.Equal(t, d.Class, m.Class, "%s (%.2f)", m.Title, m.Score)
				checkMatch(t, trace, m)
			})
		}
		assert.Positive(t, ok, "%s has no history that it must not match", d.Class)
		assert.Positive(t, bad, "%s has no history that it must match", d.Class)
	}
}

// checkMatch: what is said can be shown.
func checkMatch(t *testing.T, trace *Trace, m Match) {
	t.Helper()
	assert.NotEmpty(t, m.Title)
	assert.NotContains(t, m.Title, "\n")
	assert.True(t, strings.HasSuffix(m.Explanation, "."), "a sentence: %s", m.Explanation)
	assert.Greater(t, m.Score, 0.0)
	assert.LessOrEqual(t, m.Score, 1.0)
	seen := map[uint64]bool{}
	for _, ev := range trace.Events {
		seen[ev.Seq] = true
	}
	for i, s := range m.Events {
		assert.True(t, seen[s], "event %d is not in the history", s)
		if i > 0 {
			assert.Less(t, m.Events[i-1], s)
		}
	}
}

func TestEveryDetectorIsDescribed(t *testing.T) {
	seen := map[harness.Class]bool{}
	for _, d := range All() {
		assert.NotEmpty(t, d.Doc, d.Class)
		assert.False(t, seen[d.Class], "%s twice", d.Class)
		seen[d.Class] = true
	}
	for _, c := range []harness.Class{
		harness.RaceSubscribePublish, harness.RaceMultiSubscriber, harness.RaceCheckThenAct, harness.RaceLostUpdate,
		harness.RaceDuplicateSubscribe, harness.TTLExpiredEarly, harness.TTLExpiredLate, harness.TTLMissing, harness.OrderMessages,
		harness.OrderCommands, harness.FormatEnvelope, harness.IsolationHandler, harness.IsolationTestLeak, harness.TimeoutClient,
		harness.ConnectionLost, harness.InfrastructureClass, harness.NotRedis,
	} {
		assert.True(t, seen[c], "no detector for %s", c)
	}
}

func TestADetectorThatPanicsStopsNoOther(t *testing.T) {
	got := guarded(Detector{Class: harness.TTLMissing, Find: func(*Trace) []Match { panic("out of range") }}, &Trace{})
	require.Len(t, got, 1)
	assert.Equal(t, harness.Unattributed, got[0].Class)
	assert.Equal(t, "the detector for ttl/missing broke off: out of range", got[0].Title)
	assert.Zero(t, got[0].Score)
}

// FuzzRun: no history makes a detector panic; guarded would hide it, so each is
// asked by itself.
func FuzzRun(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(b) < 8<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := history.Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		trace := NewTrace(rec.Events, rec.Outcome)
		for _, d := range All() {
			for _, m := range d.Find(trace) {
				if m.Title == "" || m.Score < 0 || m.Score > 1 {
					t.Fatalf("%s: %+v", d.Class, m)
				}
			}
		}
	})
}
