package reports

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// sourceView is the suite's code around a guilty command.
type sourceView struct {
	Name, Href, Sends string
	Lines             []codeLine
}

type codeLine struct {
	N    int
	Text string
	Here bool
}

// callName names a place as compilers do.
func callName(c harness.Call) string { return fmt.Sprintf("%s:%d", oneLine(c.File, 200), c.Line) }

// sources shows a finding's code, and says what each place sends.
func sources(f *harness.Finding, at forge) (list []sourceView) {
	for _, s := range f.Source {
		v := sourceView{Name: callName(s.Call), Href: at.ofLine(s.Call), Sends: sends(f, s.Call)}
		for i, text := range outdented(s.Lines) {
			v.Lines = append(v.Lines, codeLine{N: s.First + i, Text: text, Here: s.First+i == s.Line})
		}
		list = append(list, v)
	}
	return list
}

// outdented takes off what all lines are indented by, and makes tabs four columns.
func outdented(lines []string) []string {
	out := make([]string, len(lines))
	least := -1
	for i, l := range lines {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(plain(l), "\n", " "), "\t", "    ")
		if indent := len(out[i]) - len(strings.TrimLeft(out[i], " ")); indent < len(out[i]) && (least < 0 || indent < least) {
			least = indent
		}
	}
	for i := range out {
		out[i] = cut(out[i][min(max(least, 0), len(out[i])):], 220)
	}
	return out
}

// sends names the commands that a place sends, the guilty ones if there are any.
func sends(f *harness.Finding, at harness.Call) string {
	var guilty, other []string
	add := func(list *[]string, s string) {
		for _, have := range *list {
			if have == s {
				return
			}
		}
		*list = append(*list, s)
	}
	lines := f.Timeline
	if f.Passing != nil {
		lines = append(lines[:len(lines):len(lines)], f.Passing.Timeline...)
	}
	for _, l := range lines {
		if l.Call == nil || *l.Call != at {
			continue
		}
		words := strings.Fields(oneLine(l.Text, 200))
		what := strings.Join(words[:min(2, len(words))], " ")
		if l.Suspect || l.Delayed > 0 {
			add(&guilty, what)
		} else {
			add(&other, what)
		}
	}
	if len(guilty) == 0 {
		guilty = other
	}
	if len(guilty) > 3 {
		guilty = append(guilty[:3:3], "…")
	}
	return strings.Join(guilty, ", ")
}

// callShare says of how many commands of a finding's runs the code is known; "":
// of none, since the client's stack can't be had.
func callShare(f *harness.Finding) string {
	known, all := 0, 0
	tally := func(lines []harness.Line) {
		for _, l := range lines {
			verb, _, _ := strings.Cut(strings.ToUpper(l.Text), " ")
			if l.Dir != ">" || l.Role == "hs" || handshakes[verb] { // clients send those by themselves
				continue
			}
			if all++; l.Call != nil {
				known++
			}
		}
	}
	tally(f.Timeline)
	if f.Passing != nil {
		tally(f.Passing.Timeline)
	}
	if known == 0 {
		return ""
	}
	return fmt.Sprintf("The line of code is known of %d of %s.", known, count(all, "command"))
}
