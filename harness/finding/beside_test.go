package finding_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/finding"
)

func TestBeside(t *testing.T) {
	point := func(verb string) harness.Point { return harness.Point{Role: "kv", Verb: verb, Key: "k", N: 1} }
	run := func(trial int, arm harness.Arm, b harness.Boundary) evidence.PassingRun {
		var events []harness.Event
		for i, verb := range []string{"SET", "GET"} {
			at := time.Duration(i+1) * time.Millisecond
			events = append(events, harness.Event{Seq: uint64(i + 1), Kind: harness.Request, Point: point(verb), In: at, Out: at, Args: []string{verb, "k"}})
		}
		return evidence.PassingRun{Trial: trial, Arm: arm, Trace: detect.NewTrace(events, harness.Outcome{Boundary: b})}
	}
	exact := harness.BoundaryMarked
	for _, c := range []struct {
		name string
		runs []evidence.PassingRun
		want int
	}{
		{"the newest with nothing injected", []evidence.PassingRun{run(1, harness.Survey, exact), run(2, harness.Survey, exact), run(3, harness.Counterfactual, exact), run(4, harness.Provoke, exact)}, 2},
		{"the counterfactual before others", []evidence.PassingRun{run(3, harness.Counterfactual, exact), run(4, harness.Provoke, exact)}, 3},
		{"frames that are surely its own first", []evidence.PassingRun{run(1, harness.Provoke, exact), run(2, harness.Survey, "")}, 1},
	} {
		f := harness.Finding{Timeline: []harness.Line{{Role: "kv", Point: point("GET"), Suspect: true}}, Pair: []harness.Point{point("SET")}}
		finding.Beside(&f, c.runs)
		require.Equal(t, c.want, f.Passing.Trial, c.name)
		require.Len(t, f.Passing.Timeline, 2)
		require.Equal(t, []bool{true, false}, []bool{f.Passing.Timeline[0].Suspect, f.Passing.Timeline[1].Suspect}, "the pair is marked")
		require.Equal(t, point("GET"), f.Passing.Timeline[1].Point)
	}
	f := harness.Finding{Timeline: []harness.Line{{Role: "kv", Point: point("GET"), Suspect: true}}}
	finding.Beside(&f, []evidence.PassingRun{run(1, harness.Survey, exact)})
	require.True(t, f.Passing.Timeline[1].Suspect, "without a pair, what is marked in the failing run")
	none := harness.Finding{Timeline: f.Timeline}
	finding.Beside(&none, nil)
	require.Nil(t, none.Passing)
	latent := harness.Finding{Standing: harness.Latent, Timeline: f.Timeline}
	finding.Beside(&latent, []evidence.PassingRun{run(1, harness.Survey, exact)})
	require.Nil(t, latent.Passing, "its timeline is of a passing run")
}
