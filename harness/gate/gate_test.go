package gate

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

var today = time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)

// current is a run of 20 trials of three tests, of which "flaky" failed k times.
func current(k int) *harness.Result {
	r := &harness.Result{TrialsDone: 20, TrialsAsked: 20, Tests: []harness.TestResult{
		{TestID: harness.TestID{Name: "good", Suite: "smoke", File: "smoke/good_test.go"}, Status: harness.Stable, Runs: 20},
		{TestID: harness.TestID{Name: "flaky", Suite: "smoke", File: "smoke/flaky_test.go"}, Status: harness.Stable, Runs: 20, Failures: k, Rate: float64(k) / 20},
		{TestID: harness.TestID{Name: "other", Suite: "smoke"}, Status: harness.Stable, Runs: 20},
	}}
	if k > 0 {
		t := &r.Tests[1]
		t.Status = harness.Flaky
		if k == 20 {
			t.Status = harness.Broken
		}
		t.Groups = []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "0 of 1 received\nmore", Fingerprint: "f00d"}, Count: k}}
	}
	return r
}

// past is 20 runs of 20 trials, of which "flaky" failed k in all.
func past(k int, tests ...string) *trend.History {
	h := &trend.History{}
	for range 20 {
		h.Runs = append(h.Runs, trend.Run{})
	}
	for _, name := range tests {
		t := trend.Test{TestID: harness.TestID{Name: name}}
		for run := range int32(20) {
			c := trend.Cell{Run: run, Runs: 20}
			if name == "flaky" && int(run) < k {
				c.Failures = 1
			}
			t.Cells = append(t.Cells, c)
		}
		h.Tests = append(h.Tests, t)
	}
	return h
}

func known(fingerprints ...string) map[string]map[string]trend.Seen {
	k := map[string]map[string]trend.Seen{"flaky": {}}
	for _, f := range fingerprints {
		k["flaky"][f] = trend.Seen{First: today.AddDate(0, -1, 0), Count: 3}
	}
	return k
}

func list(t *testing.T, text string) *Quarantine {
	t.Helper()
	q, err := ParseQuarantine("q.yaml", []byte(text))
	require.NoError(t, err)
	return q
}

const excuse = `quarantine:
  - test: flaky
    owner: messaging
    reason: "#12"
    expires: 2026-05-10
`

