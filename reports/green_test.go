package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
