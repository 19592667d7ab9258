package predict_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/predict"
	"github.com/flakehunt/flakehunt/internal/lanes"
)

// TestRowsAreProvoked runs each row on a real Redis: from one passing run, one
// of the first five candidates makes it fail.
func TestRowsAreProvoked(t *testing.T) {
	lanes.Each(t, labs, newLab, rows(), row.title, func(t *testing.T, l *lab, r row) {
		l.t = t
		list := predict.Candidates([]*detect.Trace{l.passing(r, 20)}, near.Known{}, predict.Facts{})
		n := r.rank(list)
		for i, c := range list[:min(len(list), first)] {
			if failed := l.run(r, c.Provoke); failed.Outcome.Verdict == harness.Failed {
				t.Logf("provoked by candidate %d (the expected one is %d): %s\n%s", i+1, n, c.Title, failed.Outcome.Failure.Message)
				return
			}
		}
		show(t, list)
		require.Fail(t, "not provoked", "the expected candidate is %d of %d", n, len(list))
	})
}
