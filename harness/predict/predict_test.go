package predict_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// first is within how many aimed trials what can fail must show.
const first = 5

// fits reports whether c is the candidate that a row must have.
func (r row) fits(c nearmiss.Candidate) bool {
	if c.Class != r.class || r.relation != "" && c.Relation != r.relation || len(c.Provoke.Decisions) == 0 {
		return false
	}
	d := c.Provoke.Decisions[len(c.Provoke.Decisions)-1]
	until := ""
	if d.Action == harness.Hold {
		until = d.Until.Dir.String() + d.Until.Verb
	}
	return (r.first == "" || c.First.Verb == r.first) && (r.then == "" || c.Then.Verb == r.then) && d.Action == r.action && (r.until == "" || r.until == until)
}

// rank is where a row's candidate is, from 1; 0: nowhere.
func (r row) rank(list []nearmiss.Candidate) int {
	for i, c := range list {
		if r.fits(c) {
			return i + 1
		}
	}
	return 0
}

func show(t testing.TB, list []nearmiss.Candidate) {
	for i, c := range list[:min(len(list), 12)] {
		t.Logf("%2d %.2f %-16s %s / %s: %s\n\t%v", i+1, c.Likelihood, c.Relation, c.Class, c.Shape, c.Title, c.Provoke.Decisions)
	}
}

// TestRecordedRows: of each history in testdata, all of tests that passed, the
// right candidate is among the first five.
func TestRecordedRows(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			list := predict.Candidates([]*detect.Trace{load(t, filepath.Join("testdata", r.name+".txt"))}, nearmiss.Known{}, predict.Facts{})
			n := r.rank(list)
			if n == 0 || n > first {
				show(t, list)
			}
			require.Positive(t, n, "not proposed")
			require.LessOrEqual(t, n, first)
			for _, c := range list {
				checkCandidate(t, c)
			}
		})
	}
}

func load(t testing.TB, file string) *detect.Trace {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	rec, err := history.Parse(bytes.NewReader(b))
	require.NoError(t, err, file)
	return detect.NewTrace(rec.Events, rec.Outcome)
}

// checkCandidate: a candidate can be read and played.
func checkCandidate(t *testing.T, c nearmiss.Candidate) {
	t.Helper()
	assert.NotEmpty(t, c.Title)
	assert.NotContains(t, c.Title, "\n")
	if c.Relation != predict.Shape { // of a shape the title says what went wrong
		assert.NotEmpty(t, c.Broken, c.Title)
		assert.NotEqual(t, c.Title, c.Broken, "what failed is not what passed")
		assert.True(t, strings.HasSuffix(c.Why, "."), "a sentence: %s", c.Why)
	}
	assert.Greater(t, c.Likelihood, 0.0)
	assert.LessOrEqual(t, c.Likelihood, 1.0)
	for _, s := range []harness.Schedule{c.Provoke, c.Counter} {
		for _, d := range s.Decisions {
			f, ok := harness.FaultOf(d.Action)
			require.True(t, ok, "%v", d)
			assert.True(t, f.Delays, "%v", d)
			if f.Check != nil {
				assert.NoError(t, f.Check(d))
			}
			assert.LessOrEqual(t, time.Duration(d.Delay), predict.DefaultMaxDelay+100*time.Millisecond)
		}
	}
	assert.NotEqual(t, c.Provoke, c.Counter)
}

// TestTellsTime: a command that holds the time is found in each recorded history
// that has one, whatever scripts it runs.
func TestTellsTime(t *testing.T) {
	holds := map[string]bool{"score-seconds": true, "flushdb-second": true}
	for _, r := range rows() {
		c := predict.TellsTime(load(t, filepath.Join("testdata", r.name+".txt")), 0)
		assert.Equal(t, holds[r.name], c != nil, r.name)
	}
}
