package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Headline says in one line what a run found.
func Headline(r *harness.Result) string {
	r = asJudged(r)
	t, why := tallyOf(r.Tests), unfinished(r)
	var parts []string
	say := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	say(t.Flaky, "is flaky", "are flaky")
	say(t.Broken, "is broken", "are broken")
	say(t.Undecided, "is undecided", "are undecided")
	say(t.Infra, "could not be judged", "could not be judged")
	var s string
	switch {
	case t.Tests == 0 && reason(r) != "":
		return "Nothing was judged: " + reason(r)
	case t.Tests == 0:
		s = "No test ran"
	case why != "" && t.Flaky+t.Broken+t.Infra == 0 && t.Undecided > 0:
		return fmt.Sprintf("No verdict on %s: %s", count(t.Undecided, "test"), why)
	case len(parts) > 0:
		s = fmt.Sprintf("Of %s, %s", count(t.Tests, "test"), strings.Join(parts, ", "))
	case t.Stable == 0:
		s = fmt.Sprintf("Every test was skipped (%d)", t.Skipped)
	default:
		s = fmt.Sprintf("No flake found in %s", count(t.Stable, "test"))
		if t.Skipped > 0 {
			s += fmt.Sprintf(", %d skipped", t.Skipped)
		}
	}
	if why != "" {
		s += "; " + why
	}
	return s
}

func trials(r *harness.Result) string {
	if r.TrialsAsked > 0 && r.TrialsAsked != r.TrialsDone {
		return fmt.Sprintf("%d of %s", r.TrialsDone, count(r.TrialsAsked, "trial"))
	}
	return count(r.TrialsDone, "trial")
}

// Excludes says what the clean results of a run exclude, by the one that says
// least; empty when no test was clean.
func Excludes(r *harness.Result) string {
	r = asJudged(r)
	var worst *harness.TestResult
	differ := false
	for i := range r.Tests {
		t := &r.Tests[i]
		if !excludes(t) || t.Status == harness.Undecided && verdict.Ended(r) != verdict.Complete {
			continue
		}
		differ = differ || worst != nil && worst.Runs != t.Runs
		if worst == nil || t.Excludes > worst.Excludes {
			worst = t
		}
	}
	if worst == nil {
		return ""
	}
	s := fmt.Sprintf("%s failure rate above %s at 95 %%", cleanRuns(worst.Runs), percent(worst.Excludes))
	if t := tallyOf(r.Tests); t.Flaky+t.Broken > 0 {
		s = "Of the others, " + s
	}
	if differ {
		s += fmt.Sprintf(" (%s, the test with the fewest)", oneLine(worst.Name, 200))
	}
	return s
}

// excludes reports whether a test's passing says anything: not once it was provoked to fail.
func excludes(t *harness.TestResult) bool {
	return t.Excludes > 0 && t.Failures == 0 && t.Status != harness.Flaky && t.Status != harness.Broken
}

func cleanRuns(n int) string {
	if n == 1 {
		return "1 clean run excludes a"
	}
	return fmt.Sprintf("%d clean runs exclude a", n)
}

// redisWords says which Redis was used, and plainly when it was none.
func redisWords(r harness.RedisInfo) string {
	s := oneLine(r.Provider, 40)
	if r.Version != "" {
		s += " " + oneLine(r.Version, 40)
	}
	if r.Image != "" {
		s += " (" + oneLine(r.Image, 120) + ")"
	}
	if r.Address != "" {
		s += " at " + oneLine(r.Address, 120)
	}
	if !r.Real {
		s += ": an imitation, not a real Redis"
	}
	return s
}

// trouble orders statuses by how much a reader should look at them.
func trouble(s harness.Status) int {
	switch s {
	case harness.Broken:
		return 0
	case harness.Flaky:
		return 1
	case harness.StatusInfra:
		return 2
	case harness.Stable:
		return 4
	case harness.StatusSkipped:
		return 5
	}
	return 3
}

// byTrouble gives the tests in the order of interest; the result's own order
// is kept among equals and is not touched.
func byTrouble(tests []harness.TestResult) []*harness.TestResult {
	list := make([]*harness.TestResult, len(tests))
	for i := range tests {
		list[i] = &tests[i]
	}
	slices.SortStableFunc(list, func(a, b *harness.TestResult) int {
		return cmp.Or(cmp.Compare(trouble(a.Status), trouble(b.Status)), cmp.Compare(b.Rate, a.Rate))
	})
	return list
}

