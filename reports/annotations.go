package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// annotationLimit is how many annotations of each level GitHub keeps of a step.
const annotationLimit = 10

// annotation is one workflow command of GitHub Actions.
type annotation struct {
	level, file string
	line        int
	title, text string
}

// Annotations writes GitHub workflow commands: an error for each broken test, a
// warning for each flaky one, a notice for what was not judged, at most 10 of
// each. When there are more, the last of a level says how many.
func Annotations(w io.Writer, r *harness.Result) error {
	r = asJudged(r)
	byLevel := map[string][]annotation{}
	add := func(a annotation) { byLevel[a.level] = append(byLevel[a.level], a) }
	if kind, level, text := alarm(r); kind != "" {
		add(annotation{level: level, title: "flakehunt: " + kind, text: text})
	}
	list, quiet := toLookAt(r)
	for _, t := range list {
		a := annotation{file: t.File, line: t.Line}
		switch t.Status {
		case harness.Broken:
			a.level, a.title = "error", "broken: "+t.Name
		case harness.Flaky:
			a.level, a.title = "warning", "flaky: "+t.Name
		default:
			a.level, a.title = "notice", orElse(string(t.Status), string(harness.Undecided))+": "+t.Name
		}
		a.text = annotationText(r, t)
		add(a)
	}
	if quiet > 0 {
		add(annotation{level: "notice", title: "undecided", text: quietWords(quiet)})
	}
	for _, f := range r.Infra {
		add(annotation{level: "notice", title: "infrastructure", text: f.What + ": " + f.Err})
	}
	for _, s := range r.Warnings {
		add(annotation{level: "notice", title: "flakehunt", text: s})
	}
	for _, level := range []string{"error", "warning", "notice"} {
		list := byLevel[level]
		if n := len(list); n > annotationLimit {
			rest := n - annotationLimit + 1
			list = append(list[:annotationLimit-1:annotationLimit-1], annotation{level: level, title: fmt.Sprintf("%d more", rest), text: "see the step summary or report.html"})
		}
		for _, a := range list {
			if _, err := io.WriteString(w, a.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func annotationText(r *harness.Result, t *harness.TestResult) string {
	s := fmt.Sprintf("failed %d of %d", t.Failures, t.Runs)
	if t.Runs > 0 {
		s += ", rate " + rateWords(t)
	}
	if t.Provoked.N > 0 {
		s += fmt.Sprintf("; provoked %d of %d", t.Provoked.K, t.Provoked.N)
	}
	if g := groupsOf(r, t); len(g) > 0 {
		s = oneLine(g[0].Message, 300) + "\n" + s
	}
	if c := causeOf(r, t); c != "" {
		s += "\ncause: " + string(c)
	}
	if f := findingsOf(r, t); len(f) > 0 {
		s += "\n" + Repro(f[0].ID)
	}
	return s
}

// String gives the command in one line. Percent signs and line ends are
// escaped, in properties commas and colons too.
func (a annotation) String() string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	prop := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	s := "::" + a.level + " "
	if a.file != "" {
		s += "file=" + prop.Replace(oneLine(a.file, 500)) + ","
		if a.line > 0 {
			s += fmt.Sprintf("line=%d,", a.line)
		}
	}
	return s + "title=" + prop.Replace(oneLine(a.title, 200)) + "::" + data.Replace(block(a.text, 2000)) + "\n"
}
