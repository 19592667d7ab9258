package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// counts are the numbers that every format tells of a run.
type counts struct{ Tests, Stable, Flaky, Broken, Undecided, Skipped, Infra, Runs, Failures int }

// TestNumbersAreEqualInEveryFormat reads the counts of a run out of the HTML
// page, JUnit, Markdown, JSON, CTRF, metrics and the terminal's table, and
// compares them.
func TestNumbersAreEqualInEveryFormat(t *testing.T) {
	for _, s := range sample.All() {
		if s.Name == "hostile" {
			continue // its statuses are no statuses
		}
		t.Run(s.Name, func(t *testing.T) {
			written := func(name string) string {
				var b bytes.Buffer
				for _, f := range append(Formats(), Extra()...) {
					if f.Name == name {
						require.NoError(t, f.Write(&b, s.Result, Options{}))
					}
				}
				return b.String()
			}
			want := fromJSON(t, written("json"))
			assert.Equal(t, want, fromPage(t, s.Result, written("html")), "HTML")
			assert.Equal(t, want, fromJUnit(t, s.Result), "JUnit")
			md := want
			md.Runs, md.Failures = 0, 0
			assert.Equal(t, md, fromMarkdown(t, written("md")), "Markdown")
			assert.Equal(t, md, fromMarkdown(t, written("comment")), "the short form")
			assert.Equal(t, want, fromMetrics(t, written("openmetrics")), "metrics")
			assert.Equal(t, want, fromCTRF(t, written("ctrf")), "CTRF")
			compareEachTest(t, s.Result, written("json"), written("ctrf"), written("html"))
			if len(s.Result.Tests) > 0 {
				var b bytes.Buffer
				require.NoError(t, Terminal(&b, s.Result, Options{Width: 120}))
				tests, stable, flaky, broken, runs := fromTerminal(t, b.String())
				assert.Equal(t, []int{want.Tests, want.Stable, want.Flaky, want.Broken, want.Runs}, []int{tests, stable, flaky, broken, runs}, "terminal")
			}
		})
	}
}

func fromJSON(t *testing.T, text string) (c counts) {
	var r harness.Result
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	for _, x := range r.Tests {
		c.add(string(x.Status))
		c.Runs += x.Runs
		c.Failures += x.Failures
	}
	return c
}

func (c *counts) add(status string) {
	c.Tests++
	switch status {
	case "stable":
		c.Stable++
	case "flaky":
		c.Flaky++
	case "broken":
		c.Broken++
	case "skipped":
		c.Skipped++
	case "infrastructure":
		c.Infra++
	default:
		c.Undecided++
	}
}

func fromPage(t *testing.T, r *harness.Result, page string) (c counts) {
	for _, m := range regexp.MustCompile(`<li id="t-[0-9a-f]{8}" data-s="([a-z]+)"`).FindAllStringSubmatch(page, -1) {
		c.add(m[1])
	}
	legend := counts{}
	for _, m := range regexp.MustCompile(`<b>(\d+)</b> (stable|flaky|broken|undecided|skipped|infrastructure)</li>`).FindAllStringSubmatch(page, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		for range n {
			legend.add(m[2])
		}
	}
	assert.Equal(t, legend, c, "the legend and the list")
	if m := regexp.MustCompile(`<dt>Executions</dt><dd>(\d+), (\S+)`).FindStringSubmatch(page); m != nil {
		c.Runs, _ = strconv.Atoi(m[1])
	}
	for _, m := range regexp.MustCompile(`<span class="rate">(\d+)/\d+</span>`).FindAllStringSubmatch(page, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		c.Failures += n
	}
	return c
}

func fromJUnit(t *testing.T, r *harness.Result) (c counts) {
	for _, n := range cases(t, r, "pass") {
		if n.attr("classname") == "flakehunt" {
			continue
		}
		status := ""
		for _, p := range n.first("properties").all("property") {
			v, _ := strconv.Atoi(p.attr("value"))
			switch p.attr("name") {
			case "flakehunt.status":
				status = p.attr("value")
			case "flakehunt.runs":
				c.Runs += v
			case "flakehunt.failures":
				c.Failures += v
			}
		}
		c.add(status)
	}
	return c
}

