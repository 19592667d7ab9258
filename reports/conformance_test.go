package reports

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// Each reader below takes from junit.xml what one consumer documents that it
// reads, and nothing else; the tests ask whether that consumer then comes to the
// right conclusion.

// cases gives all test cases of a report.
func cases(t *testing.T, r *harness.Result, mode string) []*node {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, JUnit(&buf, r, Options{JUnitFlaky: mode}))
	var list []*node
	for _, s := range parseXML(t, buf.Bytes()).all("testsuite") {
		list = append(list, s.all("testcase")...)
	}
	return list
}

func caseNamed(t *testing.T, list []*node, name string) *node {
	t.Helper()
	i := slices.IndexFunc(list, func(n *node) bool { return n.attr("name") == name })
	require.GreaterOrEqual(t, i, 0, name)
	return list[i]
}

const (
	flakyTest  = "smoke/listener/case-1" // two kinds of failure
	brokenTest = "TestCheckout/with_coupon"
	racyTest   = "TestConcurrentAdd"
)

// jenkinsCase is what the Jenkins JUnit plugin shows: it knows flakyFailure and
// rerunFailure, and takes their traces from the child stackTrace.
type jenkinsCase struct {
	status  string // passed, failed, skipped
	flaky   []string
	reruns  []string
	traces  []string
	details string
}

func readJenkins(n *node) jenkinsCase {
	c := jenkinsCase{status: "passed"}
	if n.first("skipped") != nil {
		c.status = "skipped"
	}
	for _, name := range []string{"error", "failure"} {
		if f := n.first(name); f != nil {
			c.status, c.details = "failed", f.Text
		}
	}
	for _, f := range append(n.all("flakyFailure"), n.all("rerunFailure")...) {
		if f.XMLName.Local == "flakyFailure" {
			c.flaky = append(c.flaky, f.attr("message"))
		} else {
			c.reruns = append(c.reruns, f.attr("message"))
		}
		if s := f.first("stackTrace"); s != nil {
			c.traces = append(c.traces, s.Text)
		}
	}
	return c
}

func TestJenkinsReads(t *testing.T) {
	flaky := readJenkins(caseNamed(t, cases(t, sample.Flaky(), "pass"), flakyTest))
	assert.Equal(t, "passed", flaky.status)
	assert.Equal(t, []string{"received 0 of 1 message within 150ms", "deadline of 10s passed"}, flaky.flaky)
	require.Len(t, flaky.traces, 2)
	assert.Contains(t, flaky.traces[0], "listener.go:37")
	assert.Contains(t, flaky.traces[0], "flakehunt repro F-1c9a40e2")

	failing := readJenkins(caseNamed(t, cases(t, sample.Flaky(), "fail"), flakyTest))
	assert.Equal(t, "failed", failing.status)
	assert.Empty(t, failing.flaky, "it failed")
	assert.Len(t, failing.reruns, 2)

	broken := readJenkins(caseNamed(t, cases(t, sample.Broken(), "pass"), brokenTest))
	assert.Equal(t, "failed", broken.status)
	assert.Contains(t, broken.details, "cart_test.go:57")
	assert.Empty(t, broken.flaky)
	assert.Len(t, broken.reruns, 2)

	for _, n := range cases(t, sample.Infra(), "pass") {
		c := readJenkins(n)
		assert.Empty(t, c.flaky, "infrastructure is never a flake")
		assert.NotEqual(t, "skipped", c.status, "nor something that nobody needs to look at")
	}
}

// surefireOutcome classifies a case as Surefire's report parser does: each
// flakyFailure or flakyError is a flake, failure and error fail.
func surefireOutcome(n *node) (outcome string, flakes int) {
	flakes = len(n.all("flakyFailure")) + len(n.all("flakyError"))
	switch {
	case n.first("error") != nil:
		return "error", flakes
	case n.first("failure") != nil:
		return "failure", flakes
	case n.first("skipped") != nil:
		return "skipped", flakes
	case flakes > 0:
		return "flaky", flakes
	}
	return "passed", 0
}