// toLookAt gives the tests that a reader should look at, the worst first, and
// how many others are undecided only since they ran too seldom.
func toLookAt(r *harness.Result) (list []*harness.TestResult, quiet int) {
	for _, t := range byTrouble(r.Tests) {
		switch {
		case trouble(t.Status) >= trouble(harness.Stable):
			return list, quiet
		case trouble(t.Status) == trouble(harness.Undecided) && t.Failures == 0 && t.Provoked.K == 0:
			quiet++
		default:
			list = append(list, t)
		}
	}
	return list, quiet
}

func quietWords(n int) string {
	return count(n, "test") + " without a failure, but with too few trials to decide"
}

// margins gives the margins, smallest first, those that no delay can break last.
func margins(r *harness.Result) []harness.Margin {
	list := slices.Clone(r.Margins)
	slices.SortStableFunc(list, func(a, b harness.Margin) int {
		if a.Ordered != b.Ordered {
			if a.Ordered {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Size, b.Size)
	})
	return list
}

// marginWords says a margin in a few words.
func marginWords(m *harness.Margin) string {
	switch detail := marginDetail(m); {
	case m == nil:
		return ""
	case m.Ordered:
		return detail
	case detail != "":
		return short(m.Size) + " (" + detail + ")"
	}
	return short(m.Size)
}

// marginDetail says how a margin is known.
func marginDetail(m *harness.Margin) string {
	switch {
	case m == nil:
		return ""
	case m.Ordered:
		return "ordered by the program: no delay can break it"
	case m.Predicted:
		return "predicted from passing runs"
	case m.Lo < m.Hi:
		return fmt.Sprintf("passes at %s, fails at %s", short(m.Lo), short(m.Hi))
	}
	return ""
}

// findingsOf gives the findings that were seen in a test, in the result's order;
// not what is only predicted of it.
func findingsOf(r *harness.Result, t *harness.TestResult) []*harness.Finding {
	var list []*harness.Finding
	for _, f := range shown(r) {
		if slices.Contains(t.Findings, f.ID) || slices.Contains(f.Tests, t.Name) {
			list = append(list, f)
		}
	}
	return list
}

// groupsOf gives the failures of a test, the commonest first. A test that only
// failed when provoked may have none of its own: then those of its findings.
func groupsOf(r *harness.Result, t *harness.TestResult) []harness.FailureGroup {
	groups := slices.Clone(t.Groups)
	slices.SortStableFunc(groups, func(a, b harness.FailureGroup) int { return cmp.Compare(b.Count, a.Count) })
	if len(groups) > 0 || t.Status != harness.Flaky && t.Status != harness.Broken {
		return groups
	}
	for _, f := range findingsOf(r, t) {
		groups = append(groups, harness.FailureGroup{
			Failure: f.Failure, Count: max(f.Provoked.K, f.Natural.K), Arm: harness.Provoke,
			Cause: f.Class, Finding: f.ID, First: f.Found, Wire: f.Timeline, Boundary: f.Boundary,
		})
	}
	if len(groups) == 0 {
		groups = append(groups, harness.FailureGroup{
			Failure: harness.Failure{Kind: harness.ErrorFailure,
				Message: fmt.Sprintf("failed %d of %d, and %d of %d when provoked; no message was kept", t.Failures, t.Runs, t.Provoked.K, t.Provoked.N)},
			Count: max(t.Failures, t.Provoked.K), Cause: t.Cause,
		})
	}
	return groups
}

// foundWords says how often a group was seen.
func foundWords(g *harness.FailureGroup) string {
	s := "in " + count(max(g.Count, 1), "trial")
	if g.Arm != "" && !g.Arm.Natural() {
		s += ", first while delays were injected (" + oneLine(string(g.Arm), 40) + ")"
	}
	if len(g.Trials) > 0 {
		list := make([]string, 0, 12)
		for i, n := range g.Trials {
			if i == 12 {
				list = append(list, "…")
				break
			}
			list = append(list, fmt.Sprint(n))
		}
		s += ": " + strings.Join(list, ", ")
	}
	return s
}

// boundaryWords says how sure it is that the frames shown are the test's own:
// of a foreign suite, as the shipped ones mark theirs.
func boundaryWords(t *harness.Target, b harness.Boundary) string {
	if t.Kind == harness.ShippedTarget || t.Kind == "" {
		return ""
	}
	return b.String()
}
