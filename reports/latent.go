package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// How many predictions are told one by one: they are none of the failures that
// a reader has come for.
const (
	latentTerminal = 3
	latentMarkdown = 10
	latentPage     = 30
)

const latentLead = "From the histories of passing runs: nothing of it has failed, and none of it counts as a failure. The command tries it."

// shown gives the findings of which something failed, predicted those of which
// nothing has.
func shown(r *harness.Result) (list []*harness.Finding)     { return byStanding(r, false) }
func predicted(r *harness.Result) (list []*harness.Finding) { return byStanding(r, true) }

func byStanding(r *harness.Result, latent bool) (list []*harness.Finding) {
	for i := range r.Findings {
		if f := &r.Findings[i]; (f.Standing == harness.Latent) == latent {
			list = append(list, f)
		}
	}
	return list
}

// inTests says in how many tests, naming the first.
func inTests(f *harness.Finding) string {
	if len(f.Tests) == 0 {
		return ""
	}
	s := "in " + oneLine(f.Tests[0], 200)
	if n := len(f.Tests) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

func (s *screen) latent(r *harness.Result) {
	list := predicted(r)
	if len(list) == 0 {
		return
	}
	s.WriteString(s.paint(bold, "predicted, not provoked") + s.paint(dim, " (nothing has failed)") + "\n")
	for i, f := range list {
		if i == latentTerminal {
			s.WriteString(s.paint(dim, fmt.Sprintf("%d more in report.html", len(list)-i)) + "\n")
			break
		}
		s.WriteString(s.paint(dim, pad(fit(oneLine(f.ID, 40), 10), 11)) + fit(oneLine(string(f.Class), 40), s.width-11) + "\n")
		s.para(11, "0", oneLine(f.Title, 400))
		s.para(11, dim, inTests(f))
		s.WriteString(strings.Repeat(" ", 11) + Repro(f.ID) + "\n")
	}
	s.WriteString("\n")
}

func mdLatent(b *limited, r *harness.Result, x extent) {
	list := predicted(r)
	if len(list) == 0 {
		return
	}
	if x.details == 0 {
		b.add(fmt.Sprintf("%d predicted and not provoked: see report.html.\n\n", len(list)))
		return
	}
	b.add("### Predicted, not provoked\n\n" + wrapMD("", latentLead) + "\n\n")
	for i, f := range list {
		var p strings.Builder
		fmt.Fprintf(&p, "<details><summary>%s %s (%s)</summary>\n\n%s\n\n- %s\n- try it: %s\n\n</details>\n\n", summaryText(f.ID, 40), summaryText(f.Title, 400),
			summaryText(string(f.Class), 60), wrapMD("", md(f.Explanation, 3000)), md(inTests(f), 300), code(Repro(f.ID), 200))
		if i == latentMarkdown || !b.add(p.String()) {
			fmt.Fprintf(b, "%d more in report.html\n\n", len(list)-i)
			return
		}
	}
}

// lostConnection reports whether a finding's schedule ends a connection, which no
// slow network does.
func lostConnection(f *harness.Finding) bool {
	return slices.ContainsFunc(f.Schedule.Decisions, func(d harness.Decision) bool { return d.Action == harness.Disconnect })
}

// faultWords says what was done beyond delays, if anything was asked for.
func faultWords(r *harness.Result) string {
	if r.Params["faults"] == "" {
		return "it only delays. Within one connection and direction bytes stay in order, so what failed here can fail on a slow network."
	}
	return "beside delays it used what was asked for (--faults " + oneLine(r.Params["faults"], 60) + "). What failed by that says so: it needs a lost connection, not just a slow network."
}
