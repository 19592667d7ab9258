package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// remembering is a ranking that keeps what it was taught.
type remembering struct{ hits []bool }

func (r *remembering) Weight(string) float64    { return 2 }
func (r *remembering) Learn(_ string, hit bool) { r.hits = append(r.hits, hit) }

// concluding is the search in test a/1 of a hunt that is open.
func concluding(t *testing.T) (*testHunt, *remembering) {
	t.Helper()
	f, taught := &fake{tests: twoSuites, do: passing}, &remembering{}
	h, err := prepare(t.Context(), Config{Runner: f, Executor: f, Seed: 3, Budget: Budget{Trials: 4}, Before: Before{Learned: taught}})
	require.NoError(t, err)
	return h.aimAt(t.Context(), twoSuites[0]), taught
}

var (
	write = harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	read  = harness.Point{Role: "kv", Verb: "GET", Key: "k", N: 1}
)

// failing is evidence of a failure with these words: k of 3 times with the
// schedule, and without of 3 times without it.
func failing(says string, k, without int) *evidence.Evidence {
	return &evidence.Evidence{
		Candidate: nearmiss.Candidate{Class: harness.RaceLostUpdate, First: write, Then: read, Provoke: harness.Schedule{Decisions: []harness.Decision{{At: write, Action: harness.Delay, Delay: 1e6}}}},
		Test:      twoSuites[0], Reading: evidence.Failed,
		Failure: &harness.Outcome{Failure: &harness.Failure{Message: says, Fingerprint: says}},
		Cause:   detect.Match{Class: harness.RaceLostUpdate, Title: "lost"},
		Again:   harness.Count{K: k, N: 3}, Counter: harness.Count{K: without, N: 3},
	}
}

// TestConclude: what each kind of evidence leaves in the report of the test, in
// the catalogue and with the ranking.
func TestConclude(t *testing.T) {
	margin := &harness.Margin{Test: "a/1", At: write, Size: 5}
	of := func(r evidence.Reading, m *harness.Margin) *evidence.Evidence {
		return &evidence.Evidence{Reading: r, Test: twoSuites[0], Candidate: nearmiss.Candidate{First: write, Then: read, Margin: m}}
	}
	own := failing("boom", 3, 0)
	own.OwnDelay = true
	for _, c := range []struct {
		name           string
		e              *evidence.Evidence
		found, margins int
		both, blocked  int
		tolerated      int
		proven, doubt  bool
		hits           []bool
	}{
		{"no trial", of(evidence.NoTrial, nil), 0, 0, 0, 0, 0, false, false, nil},
		{"the program keeps the order", of(evidence.Stalled, nil), 0, 1, 0, 1, 0, false, false, []bool{false}},
		{"tolerated, with a margin", of(evidence.Passed, margin), 0, 1, 1, 0, 0, false, false, []bool{false}},
		{"tolerated, and nobody knows by how much", of(evidence.Passed, nil), 0, 0, 1, 0, 1, false, false, []bool{false}},
		{"proven", failing("boom", 3, 0), 1, 0, 0, 0, 0, true, false, []bool{true}},
		{"provoked and not proven", failing("boom", 1, 1), 0, 0, 0, 0, 0, false, true, []bool{false}},
		{"it fails whatever is done", failing("boom", 3, 3), 0, 0, 0, 0, 0, false, false, []bool{false}},
		{"our own delay", own, 0, 0, 0, 0, 0, false, false, []bool{false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			th, taught := concluding(t)
			th.conclude(c.e)
			assert.Equal(t, c.found, th.hunt.found.Len())
			assert.Len(t, th.margins, c.margins)
			assert.Equal(t, c.both, th.both)
			assert.Equal(t, c.blocked, th.blocked)
			assert.Len(t, th.tolerated, c.tolerated)
			assert.Equal(t, c.proven, th.proven)
			assert.Equal(t, c.doubt, th.doubt != nil)
			assert.Equal(t, c.hits, taught.hits)
			_, warnings, _ := th.hunt.log.Doubts()
			assert.Equal(t, c.e.OwnDelay, len(warnings) > 0)
		})
	}
}

