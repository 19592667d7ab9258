package predict_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/predict"
	"github.com/flakehunt/flakehunt/internal/lanes"
)

// chances is how many passing runs a row has to race in. On a crowded machine the
// second racer may come so late that the wire shows it after the first one's
// reply, as if the program had waited for that. Then nothing is to be predicted.
const chances = 10

// TestRowsAreProvoked runs each row on a real Redis: from one passing run in which
// its commands raced, one of the first five candidates makes it fail.
func TestRowsAreProvoked(t *testing.T) {
	lanes.Each(t, labs, newLab, rows(), row.title, func(t *testing.T, l *lab, r row) {
		l.t = t
		var list []nearmiss.Candidate
		n := 0
		for range chances {
			list = predict.Candidates([]*detect.Trace{l.passing(r, 20)}, nearmiss.Known{}, predict.Facts{})
			if n = r.rank(list); n > 0 && n <= first {
				break
			}
			t.Logf("the expected candidate is %d of %d: its commands did not race", n, len(list))
		}
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