func TestVerdicts(t *testing.T) {
	all := []string{"good", "flaky", "other"}
	broken := current(0)
	broken.Tests[0].Status, broken.Tests[0].Failures, broken.Tests[0].Rate = harness.Broken, 20, 1
	race := current(1)
	race.Tests[1].Groups[0].Kind = harness.DataRace
	tight := current(0)
	tight.Margins = []harness.Margin{{Test: "good", Edge: "SET k", Size: harness.Duration(5 * time.Millisecond)}, {Test: "other", Edge: "GET k", Size: 1, Ordered: true}}
	down := &harness.Result{Tests: []harness.TestResult{{TestID: harness.TestID{Name: "good"}, Infra: 3}}, Infra: []harness.InfraFailure{{What: "start", Err: "no Redis"}}}
	open := current(0)
	open.Tests[2].Status = harness.Undecided
	cut := current(0)
	cut.Interrupted, cut.TrialsDone = true, 7
	provoked := current(0)
	provoked.Tests[1].Status, provoked.Tests[1].Provoked = harness.Flaky, harness.Count{K: 10, N: 10}
	provoked.Tests[1].Findings = []string{"F-12345678"}
	provoked.Tests[1].Groups = []harness.FailureGroup{{Failure: harness.Failure{Message: "lost", Fingerprint: "beef"}, Count: 10, Arm: harness.Provoke, Finding: "F-12345678"}}
	provoked.Findings = []harness.Finding{{ID: "F-12345678", Fingerprint: "cause", Tests: []string{"flaky"}}}

	for _, c := range []struct {
		name string
		in   Input
		cfg  Config
		exit int
		want []string // in the text
		not  []string
	}{
		{"clean", Input{Current: current(0), Baseline: past(0, all...), Known: known()}, Config{}, 0,
			[]string{"PASS (exit 0) · 3 tests, 20 earlier runs"}, []string{"way out"}},
		{"no history", Input{Current: current(0)}, Config{}, 0, []string{"no earlier run"}, nil},
		{"new flake", Input{Current: current(1), Baseline: past(0, all...), Known: known()}, Config{}, 1,
			[]string{"FAIL (exit 1): 1 breach", "new flake: flaky: failed 1 of 20 (f00d): 0 of 1 received; not seen in 20 earlier runs", "way out: mend it"}, []string{"more"}},
		{"new flake without history", Input{Current: current(1)}, Config{}, 1, []string{"no history knows it"}, nil},
		{"known flake", Input{Current: current(1), Baseline: past(18, all...), Known: known("f00d")}, Config{}, 0,
			[]string{"note: flaky: known flake, failed 1 of 20 (f00d): 0 of 1 received; 3 times since 2026-04-10"}, nil},
		{"regression of a known flake", Input{Current: current(9), Baseline: past(2, all...), Known: known("f00d")}, Config{}, 1,
			[]string{"regression: flaky: failed 9 of 20 (45 %), before 2 of 400 (0.5 %); p = ", "false alarms over 3 tests at most 1 %"}, nil},
		{"broken", Input{Current: broken, Baseline: past(0, all...), Known: known()}, Config{}, 1, []string{"failure: good: failed every time, 20 of 20"}, []string{"regression"}},
		{"data race", Input{Current: race, Baseline: past(18, all...), Known: known("f00d")}, Config{Quarantine: list(t, excuse), Now: today}, 1,
			[]string{"data race: flaky"}, []string{"excused"}},
		{"low margin", Input{Current: tight, Baseline: past(0, all...), Known: known()}, Config{MinMargin: 20 * time.Millisecond}, 1,
			[]string{"low margin: good: fails when SET k is 5ms late (measured), --min-margin is 20ms"}, []string{"other"}},
		{"margin is not asked for", Input{Current: tight, Baseline: past(0, all...), Known: known()}, Config{}, 0, nil, nil},
		{"quarantined", Input{Current: current(9), Baseline: past(2, all...), Known: known("f00d")}, Config{Quarantine: list(t, excuse), Now: today}, 0,
			[]string{"excused until 2026-05-10: flaky: failed 9 of 20 (f00d): 0 of 1 received (messaging: #12)"}, nil},
		{"another failure of a quarantined test", Input{Current: current(9), Baseline: past(2, all...), Known: known("cafe")}, Config{Quarantine: list(t, excuse), Now: today}, 1,
			[]string{"other failure: flaky: failed 9 of 20 (f00d)", "line 2 of q.yaml excuses another failure", "own fingerprint: f00d"}, nil},
		{"quarantined without history", Input{Current: current(1)}, Config{Quarantine: list(t, excuse), Now: today}, 0, []string{"excused"}, nil},
		{"quarantined by fingerprint", Input{Current: current(1)}, Config{Quarantine: list(t, "quarantine: [{fingerprint: F00D, owner: a, reason: b, expires: 2026-06-01}]"), Now: today}, 0, []string{"excused"}, nil},
		{"another fingerprint", Input{Current: current(1)}, Config{Quarantine: list(t, "quarantine: [{test: flaky, fingerprint: cafe, owner: a, reason: b, expires: 2026-06-01}]"), Now: today}, 1, []string{"other failure"}, nil},
		{"expired", Input{Current: current(0), Baseline: past(0, all...), Known: known()}, Config{Quarantine: list(t, excuse), Now: today.AddDate(0, 0, 3)}, 1,
			[]string{"quarantine expired: flaky: flaky ran out on 2026-05-10, 3 days ago (q.yaml:2: #12)", "way out: messaging: mend it"}, nil},
		{"unused entry", Input{Current: current(0)}, Config{Quarantine: list(t, excuse), Now: today}, 0, []string{"q.yaml:2: flaky did not fail in this run"}, nil},
		{"no evidence", Input{Current: down}, Config{}, 3, []string{"NO EVIDENCE (exit 3)", "0 trials count: 1 infrastructure failures, the first: start: no Redis", "flakehunt doctor"}, nil},
		{"undecided", Input{Current: open}, Config{}, 4, []string{"UNDECIDED (exit 4): 1 open question", "other: 20 trials did not decide (20 clean runs exclude a failure rate above 13.9 % at 95 %)"}, nil},
		{"interrupted", Input{Current: cut}, Config{}, 4, []string{"interrupted after 7 of 20 trials", "--resume"}, nil},
		{"changed file", Input{Current: current(1), Baseline: past(0, all...), Known: known()}, Config{Since: "main", Changed: []string{"pkg/smoke/flaky_test.go"}}, 1,
			[]string{"new flake: flaky", "only tests that are new, or in files changed since main: 1 of 3", "1 tests name no file"}, nil},
		{"unchanged file", Input{Current: current(1), Baseline: past(0, all...), Known: known()}, Config{Since: "main", Changed: []string{"pkg/smoke/good_test.go", "taky_test.go"}}, 0, nil, []string{"flaky"}},
		{"new test", Input{Current: current(1), Baseline: past(0, "good", "other"), Known: known()}, Config{Since: "main"}, 1, []string{"new flake: flaky"}, nil},
		{"provoked", Input{Current: provoked, Baseline: past(0, all...), Known: known()}, Config{}, 1,
			[]string{"new flake: flaky: failed 10 of 10 when provoked (beef): lost", "see it fail: flakehunt repro F-12345678; after the fix: flakehunt verify F-12345678"}, nil},
		{"provoked, its cause known", Input{Current: provoked, Baseline: past(0, all...), Known: known(), Findings: map[string]harness.Finding{"cause": {Tests: []string{"flaky"}}}}, Config{}, 0, []string{"known flake"}, nil},
		{"quarantined by finding", Input{Current: provoked}, Config{Quarantine: list(t, "quarantine: [{test: flaky, fingerprint: F-12345678, owner: a, reason: b, expires: 2026-06-01}]"), Now: today}, 0, []string{"excused"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Decide(c.in, c.cfg)
			var b bytes.Buffer
			require.NoError(t, v.Text(&b))
			assert.Equal(t, c.exit, v.Exit, b.String())
			for _, w := range c.want {
				assert.Contains(t, b.String(), w)
			}
			for _, w := range c.not {
				assert.NotContains(t, b.String(), w)
			}
			for _, x := range append(append(v.Breaches, v.Failed...), v.Undecided...) {
				assert.NotEmpty(t, x.WayOut, x.What)
				assert.Regexp(t, `\d`, x.What, "the number")
			}
		})
	}
}