func TestSurefireReads(t *testing.T) {
	want := map[harness.Status]string{
		harness.Stable: "passed", harness.Flaky: "flaky", harness.Broken: "failure", harness.Undecided: "skipped",
		harness.StatusSkipped: "skipped", harness.StatusInfra: "error",
	}
	for _, s := range sample.All() {
		list := cases(t, s.Result, "pass")
		i := 0
		for _, x := range inFileOrder(asJudged(s.Result)) {
			outcome, flakes := surefireOutcome(list[i])
			expected := want[x.Status]
			if strings.HasSuffix(x.Name, "TestConcurrentAdd") {
				expected = "failure" // a data race is not excused by a later pass
			}
			if expected != "" { // an unknown status (the hostile sample's) has none
				assert.Equal(t, expected, outcome, "%s: %s", s.Name, x.Name)
			}
			if outcome == "failure" {
				assert.Zero(t, flakes, "%s: a reader would take it for one that passed", x.Name)
			} else if x.Status == harness.Flaky {
				assert.Equal(t, max(1, len(x.Groups)), flakes, "one for each fingerprint")
			}
			i++
		}
	}
}

// inFileOrder gives the tests suite by suite, as JUnit writes them.
func inFileOrder(r *harness.Result) []harness.TestResult {
	var suites []string
	for _, t := range r.Tests {
		if !slices.Contains(suites, t.Suite) {
			suites = append(suites, t.Suite)
		}
	}
	list := slices.Clone(r.Tests)
	slices.SortStableFunc(list, func(a, b harness.TestResult) int {
		return cmp.Compare(slices.Index(suites, a.Suite), slices.Index(suites, b.Suite))
	})
	return list
}

// trunkCase is what Trunk reads: all four rerun elements with message, text,
// time and timestamp, and the place of the test.
type trunkCase struct {
	id, file string
	line     int
	attempts []*node
}

func readTrunk(t *testing.T, n *node) trunkCase {
	c := trunkCase{id: n.attr("file") + "|" + n.attr("classname") + "|" + n.attr("name"), file: n.attr("file")}
	if s := n.attr("line"); s != "" {
		line, err := strconv.Atoi(s)
		require.NoError(t, err)
		c.line = line
	}
	for _, name := range []string{"flakyFailure", "flakyError", "rerunFailure", "rerunError"} {
		c.attempts = append(c.attempts, n.all(name)...)
	}
	return c
}

func TestTrunkReads(t *testing.T) {
	list := cases(t, sample.Flaky(), "pass")
	seen := map[string]bool{}
	for _, n := range list {
		c := readTrunk(t, n)
		assert.False(t, seen[c.id], "two cases are one test to Trunk: %s", c.id)
		seen[c.id] = true
	}
	c := readTrunk(t, caseNamed(t, list, flakyTest))
	assert.Equal(t, "scenarios/smoke/listener.go", c.file)
	assert.Equal(t, 20, c.line)
	require.Len(t, c.attempts, 2)
	assert.Contains(t, c.attempts[0].Text, "listener.go:37", "the trace in the text too")
	assert.Equal(t, "0.163000", c.attempts[0].attr("time"))
	assert.Equal(t, "2026-03-14T09:26:57Z", c.attempts[0].attr("timestamp"))
	assert.Equal(t, "assertion", c.attempts[0].attr("type"))
	assert.Equal(t, "timeout", c.attempts[1].attr("type"))
}

// mikepenz/action-junit-report counts the flakyFailure children of a case that passed.
func mikepenzFlaky(list []*node) (flaky, failed int) {
	for _, n := range list {
		switch {
		case n.first("failure") != nil || n.first("error") != nil:
			failed++
		case len(n.all("flakyFailure")) > 0:
			flaky++
		}
	}
	return flaky, failed
}

func TestMikepenzCounts(t *testing.T) {
	flaky, failed := mikepenzFlaky(cases(t, sample.Flaky(), "pass"))
	assert.Equal(t, []int{3, 0}, []int{flaky, failed})
	flaky, failed = mikepenzFlaky(cases(t, sample.Flaky(), "fail"))
	assert.Equal(t, []int{0, 3}, []int{flaky, failed})
}

