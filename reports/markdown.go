package reports

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// markdownLimit is below the 1 MiB over which GitHub drops a step summary as a
// whole, and markdownTests how many tests are told one by one.
const (
	markdownLimit = 1<<20 - 64<<10
	markdownTests = 200
)

// special are the characters that could begin a construct of GitHub's Markdown
// within a line; lead, those that could at its start.
var (
	special = regexp.MustCompile("[\\\\`*_\\[\\]|~$]")
	lead    = regexp.MustCompile(`^(\d*)([-+.)])(\s|$)`)
	emoji   = regexp.MustCompile(`:([/\w+-])`)    // :name: and the colon of a bare link
	link    = regexp.MustCompile(`(?i)\b(www)\.`) // GitHub links these without a scheme
	issue   = regexp.MustCompile(`([#@])(\w)`)    // issues and people
)

// md makes text that Markdown shows as it is, in one line.
func md(s string, n int) string {
	s = htmlText(s, n)
	s = special.ReplaceAllStringFunc(s, func(c string) string {
		if c == "|" || c == "$" { // a table takes a backslash for its own, mathematics ignores it
			return fmt.Sprintf("&#%d;", c[0])
		}
		return "\\" + c
	})
	if strings.HasPrefix(s, "#") {
		s = "\\" + s
	}
	return lead.ReplaceAllString(s, `$1\$2$3`)
}

// htmlText is text for an HTML element inside Markdown. A comment parts what
// GitHub would make a link of after it has rendered the text, when an escape no
// longer helps.
func htmlText(s string, n int) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(oneLine(s, n))
	s = issue.ReplaceAllString(s, "$1<!-- -->$2") // first: the others write # themselves
	s = emoji.ReplaceAllString(s, "&#58;$1")
	return link.ReplaceAllString(s, "$1&#46;")
}

// summaryText is htmlText for a line of HTML in which Markdown still reads
// emphasis and code.
func summaryText(s string, n int) string {
	return special.ReplaceAllStringFunc(htmlText(s, n), func(c string) string { return fmt.Sprintf("&#%d;", c[0]) })
}

// code makes text in a code span that also stands in a table.
func code(s string, n int) string {
	s = oneLine(s, n)
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "|`") {
		// Neither can be escaped within a span in a table, so HTML does it.
		return "<code>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;",
			"*", "&#42;", "_", "&#95;", "\\", "&#92;", "@", "&#64;", "[", "&#91;", "$", "&#36;", "~", "&#126;").Replace(s) + "</code>"
	}
	return "`" + s + "`"
}

// fence makes a block of code that its content cannot end.
func fence(s string, n int) string {
	s = block(s, n)
	ticks := "```"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	return ticks + "text\n" + s + "\n" + ticks + "\n"
}

// limited is a string builder that refuses what would exceed the limit, so that
// a part is shown whole or not at all.
type limited struct {
	strings.Builder
	limit int
}

func (l *limited) add(part string) bool {
	if l.Len()+len(part) > l.limit {
		return false
	}
	l.WriteString(part)
	return true
}