// TestOneCauseIsToldOnce: breaches of one finding, or of one failure, stand
// together, with one way out.
func TestOneCauseIsToldOnce(t *testing.T) {
	r := current(0)
	r.Findings = []harness.Finding{{ID: "F-12345678", Class: "race/lost-update", Title: "SET before GET"}}
	for i := range 40 {
		x := harness.TestResult{TestID: harness.TestID{Name: fmt.Sprintf("t%02d", i)}, Status: harness.Flaky, Runs: 20, Failures: 1}
		g := harness.FailureGroup{Failure: harness.Failure{Message: "lost", Fingerprint: fmt.Sprint("own", i)}, Count: 1, Finding: "F-12345678"}
		x.Findings = []string{g.Finding}
		if i >= 25 {
			g.Finding, g.Fingerprint, g.Message, x.Findings = "", "f00d", "connection refused", nil
		}
		if i >= 38 {
			g.Fingerprint, g.Message = fmt.Sprint("own", i), "alone"
		}
		x.Groups = []harness.FailureGroup{g}
		r.Tests = append(r.Tests, x)
	}
	v := Decide(Input{Current: r}, Config{})
	require.Len(t, v.Breaches, 40)
	assert.Equal(t, "F-12345678", v.Breaches[0].Cause.Finding)
	var b bytes.Buffer
	require.NoError(t, v.Text(&b))
	text := b.String()
	assert.Contains(t, text, "FAIL (exit 1): 40 breaches of 4 causes")
	assert.Contains(t, text, "  25 tests: one cause: F-12345678, race/lost-update: SET before GET\n    new flake: t00: failed 1 of 20 (own0): lost")
	assert.Contains(t, text, "    5 more\n    way out: see it fail: flakehunt repro F-12345678")
	assert.Contains(t, text, "  13 tests: one cause: connection refused\n")
	assert.Contains(t, text, "  new flake: t38: failed")
	assert.Equal(t, 4, strings.Count(text, "way out:"), text)

	var undecided []Breach
	for i := range 3 {
		undecided = append(undecided, Breach{Kind: NotEnough, Test: fmt.Sprint("t", i), What: "20 trials did not decide", WayOut: "give it more"})
	}
	b.Reset()
	require.NoError(t, Verdict{Exit: 4, Undecided: undecided}.Text(&b))
	assert.Contains(t, b.String(), "  3 tests: undecided\n    undecided: t0: 20 trials")
	assert.Equal(t, 1, strings.Count(b.String(), "way out:"), b.String())
}