// ctrfCounts is what is read of a CTRF file.
type ctrfCounts struct {
	Results struct {
		Summary struct{ Tests, Passed, Failed, Skipped, Other, Flaky int }
		Tests   []struct {
			Name, RawStatus, Status string
			Suite                   []string
			Extra                   struct{ Runs, Failures, Provoked, Aimed int }
		}
	}
}

func fromCTRF(t *testing.T, text string) (c counts) {
	var f ctrfCounts
	require.NoError(t, json.Unmarshal([]byte(text), &f))
	by := map[string]int{}
	for _, x := range f.Results.Tests {
		by[x.Status]++
		if x.Name == "flakehunt › hunt" {
			continue
		}
		c.add(strings.Replace(x.RawStatus, "infra", "infrastructure", 1))
		c.Runs += x.Extra.Runs
		c.Failures += x.Extra.Failures
	}
	s := f.Results.Summary
	assert.Equal(t, []int{len(f.Results.Tests), by["passed"], by["failed"], by["skipped"], by["other"]}, []int{s.Tests, s.Passed, s.Failed, s.Skipped, s.Other}, "CTRF's own sums")
	assert.Equal(t, c.Flaky, s.Flaky, "CTRF's own sum of flaky tests")
	return c
}

// compareEachTest compares what each test's own place says: status, executions,
// failures and aimed trials, in JSON, JUnit, CTRF and the page; and the findings.
func compareEachTest(t *testing.T, r *harness.Result, text, ctrf, page string) {
	var want harness.Result
	require.NoError(t, json.Unmarshal([]byte(text), &want))
	own := map[string]string{} // by status, executions, …: JUnit names tests apart, so in order
	var junit []string
	for _, n := range cases(t, r, "pass") {
		if n.attr("classname") == "flakehunt" {
			continue
		}
		of := map[string]string{}
		for _, p := range n.first("properties").all("property") {
			of[p.attr("name")] = p.attr("value")
		}
		junit = append(junit, fmt.Sprintf("%s %s %s", of["flakehunt.status"], of["flakehunt.runs"], of["flakehunt.failures"]))
	}
	var f ctrfCounts
	require.NoError(t, json.Unmarshal([]byte(ctrf), &f))
	for _, x := range f.Results.Tests {
		own[x.Name] = fmt.Sprintf("%s %d %d %d/%d", strings.Replace(x.RawStatus, "infra", "infrastructure", 1), x.Extra.Runs, x.Extra.Failures, x.Extra.Provoked, x.Extra.Aimed)
	}
	var told []string
	for i := range want.Tests {
		x := &want.Tests[i]
		told = append(told, fmt.Sprintf("%s %d %d", x.Status, x.Runs, x.Failures))
		assert.Equal(t, fmt.Sprintf("%s %d %d %d/%d", x.Status, x.Runs, x.Failures, x.Provoked.K, x.Provoked.N), own[x.Name], "CTRF: %s", x.Name)
		at := strings.Index(page, `<li id="`+anchor(x.Name)+`"`)
		require.Positive(t, at, x.Name)
		row, _, _ := strings.Cut(page[at:], "</li>\n<")
		assert.Contains(t, row, `data-s="`+string(x.Status)+`"`, x.Name)
		if x.Runs > 0 && (x.Failures > 0 || x.Provoked.K == 0) {
			assert.Contains(t, row, fmt.Sprintf(`<span class="rate">%d/%d</span>`, x.Failures, x.Runs), x.Name)
		}
		if x.Provoked.N > 0 {
			assert.Contains(t, row, fmt.Sprintf(`%d of %d aimed trials failed`, x.Provoked.K, x.Provoked.N), x.Name)
		}
	}
	assert.ElementsMatch(t, told, junit, "JUnit, test by test")
	var terminal, md bytes.Buffer
	require.NoError(t, Terminal(&terminal, r, Options{Width: 120}))
	require.NoError(t, Markdown(&md, r, Options{}))
	for _, x := range want.Findings {
		if x.Standing == harness.Latent {
			continue
		}
		for name, text := range map[string]string{"page": page, "terminal": terminal.String(), "markdown": md.String()} {
			assert.Contains(t, text, x.ID, name)
		}
		for name, text := range map[string]string{"terminal": terminal.String(), "markdown": md.String()} {
			assert.Contains(t, strings.Join(strings.Fields(text), " "), fmt.Sprintf("%d of %d", x.Provoked.K, x.Provoked.N), "%s: %s", name, x.ID)
		}
	}
}