// severest is how EnricoMi's publisher and dorny's reporter judge: they know no
// flaky elements, and of several results in one case the most severe wins.
func severest(n *node) string {
	for _, name := range []string{"error", "failure", "skipped"} {
		if n.first(name) != nil {
			return name
		}
	}
	return "success"
}

func TestReadersWithoutFlakyElements(t *testing.T) {
	assert.Equal(t, "success", severest(caseNamed(t, cases(t, sample.Flaky(), "pass"), flakyTest)))
	assert.Equal(t, "failure", severest(caseNamed(t, cases(t, sample.Flaky(), "fail"), flakyTest)))
	assert.Equal(t, "failure", severest(caseNamed(t, cases(t, sample.Broken(), "pass"), brokenTest)))
	assert.Equal(t, "failure", severest(caseNamed(t, cases(t, sample.Broken(), "pass"), racyTest)))
}

// GitLab takes the first of cases with one name and refuses files over 30 MB.
func TestGitLabReads(t *testing.T) {
	for _, s := range append(sample.All(), sample.Named{Name: "large", Result: sample.Large(1000, 100)}) {
		var buf bytes.Buffer
		require.NoError(t, JUnit(&buf, s.Result, Options{}))
		assert.Less(t, buf.Len(), 30_000_000)
		names := map[string]bool{}
		for _, n := range cases(t, s.Result, "pass") {
			names[n.attr("name")] = true
			assert.NotEmpty(t, n.attr("classname"))
			_, err := strconv.ParseFloat(n.attr("time"), 64)
			assert.NoError(t, err)
		}
		assert.Len(t, names, len(s.Result.Tests)+huntCases(s.Result, "pass"), "%s: no case is lost as a duplicate", s.Name)
	}
	n := caseNamed(t, cases(t, sample.Broken(), "pass"), brokenTest)
	assert.Equal(t, "applying coupon SPRING", n.first("system-out").Text)
}

// TestGitLabLimitHolds has more text than a file may hold.
func TestGitLabLimitHolds(t *testing.T) {
	r := sample.Large(1000, 10)
	long := strings.Repeat("x < y & z\n", 1<<13)
	for i := range r.Tests {
		r.Tests[i].Status = harness.Flaky
		r.Tests[i].Groups = nil
		for range 3 {
			r.Tests[i].Groups = append(r.Tests[i].Groups, harness.FailureGroup{Failure: harness.Failure{Message: long, Stack: long}, Output: long, Count: 1})
		}
	}
	var buf bytes.Buffer
	require.NoError(t, JUnit(&buf, r, Options{}))
	assert.Less(t, buf.Len(), 30_000_000)
}

// Datadog takes its tags from properties named dd_tags[key].
func datadogTags(n *node) map[string]string {
	tags := map[string]string{}
	for _, p := range n.first("properties").all("property") {
		if key, ok := strings.CutPrefix(p.attr("name"), "dd_tags["); ok {
			tags[strings.TrimSuffix(key, "]")] = p.attr("value")
		}
	}
	return tags
}

func TestDatadogReads(t *testing.T) {
	tags := datadogTags(caseNamed(t, cases(t, sample.Flaky(), "pass"), flakyTest))
	assert.Equal(t, map[string]string{
		"flakehunt.status": "flaky", "flakehunt.runs": "30", "flakehunt.failures": "11", "flakehunt.rate_lo": "0.201667", "flakehunt.rate_hi": "0.568333",
		"flakehunt.cause": "race/subscribe-publish", "flakehunt.margin_ms": "1.500", "flakehunt.repro": "flakehunt repro F-1c9a40e2",
	}, tags)
}

func TestPropertiesOfATest(t *testing.T) {
	n := caseNamed(t, cases(t, sample.Flaky(), "pass"), "integration/kv/case-5")
	values := map[string]string{}
	for _, p := range n.first("properties").all("property") {
		values[p.attr("name")] = p.attr("value")
	}
	for key, want := range map[string]string{"runs": "30", "failures": "0", "provoked": "9/10", "cause": "race/lost-update", "margin_ms": "8.000", "repro": "flakehunt repro F-77b0d3fa"} {
		assert.Equal(t, want, values["flakehunt."+key])
		assert.Equal(t, want, values["dd_tags[flakehunt."+key+"]"])
	}
}