func TestTextObeysNoTest(t *testing.T) {
	r := current(1)
	r.Tests[1].Groups[0].Message = "\x1b[31m\x07bad\xff" + strings.Repeat("x", 500)
	var b bytes.Buffer
	require.NoError(t, Decide(Input{Current: r}, Config{}).Text(&b))
	assert.NotContains(t, b.String(), "\x1b")
	assert.NotContains(t, b.String(), "\x07")
	assert.Contains(t, b.String(), "…")
}

func TestQuarantineErrorsSayWhereAndHow(t *testing.T) {
	for text, want := range map[string]string{
		"quarantine:\n  - test: x":                              "q.yaml:2: x has no owner",
		"quarantine:\n  - test: x\n    owner: a":                "q.yaml:2: x has no reason",
		"quarantine:\n  - test: x\n    owner: a\n    reason: b": "never expires",
		"quarantine:\n  - owner: a":                             "names neither test nor fingerprint",
		"quarantine:\n  - test: x\n    expires: soon":           `q.yaml:3: expires "soon": want a day`,
		"quarantine:\n  - test: x\n    until: 2026-01-01":       `q.yaml:3: unknown key "until"`,
		"quarantine:\n  - test: x\n    test: y":                 "given twice",
		"quarantine:\n  - test: [x]":                            "want one value",
		"quarantine: x":                                         "is no list",
		"- test: x":                                             "want\n  quarantine:",
		"quarantined: []":                                       `unknown key "quarantined"`,
		"quarantine: [x]":                                       "is no mapping",
		"quarantine: [\n":                                       "quarantine q.yaml: line",
		"quarantine: []\n---\nquarantine: []":                   "more than one document",
	} {
		_, err := ParseQuarantine("q.yaml", []byte(text))
		assert.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{"", "# nothing\n", "quarantine:\n", "quarantine: []", "---\n"} {
		q, err := ParseQuarantine("q.yaml", []byte(text))
		require.NoError(t, err, text)
		assert.Empty(t, q.Entries)
	}
}

func FuzzParseQuarantine(f *testing.F) {
	f.Add([]byte(excuse))
	f.Add([]byte("quarantine: [{test: *a}]"))
	f.Add([]byte("&a [*a]"))
	f.Add([]byte("quarantine:\n  - ? [x]\n    : y\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := ParseQuarantine("q.yaml", text)
		if err != nil {
			return
		}
		for _, e := range q.Entries {
			if e.Owner == "" || e.Reason == "" || e.Expires.IsZero() || e.Test+e.Fingerprint == "" {
				t.Fatalf("%q gave %+v", text, e)
			}
		}
	})
}
