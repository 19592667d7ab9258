package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// extent is how much a summary in Markdown tells.
type extent struct {
	bytes                             int
	tests, findings, margins, details int // how many are told one by one; details: findings with their message
}

var (
	// summaryExtent stays below the 1 MiB over which GitHub drops a step summary as a whole.
	summaryExtent = extent{1<<20 - 64<<10, 200, 1 << 20, 20, 1 << 20}
	// commentExtent stays below the 65,536 characters that a comment may have.
	commentExtent = extent{60_000, 20, 10, 5, 0}
)

// Markdown writes summary.md, for a step summary; always under 1 MiB, and it says
// how much was left out. Its lines are wrapped at 80 columns.
func Markdown(w io.Writer, r *harness.Result, _ Options) error { return markdown(w, r, summaryExtent) }

// Comment writes comment.md, the short form for a comment: under 65,536 characters.
func Comment(w io.Writer, r *harness.Result, _ Options) error { return markdown(w, r, commentExtent) }

func markdown(w io.Writer, r *harness.Result, x extent) error {
	r = asJudged(r)
	b := &limited{limit: x.bytes}
	t := tallyOf(r.Tests)
	fmt.Fprintf(b, "## %s\n\n", md(Headline(r), 600)) // a heading cannot be wrapped
	if s := Excludes(r); s != "" {
		b.WriteString(wrapMD("", md(s, 600)+".") + "\n\n")
	}
	b.WriteString("| tests | stable | flaky | broken | undecided | skipped | infra | passed |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	fmt.Fprintf(b, "| %d | %d | %d | %d | %d | %d | %d | %s |\n\n", t.Tests, t.Stable, t.Flaky, t.Broken, t.Undecided, t.Skipped, t.Infra, t.passRate())
	if s := lost(r); s != "" {
		b.WriteString(wrapMD("", "**"+s+".**") + "\n\n")
	}
	mdNotes(b, r)
	mdTests(b, r, x)
	mdFindings(b, r, x)
	mdLatent(b, r, x)
	mdMargins(b, r, x)
	if x.details > 0 {
		mdExpectations(b, r)
	}
	b.add(wrapMD("", fmt.Sprintf("%s on Redis: %s. Again:", trials(r), md(redisWords(r.Redis), 300))) + "\n" + code(Rerun(r), 2000) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// mdColumns is the width at which a summary reads well where it is not rendered.
const mdColumns = 80

// wrapMD breaks text at blanks, so that its lines have no more than 80 columns
// where that can be; the first begins with lead, the others with as many blanks.
// A word that would begin a construct of Markdown stays where it is.
func wrapMD(lead, text string) string {
	width := mdColumns - len(lead)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width || strings.ContainsRune("-+*#>=|~:0123456789", rune(word[0])):
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return lead + strings.Join(append(lines, line), "\n"+strings.Repeat(" ", len(lead)))
}

func mdNotes(b *limited, r *harness.Result) {
	for i, f := range r.Infra {
		if i == 5 {
			fmt.Fprintf(b, "- **infrastructure**, not counted: %d more\n", len(r.Infra)-i)
			break
		}
		b.WriteString(wrapMD("- ", fmt.Sprintf("**infrastructure**, not counted: %s: %s", md(f.What, 100), md(f.Err, 500))) + "\n")
	}
	for i, s := range r.Warnings {
		if i == 10 {
			fmt.Fprintf(b, "- %d more warnings\n", len(r.Warnings)-i)
			break
		}
		b.WriteString(wrapMD("- ", "warning: "+md(s, 500)) + "\n")
	}
	if len(r.Infra)+len(r.Warnings) > 0 {
		b.WriteString("\n")
	}
}

func mdTests(b *limited, r *harness.Result, x extent) {
	list, quiet := toLookAt(r)
	if quiet > 0 {
		fmt.Fprintf(b, "%s.\n\n", quietWords(quiet))
	}
	if len(list) == 0 {
		return
	}
	b.WriteString("### Tests to look at\n\n")
	for i, t := range list {
		if i == x.tests || !b.add(mdTest(r, t)) {
			fmt.Fprintf(b, "\n%d more in report.html\n", len(list)-i)
			break
		}
	}
	b.WriteString("\n")
}

// mdTest is one test: its name in a line of its own, since it may be long.
func mdTest(r *harness.Result, t *harness.TestResult) string {
	facts := []string{fmt.Sprintf("failed %d of %d: %s", t.Failures, t.Runs, rateWords(t))}
	if t.Runs == 0 {
		facts[0] = "never ran"
	}
	if t.Provoked.N > 0 {
		facts = append(facts, fmt.Sprintf("provoked %d of %d", t.Provoked.K, t.Provoked.N))
	}
	if c := causeOf(r, t); c != "" {
		facts = append(facts, md(string(c), 60))
	}
	if t.Margin != nil {
		facts = append(facts, "margin "+md(marginWords(t.Margin), 100))
	}
	return fmt.Sprintf("- **%s** %s\n", md(orElse(string(t.Status), string(harness.Undecided)), 30), code(orElse(t.Name, "(no name)"), 200)) + wrapMD("  ", strings.Join(facts, "; ")) + "\n"
}

func mdFindings(b *limited, r *harness.Result, x extent) {
	list := shown(r)
	if len(list) == 0 {
		return
	}
	b.WriteString("### Findings\n\n")
	for i, f := range list {
		part := mdFinding(f)
		if i >= x.details {
			part = mdShortFinding(f)
		}
		if i == x.findings || !b.add(part) {
			fmt.Fprintf(b, "%d more in report.html\n\n", len(list)-i)
			return
		}
	}
	if x.details == 0 {
		b.add("\n")
	}
}

// mdShortFinding is a finding in a list: what it is, and how it is seen.
func mdShortFinding(f *harness.Finding) string {
	return wrapMD("- ", fmt.Sprintf("**%s**, %s: %s (%s)", md(string(f.Class), 60), md(string(f.Standing), 40), md(f.Title, 300), md(evidence(f), 200))) + "\n  " + code(Repro(f.ID), 200) + "\n"
}

func mdFinding(f *harness.Finding) string {
	var p strings.Builder
	fmt.Fprintf(&p, "<details><summary>%s <b>%s</b> (%s)</summary>\n\n", summaryText(f.ID, 40), summaryText(f.Title, 400), summaryText(string(f.Class)+", "+string(f.Standing), 100))
	p.WriteString(wrapMD("", md(f.Explanation, 3000)) + "\n\n")
	p.WriteString(wrapMD("- ", "failed: "+md(evidence(f), 300)) + "\n")
	if f.Margin != nil {
		p.WriteString(wrapMD("- ", "margin: "+md(marginWords(f.Margin), 200)) + "\n")
	}
	if s := boundaryWords(&f.Target, f.Boundary); s != "" {
		p.WriteString(wrapMD("- ", "test boundaries on the wire: "+s) + "\n")
	}
	if len(f.Tests) > 0 {
		fmt.Fprintf(&p, "- seen in %s", code(f.Tests[0], 200))
		if len(f.Tests) > 1 {
			fmt.Fprintf(&p, " and %d more", len(f.Tests)-1)
		}
		p.WriteString("\n")
	}
	fmt.Fprintf(&p, "- replay: %s\n- check a fix: %s\n\n", code(Repro(f.ID), 200), code(Verify(f.ID), 200))
	if f.Failure.Message != "" {
		p.WriteString(fence(f.Failure.Message, 2000) + "\n")
	}
	p.WriteString("</details>\n\n")
	return p.String()
}

func mdMargins(b *limited, r *harness.Result, x extent) {
	list := smallest(r)
	if len(list) == 0 {
		return
	}
	b.add("### Smallest timing margins\n\n")
	for i := range list {
		m := &list[i].Least
		if i == x.margins || !b.add(fmt.Sprintf("- %s\n", code(m.Test, 200))+wrapMD("  ", md(marginWords(m)+": "+m.Edge, 400))+"\n") {
			fmt.Fprintf(b, "\n%d more in report.html\n", len(list)-i)
			break
		}
	}
	b.add("\n")
}

func mdExpectations(b *limited, r *harness.Result) {
	if len(r.Expectations) == 0 {
		return
	}
	b.add("### Test expectation against implementation\n\n")
	for i, e := range r.Expectations {
		if i == 50 || !b.add(wrapMD("- ", fmt.Sprintf("**%s**: tests expect: %s. The adapter: %s. Measured gap: **%s**", md(e.Topic, 100), md(e.Expects, 500), md(e.Implementation, 500), md(e.Gap, 500)))+"\n") {
			fmt.Fprintf(b, "\n%d more in report.html\n", len(r.Expectations)-i)
			break
		}
	}
	b.add("\n")
}
