package gate

import (
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness/verdict"
)

// notesShown is how many notes and excuses the text tells one by one.
const notesShown = 20

// headline says the exit code in words.
func (v Verdict) headline() string {
	switch v.Exit {
	case verdict.ExitFlaky:
		s := fmt.Sprintf("FAIL (exit 1): %s", count(len(v.Breaches), "breach", "breaches"))
		if n := len(byCause(v.Breaches)); n < len(v.Breaches) {
			s += fmt.Sprintf(" of %s", count(n, "cause", "causes"))
		}
		return s
	case verdict.ExitHarness:
		return "NO EVIDENCE (exit 3): the harness or Redis could not do its work"
	case verdict.ExitUndecided:
		return fmt.Sprintf("UNDECIDED (exit 4): %s", count(len(v.Undecided), "open question", "open questions"))
	}
	return "PASS (exit 0)"
}

// common are breaches of one cause, or of one kind with one way out.
type common struct {
	cause *Cause
	list  []Breach
}

// byCause puts together what one change would mend, in the order of the first of each.
func byCause(list []Breach) (causes []*common) {
	at := map[string]*common{}
	for _, x := range list {
		key := "kind\x00" + string(x.Kind) + "\x00" + x.WayOut
		switch {
		case x.Cause != nil && x.Cause.Finding != "":
			key = "finding\x00" + x.Cause.Finding
		case x.Cause != nil:
			key = "failure\x00" + x.Cause.Fingerprint + "\x00" + string(x.Kind)
		case x.Kind == Expired:
			key += "\x00" + x.What // each is an entry of its own
		}
		c := at[key]
		if c == nil {
			c = &common{cause: x.Cause}
			at[key] = c
			causes = append(causes, c)
		}
		c.list = append(c.list, x)
	}
	return causes
}

// text tells the breaches of a cause one by one, and what they have in common once.
func (c *common) text(b *strings.Builder) {
	indent := "  "
	if n := len(c.list); n > 1 {
		what := string(c.list[0].Kind)
		if c.cause != nil {
			what = c.cause.Title
			if c.cause.Finding != "" {
				what = fmt.Sprintf("%s, %s: %s", c.cause.Finding, c.cause.Class, c.cause.Title)
			}
			what = "one cause: " + what
		}
		fmt.Fprintf(b, "  %s: %s\n", count(n, "test", "tests"), what)
		indent = "    "
	}
	for i, x := range c.list {
		if i == notesShown {
			fmt.Fprintf(b, "%s%d more\n", indent, len(c.list)-i)
			break
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, x.Kind, strings.TrimPrefix(x.Test+": "+x.What, ": "))
	}
	if len(c.list) == 1 && c.cause != nil && c.cause.Finding != "" {
		fmt.Fprintf(b, "    cause: %s, %s: %s\n", c.cause.Finding, c.cause.Class, c.cause.Title)
	}
	fmt.Fprintf(b, "    way out: %s\n", c.list[0].WayOut)
}

// Text writes the verdict for a person: a headline, then by cause for each breach
// the test and the number, and the way out.
func (v Verdict) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "gate: %s · %s, %s to compare with\n", v.headline(), count(v.Tests, "test", "tests"), count(v.Baseline, "earlier run", "earlier runs"))
	for _, list := range [][]Breach{v.Breaches, v.Failed, v.Undecided} {
		for _, c := range byCause(list) {
			c.text(&b)
		}
	}
	for i, x := range v.Excused {
		if i == notesShown {
			fmt.Fprintf(&b, "  excused: %d more\n", len(v.Excused)-i)
			break
		}
		fmt.Fprintf(&b, "  excused until %s: %s: %s (%s: %s)\n", x.Expires, x.Test, x.What, x.Owner, line(x.Reason))
	}
	for i, r := range v.Recovered {
		if i == notesShown {
			fmt.Fprintf(&b, "  recovered: %d more\n", len(v.Recovered)-i)
			break
		}
		fmt.Fprintf(&b, "  recovered: %s\n", r)
	}
	for i, n := range v.Notes {
		if i == notesShown {
			fmt.Fprintf(&b, "  note: %d more\n", len(v.Notes)-i)
			break
		}
		fmt.Fprintf(&b, "  note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
