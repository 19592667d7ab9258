package reports

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
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