func fromMarkdown(t *testing.T, text string) (c counts) {
	m := regexp.MustCompile(`(?m)^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|`).FindStringSubmatch(text)
	require.NotNil(t, m)
	for i, p := range []*int{&c.Tests, &c.Stable, &c.Flaky, &c.Broken, &c.Undecided, &c.Skipped, &c.Infra} {
		*p, _ = strconv.Atoi(m[i+1])
	}
	return c
}

func fromMetrics(t *testing.T, text string) (c counts) {
	for line := range strings.Lines(text) {
		var n int
		var status string
		if m := regexp.MustCompile(`^flakehunt_tests\{status="([a-z]+)"\} (\d+)`).FindStringSubmatch(line); m != nil {
			status = m[1]
			n, _ = strconv.Atoi(m[2])
			for range n {
				c.add(status)
			}
		}
		last := line[strings.LastIndexByte(line, ' ')+1:]
		n, _ = strconv.Atoi(strings.TrimSpace(last))
		switch {
		case strings.HasPrefix(line, "flakehunt_test_runs{"):
			c.Runs += n
		case strings.HasPrefix(line, "flakehunt_test_failures{"):
			c.Failures += n
		}
	}
	return c
}

// fromTerminal adds the rows of suites up; those of categories are indented.
func fromTerminal(t *testing.T, text string) (tests, stable, flaky, broken, runs int) {
	row := regexp.MustCompile(`(?m)^(\S.*?) +(\d+) +(\d+|·) +(\d+|·) +(\d+|·) +(\d+|·) +(?:–|[0-9.]+ %)$`)
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		for i, p := range []*int{&tests, &stable, &flaky, &broken, &runs} {
			if m[i+2] != "·" {
				n, err := strconv.Atoi(m[i+2])
				require.NoError(t, err)
				*p += n
			}
		}
	}
	require.NotZero(t, tests, text)
	return tests, stable, flaky, broken, runs
}

// TestSummaryIsReadableAtEightyColumns shows that only headings, code, HTML and
// tables are wider.
func TestSummaryIsReadableAtEightyColumns(t *testing.T) {
	for _, s := range sample.All() {
		if s.Name == "hostile" {
			continue
		}
		var b bytes.Buffer
		require.NoError(t, Markdown(&b, s.Result, Options{}))
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if len([]rune(line)) <= mdColumns || strings.ContainsAny(line, "`<|") || strings.HasPrefix(line, "#") {
				continue
			}
			assert.Fail(t, fmt.Sprintf("%s: %d columns: %s", s.Name, len([]rune(line)), line))
		}
	}
}

// TestCommentFits has a run that is far larger than a comment may be.
func TestCommentFits(t *testing.T) {
	for _, r := range []*harness.Result{sample.Large(1000, 100), sample.Hostile(), many(50)} {
		var b bytes.Buffer
		require.NoError(t, Comment(&b, r, Options{}))
		assert.LessOrEqual(t, len([]rune(b.String())), 65_536)
		assert.Contains(t, b.String(), "tests")
	}
}

// many is a flaky run with n findings.
func many(n int) *harness.Result {
	r := sample.Flaky()
	f := r.Findings[0]
	for i := range n {
		f.ID = fmt.Sprintf("F-%08x", i)
		r.Findings = append(r.Findings, f)
	}
	return r
}
