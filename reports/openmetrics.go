package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// OpenMetrics writes counts for a scraper or a push gateway: of the run, and of
// each test. Labels hold what names a test, and no text of a failure.
func OpenMetrics(w io.Writer, r *harness.Result, _ Options) error {
	r = asJudged(r)
	var b strings.Builder
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# TYPE %s %s\n# HELP %s %s\n", name, kind, name, help) }
	t := tallyOf(r.Tests)
	family("flakehunt_tests", "gauge", "Tests by status.")
	for _, s := range []struct {
		status string
		n      int
	}{{"stable", t.Stable}, {"flaky", t.Flaky}, {"broken", t.Broken}, {"undecided", t.Undecided}, {"skipped", t.Skipped}, {"infrastructure", t.Infra}} {
		fmt.Fprintf(&b, "flakehunt_tests{status=%q} %d\n", s.status, s.n)
	}
	family("flakehunt_complete", "gauge", "1 if the run did all that was asked of it.")
	done := 0
	if verdict.Ended(r) == verdict.Complete {
		done = 1
	}
	fmt.Fprintf(&b, "flakehunt_complete %d\n", done)
	family("flakehunt_trials_lost", "gauge", "Trials that infrastructure took.")
	fmt.Fprintf(&b, "flakehunt_trials_lost %d\n", len(r.Infra))
	family("flakehunt_findings", "gauge", "Causes by class and standing.")
	type key struct{ class, standing string }
	counts, order := map[key]int{}, []key{}
	for i := range r.Findings {
		k := key{string(r.Findings[i].Class), string(r.Findings[i].Standing)}
		if counts[k] == 0 {
			order = append(order, k)
		}
		counts[k]++
	}
	for _, k := range order {
		fmt.Fprintf(&b, "flakehunt_findings{class=%s,standing=%s} %d\n", label(k.class), label(k.standing), counts[k])
	}
	for _, m := range []struct {
		name, help string
		value      func(t *harness.TestResult) (string, bool)
	}{
		{"flakehunt_test_runs", "Executions that count.", func(t *harness.TestResult) (string, bool) { return fmt.Sprint(t.Runs), true }},
		{"flakehunt_test_failures", "Of them, those that failed.", func(t *harness.TestResult) (string, bool) { return fmt.Sprint(t.Failures), true }},
		{"flakehunt_test_provoked", "Aimed trials that failed.", func(t *harness.TestResult) (string, bool) { return fmt.Sprint(t.Provoked.K), true }},
		{"flakehunt_test_duration_seconds", "The median.", func(t *harness.TestResult) (string, bool) { return fmt.Sprint(t.P50.Milliseconds() / 1e3), true }},
		{"flakehunt_test_margin_seconds", "How much later one command may come.", func(t *harness.TestResult) (string, bool) {
			if t.Margin == nil || t.Margin.Ordered {
				return "", false
			}
			return fmt.Sprint(t.Margin.Size.Milliseconds() / 1e3), true
		}},
	} {
		family(m.name, "gauge", m.help)
		for i := range r.Tests {
			if v, ok := m.value(&r.Tests[i]); ok {
				fmt.Fprintf(&b, "%s{test=%s,suite=%s} %s\n", m.name, label(r.Tests[i].Name), label(r.Tests[i].Suite), v)
			}
		}
	}
	b.WriteString("# EOF\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// label quotes a label's value as OpenMetrics wants it.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(oneLine(s, 500)) + `"`
}