// TestOneFailureHasOneCause: the same words of the same test are proven once;
// other words are another failure; and a doubt is told only where nothing is proven.
func TestOneFailureHasOneCause(t *testing.T) {
	th, taught := concluding(t)
	var told []harness.Finding
	th.hunt.Proven = func(f harness.Finding) { told = append(told, f) }
	th.conclude(failing("boom", 1, 1))
	th.conclude(failing("boom", 3, 0))
	again := failing("boom", 3, 0)
	again.Cause.Class = harness.OrderCommands
	th.conclude(again)
	require.Equal(t, 1, th.hunt.found.Len())
	other := failing("bang", 3, 0)
	other.Cause.Class = harness.OrderCommands
	th.conclude(other)
	require.Equal(t, 2, th.hunt.found.Len())
	require.Equal(t, []bool{false, true, false, true}, taught.hits)
	th.enterDoubt()
	require.Equal(t, 2, th.hunt.found.Len(), "what was proven leaves no doubt")
	require.Len(t, told, 2)

	th, _ = concluding(t)
	th.conclude(failing("boom", 1, 1))
	th.conclude(failing("bang", 1, 1))
	th.enterDoubt()
	list := th.hunt.found.All()
	require.Len(t, list, 1)
	require.Equal(t, "boom", list[0].Title, "the first")
}

// TestPredictedMargins: of a frame of which a trial told more, or that was left
// untried, passing histories predict no margin.
func TestPredictedMargins(t *testing.T) {
	r := &testReport{}
	r.tolerate(write)
	r.tolerate(write)
	require.Len(t, r.tolerated, 1)
	r.predict(nil)
	require.Empty(t, r.margins)
}

// TestLearned: without a ranking all kinds weigh the same; a late frame alone
// weighs less than a pair.
func TestLearned(t *testing.T) {
	none := learned{}
	none.Learn("kind", true)
	pair := nearmiss.Candidate{Class: harness.RaceLostUpdate, Likelihood: 0.5}
	single := nearmiss.Candidate{Class: harness.TimeoutClient, Likelihood: 0.5}
	assert.InDelta(t, 0.5, none.of(pair), 1e-9)
	assert.InDelta(t, 0.5*lateAlone, none.of(single), 1e-9)
	taught := &remembering{}
	some := learned{taught}
	some.Learn("kind", true)
	assert.Equal(t, []bool{true}, taught.hits)
	assert.InDelta(t, 1.0, some.of(pair), 1e-9)
}

// TestLikeliestFirst: tests of which nothing is known keep their order.
func TestLikeliestFirst(t *testing.T) {
	th, _ := concluding(t)
	list := []harness.TestID{{Name: "c"}, {Name: "a"}, {Name: "b"}}
	th.hunt.likeliestFirst(list)
	require.Equal(t, []harness.TestID{{Name: "c"}, {Name: "a"}, {Name: "b"}}, list)
}

// TestConfirmedSimulatedFindingsAreTakenOnce: by the candidate that is about them,
// else by nobody; the rest is entered at the end.
func TestConfirmedSimulatedFindingsAreTakenOnce(t *testing.T) {
	c := nearmiss.Candidate{Class: harness.RaceLostUpdate, First: write, Then: read}
	fp := simulatedOf("0123456789abcdef").Finding
	fp.Fingerprint = fingerprintOf(c)
	s := &simulated{confirmed: []*confirmed{{finding: fp}, {finding: simulatedOf("fedcba9876543210").Finding}}}
	require.Nil(t, s.take("b/1", c), "it was proved in another test")
	require.Nil(t, s.take("a/1", nearmiss.Candidate{Class: harness.OrderCommands, First: write, Then: read}))
	require.NotNil(t, s.take("a/1", c))
	require.Nil(t, s.take("a/1", c), "once")
	require.Len(t, s.rest(), 1)
	require.Empty(t, s.rest())
}

// TestTimeOfAimedTrials: a slow test may take longer, and knows its seed and limits.
func TestTimeOfAimedTrials(t *testing.T) {
	th, _ := concluding(t)
	require.Equal(t, leastTime, th.aim.Limit)
	require.Equal(t, MaxDelay, th.aim.Longest)
	require.Equal(t, uint64(3), th.aim.Seed)
	require.False(t, th.aim.Strict)
	require.False(t, th.aim.Over())
	require.Equal(t, time.Duration(0), th.aim.Timeout)
}
