package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Files of one run add up, each once, whatever the order and however often.
func TestPartsAddUpOnce(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	part := func(key string, hour int, tests ...harness.TestResult) Part {
		return Part{Key: key, Content: "content of " + key, Result: &harness.Result{Tool: "junit", Started: at.Add(time.Duration(hour) * time.Hour), TrialsDone: 1, Tests: tests}}
	}
	test := func(name, strip string) harness.TestResult {
		r := harness.TestResult{TestID: harness.TestID{Name: name, Suite: "s"}, Strip: strip}
		for _, c := range strip {
			switch c {
			case '.':
				r.Runs++
			case 'F':
				r.Runs++
				r.Failures++
			case 's':
				r.Skips++
			}
		}
		if r.Failures > 0 {
			r.Groups = []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "lost", Fingerprint: "f"}, Count: r.Failures}}
		}
		return r
	}
	s, err := Open(t.Context(), t.TempDir()+"/h.db")
	require.NoError(t, err)
	defer s.Close()

	// A history of before parts: the run is named by its one file.
	_, err = s.RecordAs(t.Context(), "old", FromJUnit, part("", 0, test("a", ".")).Result, trend.Meta{})
	require.NoError(t, err)
	run, err := s.RunOfPart(t.Context(), "old")
	require.NoError(t, err)
	require.Equal(t, "old", run)

	for range 2 {
		for _, parts := range [][]Part{
			{part("old", 0, test("a", "."))},
			{part("p1", 2, test("a", "..F"), test("b", "s"))},
			{part("p2", 1, test("a", "F."), test("b", "s")), part("p3", 3, test("c", "FF"))},
		} {
			_, err := s.RecordParts(t.Context(), "run", parts, trend.Meta{CIRun: "7"})
			require.NoError(t, err)
		}
	}
	added, err := s.RecordParts(t.Context(), "run", []Part{part("p3", 3, test("c", "FF")), part("p4", 4, test("d", "."))}, trend.Meta{})
	require.NoError(t, err)
	require.Equal(t, 1, added)

	h, err := s.History(t.Context(), Query{})
	require.NoError(t, err)
	require.Len(t, h.Runs, 2)
	assert.Equal(t, at.Add(time.Hour), h.Runs[1].Started, "the earliest")
	got := map[string][2]int32{}
	for _, x := range h.Tests {
		c := x.Cells[len(x.Cells)-1]
		got[x.Name] = [2]int32{c.Failures, c.Runs}
	}
	assert.Equal(t, map[string][2]int32{"a": {2, 5}, "c": {2, 2}, "d": {0, 1}}, got)
	assert.Equal(t, []trend.SkippedTest{{TestID: harness.TestID{Name: "b", Suite: "s"}, Runs: 1, In: []int32{1}}}, h.Skipped)
	runs, err := s.RunsOfContent(t.Context(), []string{"content of p3", "content of none"})
	require.NoError(t, err)
	assert.Equal(t, []string{"run"}, runs)
	var strip, status string
	var count int
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT strip, status FROM results JOIN tests ON tests.id = test WHERE name = 'a' AND failures > 0").Scan(&strip, &status))
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT count FROM failures JOIN tests ON tests.id = test WHERE name = 'a'").Scan(&count))
	assert.Equal(t, "2.2F.", strip)
	assert.Equal(t, string(harness.Flaky), status)
	assert.Equal(t, 2, count)
}