// Markdown writes summary.md, for a step summary or a comment; always under
// 1 MiB, and it says how much was left out.
func Markdown(w io.Writer, r *harness.Result, _ Options) error {
	r = settled(r)
	b := &limited{limit: markdownLimit}
	t := tallyOf(r.Tests)
	fmt.Fprintf(b, "## %s\n\n", md(Headline(r), 600))
	if s := Excludes(r); s != "" {
		fmt.Fprintf(b, "%s.\n\n", md(s, 600))
	}
	b.WriteString("| tests | stable | flaky | broken | undecided | skipped | infra | pass rate |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	fmt.Fprintf(b, "| %d | %d | %d | %d | %d | %d | %d | %s |\n\n", t.Tests, t.Stable, t.Flaky, t.Broken, t.Undecided, t.Skipped, t.Infra, t.passRate())
	fmt.Fprintf(b, "%s on Redis: %s. Again: %s\n\n", trials(r), md(redisWords(r.Redis), 300), code(Rerun(r), 2000))
	if s := lost(r); s != "" {
		fmt.Fprintf(b, "**%s.**\n\n", s)
	}
	mdNotes(b, r)
	mdTests(b, r)
	mdFindings(b, r)
	mdLatent(b, r)
	mdMargins(b, r)
	mdExpectations(b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func mdNotes(b *limited, r *harness.Result) {
	for i, f := range r.Infra {
		if i == 5 {
			fmt.Fprintf(b, "- **infrastructure**, not counted: %d more\n", len(r.Infra)-i)
			break
		}
		fmt.Fprintf(b, "- **infrastructure**, not counted: %s: %s\n", md(f.What, 100), md(f.Err, 500))
	}
	for i, s := range r.Warnings {
		if i == 10 {
			fmt.Fprintf(b, "- %d more warnings\n", len(r.Warnings)-i)
			break
		}
		fmt.Fprintf(b, "- warning: %s\n", md(s, 500))
	}
	if len(r.Infra)+len(r.Warnings) > 0 {
		b.WriteString("\n")
	}
}

func mdTests(b *limited, r *harness.Result) {
	list, quiet := toLookAt(r)
	if quiet > 0 {
		fmt.Fprintf(b, "%s.\n\n", quietWords(quiet))
	}
	n := len(list)
	if n == 0 {
		return
	}
	b.WriteString("### Tests to look at\n\n| test | status | failed | rate (95 %) | cause | margin |\n|---|---|--:|---|---|---|\n")
	shown := 0
	for _, t := range list {
		failed, rate := fmt.Sprintf("%d of %d", t.Failures, t.Runs), rateWords(t)
		if t.Provoked.N > 0 {
			failed += fmt.Sprintf("; provoked %d of %d", t.Provoked.K, t.Provoked.N)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", code(orElse(t.Name, "(no name)"), 200), md(string(t.Status), 30), failed, rate,
			md(orElse(string(causeOf(r, t)), "–"), 60), md(orElse(marginWords(t.Margin), "–"), 100))
		if shown == markdownTests || !b.add(row) {
			break
		}
		shown++
	}
	if shown < n {
		fmt.Fprintf(b, "\n%d more in report.html\n", n-shown)
	}
	b.WriteString("\n")
}

// rateWords gives the failure rate and its interval.
func rateWords(t *harness.TestResult) string {
	if t.Runs == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (%s to %s)", percent(t.Rate), percent(t.RateLo), percent(t.RateHi))
}

// causeOf gives the cause that is known of a test, if any.
func causeOf(r *harness.Result, t *harness.TestResult) harness.Class {
	if t.Cause != "" {
		return t.Cause
	}
	for _, f := range findingsOf(r, t) {
		return f.Class
	}
	return ""
}

func mdFindings(b *limited, r *harness.Result) {
	list := shown(r)
	if len(list) == 0 {
		return
	}
	b.WriteString("### Findings\n\n")
	for i, f := range list {
		var p strings.Builder
		fmt.Fprintf(&p, "<details><summary>%s <b>%s</b> (%s)</summary>\n\n", summaryText(f.ID, 40), summaryText(f.Title, 400), summaryText(string(f.Class)+", "+string(f.Standing), 100))
		fmt.Fprintf(&p, "%s\n\n", md(f.Explanation, 3000))
		fmt.Fprintf(&p, "- failed: %s\n", md(evidence(f), 300))
		if f.Margin != nil {
			fmt.Fprintf(&p, "- margin: %s\n", md(marginWords(f.Margin), 200))
		}
		if s := boundaryWords(&f.Target, f.Boundary); s != "" {
			fmt.Fprintf(&p, "- test boundaries on the wire: %s\n", s)
		}
		if len(f.Tests) > 0 {
			fmt.Fprintf(&p, "- seen in %s", code(f.Tests[0], 200))
			if len(f.Tests) > 1 {
				fmt.Fprintf(&p, " and %d more", len(f.Tests)-1)
			}
			p.WriteString("\n")
		}
		fmt.Fprintf(&p, "- replay: %s\n\n", code(Repro(f.ID), 200))
		if f.Failure.Message != "" {
			p.WriteString(fence(f.Failure.Message, 2000) + "\n")
		}
		p.WriteString("</details>\n\n")
		if !b.add(p.String()) {
			fmt.Fprintf(b, "%d more in report.html\n\n", len(list)-i)
			return
		}
	}
}

// evidence says how often a finding failed, and how often it did not once the
// guilty delay was gone.
func evidence(f *harness.Finding) string {
	var s []string
	add := func(what string, c harness.Count) {
		if c.N > 0 {
			s = append(s, fmt.Sprintf("%s %d of %d", what, c.K, c.N))
		}
	}
	add("naturally", f.Natural)
	add("provoked", f.Provoked)
	add("counterfactual", f.Counter)
	if f.Standing != harness.Latent && lostConnection(f) {
		s = append(s, "it took a lost connection")
	}
	return orElse(strings.Join(s, ", "), "not yet: predicted")
}

func mdMargins(b *limited, r *harness.Result) {
	list := smallest(r)
	if len(list) == 0 {
		return
	}
	b.WriteString("### Smallest timing margins\n\n| margin | test | edge |\n|---|---|---|\n")
	for i := range list {
		if i == 20 || !b.add(fmt.Sprintf("| %s | %s | %s |\n", md(marginWords(&list[i].Least), 200), code(list[i].Least.Test, 200), md(list[i].Least.Edge, 200))) {
			fmt.Fprintf(b, "\n%d more in report.html\n", len(list)-i)
			break
		}
	}
	b.WriteString("\n")
}

func mdExpectations(b *limited, r *harness.Result) {
	if len(r.Expectations) == 0 {
		return
	}
	b.add("### Test expectation against implementation\n\n| topic | tests expect | implementation | measured gap |\n|---|---|---|---|\n")
	for i, e := range r.Expectations {
		if i == 50 || !b.add(fmt.Sprintf("| %s | %s | %s | %s |\n", md(e.Topic, 100), md(e.Expects, 500), md(e.Implementation, 500), md(e.Gap, 500))) {
			fmt.Fprintf(b, "\n%d more in report.html\n", len(r.Expectations)-i)
			break
		}
	}
	b.add("\n")
}
