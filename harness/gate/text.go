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
		return fmt.Sprintf("FAIL (exit 1): %s", count(len(v.Breaches), "breach", "breaches"))
	case verdict.ExitHarness:
		return "NO EVIDENCE (exit 3): the harness or Redis could not do its work"
	case verdict.ExitUndecided:
		return fmt.Sprintf("UNDECIDED (exit 4): %s", count(len(v.Undecided), "open question", "open questions"))
	}
	return "PASS (exit 0)"
}

// Text writes the verdict for a person: a headline, then for each breach the
// test, the number and the way out.
func (v Verdict) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "gate: %s · %s, %s to compare with\n", v.headline(), count(v.Tests, "test", "tests"), count(v.Baseline, "earlier run", "earlier runs"))
	for _, list := range [][]Breach{v.Breaches, v.Failed, v.Undecided} {
		for _, x := range list {
			fmt.Fprintf(&b, "  %s: %s\n", x.Kind, strings.TrimPrefix(x.Test+": "+x.What, ": "))
			fmt.Fprintf(&b, "    way out: %s\n", x.WayOut)
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
