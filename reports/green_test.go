package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/gate"
	"github.com/flakehunt/flakehunt/harness/verdict"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// TestNoRunReadsGreenThatIsNot asks of each kind of run what readers of each
// format make of it: whether all passed.
func TestNoRunReadsGreenThatIsNot(t *testing.T) {
	for name, want := range map[string]struct {
		green bool
		error string // type of the <error> of the hunt's own testcase
	}{
		"clean": {green: true}, "broken": {}, "infra": {}, "interrupted": {error: "interrupted"},
		"died": {error: "infrastructure"}, "undecided": {error: "undecided"}, "empty": {error: "infrastructure"},
	} {
		for _, s := range sample.All() {
			if s.Name != name {
				continue
			}
			green := true
			for _, n := range cases(t, s.Result, "pass") {
				green = green && severest(n) != "failure" && severest(n) != "error"
				if e := n.first("error"); n.attr("name") == "hunt" && e != nil {
					assert.Equal(t, want.error, e.attr("type"), name)
					assert.Contains(t, e.attr("message"), Headline(s.Result))
				}
			}
			assert.Equal(t, want.green, green, "%s: JUnit, by the most severe result", name)
			v := gate.Decide(gate.Input{Current: s.Result}, gate.Config{})
			assert.Equal(t, want.green, v.Exit == verdict.ExitClean, "%s: gate: %+v", name, v)

			var ctrf bytes.Buffer
			require.NoError(t, CTRF(&ctrf, s.Result, Options{}))
			assert.Equal(t, want.green, strings.Contains(ctrf.String(), `"failed": 0,`) && strings.Contains(ctrf.String(), `"other": 0,`), "%s: CTRF", name)

			page := newPage(s.Result, Options{})
			assert.Equal(t, want.green, page.Tone == "stable", "%s: the page's colour", name)
			var notes bytes.Buffer
			require.NoError(t, Annotations(&notes, s.Result))
			assert.Equal(t, want.green, notes.Len() == 0, "%s: annotations", name)
			assert.Equal(t, want.green, len(s.Result.Tests) > 0 && tallyOf(asJudged(s.Result).Tests).Stable == len(s.Result.Tests), "%s: the table", name)
		}
	}
}

// TestFlakyTestsShowToEveryReader: a reader that does not know flakyFailure shows
// a case that did not pass, with their names; one that was told to fail needs none.
func TestFlakyTestsShowToEveryReader(t *testing.T) {
	told := func(flaky string) (list []string) {
		for _, n := range cases(t, sample.Flaky(), flaky) {
			if n.attr("classname") == "flakehunt" {
				require.Equal(t, "skipped", severest(n))
				list = append(list, n.attr("name")+": "+n.first("skipped").attr("message"))
			}
		}
		return list
	}
	assert.Empty(t, told("fail"))
	list := told("pass")
	require.Len(t, list, 1)
	assert.Contains(t, list[0], "flaky tests: 3 of 28 tests are flaky, and pass in this file: ")
	for _, x := range sample.Flaky().Tests {
		_, name := ownNames(x.TestID)
		assert.Equal(t, x.Status == harness.Flaky, strings.Contains(list[0], name+",") || strings.Contains(list[0], name+" ("), x.Name)
	}

	many := &harness.Result{TrialsDone: 1, TrialsAsked: 1}
	for i := range 25 {
		many.Tests = append(many.Tests, harness.TestResult{TestID: harness.TestID{Name: fmt.Sprint("t", i)}, Status: harness.Flaky, Runs: 2, Failures: 1, Rate: 0.5,
			Groups: []harness.FailureGroup{{Failure: harness.Failure{Message: "lost"}, Count: 1}}})
	}
	var b bytes.Buffer
	require.NoError(t, JUnit(&b, many, Options{}))
	assert.Contains(t, b.String(), "t19, 5 more (--junit-flaky fail has them fail)")
	assert.NotContains(t, b.String(), "t20,")
	b.Reset()
	many.Tests = many.Tests[:1]
	require.NoError(t, JUnit(&b, many, Options{}))
	assert.Contains(t, b.String(), "1 of 1 test is flaky, and passes in this file: t0 (--junit-flaky fail has it fail)")
}

// TestDiedSaysSo shows that a hunt whose Redis died after the first trial says
// so first, in every form, and calls no test stable.
func TestDiedSaysSo(t *testing.T) {
	r := sample.Died()
	const want = "No verdict on 28 tests: broken off after 1 of 30 trials"
	for _, f := range Formats() {
		if f.Name == "json" {
			continue
		}
		var buf bytes.Buffer
		require.NoError(t, f.Write(&buf, r, Options{}))
		assert.Contains(t, buf.String(), want, f.Name)
		assert.NotContains(t, buf.String(), "No flake found", f.Name)
	}
	assert.Equal(t, 28, tallyOf(asJudged(r).Tests).Undecided)
	assert.Equal(t, 28, tallyOf(r.Tests).Stable, "the given result is not changed")
}
