package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// TestWhatIsKnownIsNotDoubted: a failure that says what a known cause of its
// test says is of that cause, whether the wire shows it or not; and one that was
// provoked and not proven is not told beside it.
func TestWhatIsKnownIsNotDoubted(t *testing.T) {
	id := harness.TestID{Name: "a/1", Suite: "a"}
	failed := func(arm harness.Arm, says string, cause harness.Class) harness.Trial {
		return harness.Trial{Suite: "a", Arm: arm, Outcomes: []harness.Outcome{{
			Test: id, Arm: arm, Verdict: harness.Failed, Cause: cause, Failure: &harness.Failure{Message: says, Fingerprint: says},
			Wire: []harness.Line{{Text: "GET k"}},
		}}}
	}
	found, trials := NewCatalogue(), []harness.Trial{
		failed(harness.Survey, "lost", harness.IsolationHandler),
		failed(harness.Provoke, "counted", harness.RaceLostUpdate),
		failed(harness.Survey, "counted", ""),
		failed(harness.Survey, "something else", ""),
	}
	doubt := func(says string) harness.Finding {
		fp := Fingerprint(harness.Unattributed, harness.Point{Verb: says}, harness.Point{})
		return harness.Finding{
			Fingerprint: fp, ID: ID(fp), Class: harness.Unattributed, Standing: harness.Provoked, Tests: []string{id.Name},
			Failure: harness.Failure{Fingerprint: says}, Provoked: harness.Count{K: 2, N: 3}, Counter: harness.Count{K: 2, N: 3},
		}
	}
	proven := harness.Finding{Fingerprint: "cafe0000", ID: "F-cafe0000", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Tests: []string{id.Name},
		Failure: harness.Failure{Fingerprint: "other words"}, Provoked: harness.Count{K: 3, N: 3}, Counter: harness.Count{N: 3}}
	found.Add(proven)
	found.Add(doubt("lost"))
	found.Add(doubt("never heard of"))
	found.AddFailures(trials, Origin{})

	byClass := map[harness.Class][]harness.Finding{}
	for _, f := range found.All() {
		byClass[f.Class] = append(byClass[f.Class], f)
	}
	require.Len(t, byClass[harness.RaceLostUpdate], 1)
	assert.Equal(t, 1, byClass[harness.RaceLostUpdate][0].Natural.K, "it said what the provoked one said")
	require.Len(t, byClass[harness.IsolationHandler], 1)
	var doubts []string
	for _, f := range byClass[harness.Unattributed] {
		doubts = append(doubts, f.Failure.Fingerprint)
	}
	assert.ElementsMatch(t, []string{"never heard of", "something else"}, doubts)
}
