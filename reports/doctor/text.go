// Package doctor writes what `doctor` found of a suite as lines for a person.
//
// It must never decide anything: what a hunt would meet is told by package probe.
package doctor

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/probe"
	"github.com/flakehunt/flakehunt/harness/probe/hints"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Workers says how many trials at once fit what an attempt took, and the most that
// a hunt runs.
type Workers func(a *probe.Attempt) (fitting, most int)

// Suite writes what was found of a suite, a line each, the command to hunt with last.
func Suite(out io.Writer, r *probe.Report, hunt string, workers Workers) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(mark, what, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", mark, what, printable(fmt.Sprintf(format, args...)))
	}
	line("", "redis", "%s %s", r.Redis.Provider, r.Redis.Version)
	attempt(line, r.As, "as it was given", workers)
	if r.Again != nil {
		attempt(line, r.Again, againWords(r.Again), workers)
	}
	hinted(line, r.Hints)
	for _, tip := range r.Tips {
		line("", "tip", "%s", tip)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	verdict := "a hunt would work"
	if !r.Works {
		verdict = r.Why
	}
	fmt.Fprintf(out, "\n%s\n", printable(verdict))
	if hunt != "" {
		fmt.Fprintln(out, hunt)
	}
	return nil
}

func againWords(a *probe.Attempt) string {
	if a.Private {
		return "once more, in a private loopback"
	}
	return "once more, with further variables"
}

// attempt writes the lines of one run.
func attempt(line func(mark, what, format string, args ...any), a *probe.Attempt, how string, workers Workers) {
	mark := map[bool]string{true: "ok", false: "no"}
	line(mark[a.Trouble == "" && a.Tests.Failed == 0 && a.Tests.Passed > 0], "suite", "%s: %s", how, testWords(a))
	for _, f := range a.Failures {
		line("", "failed", "%s: %s", f.Test, phrase.Short(lines(f.Message), 300))
	}
	w := &a.Wire
	line(mark[w.Commands > 0], "reaches redis", "%s on %s", phrase.Plural(w.Commands, "command"), phrase.Plural(w.Connections, "connection"))
	if through := listenAddrs(a.ListenAddrs); through != "" {
		line("", "through", "%s", through)
	}
	if w.Commands == 0 {
		for _, u := range w.Unread {
			line("", "unread", "%s", phrase.Short(u, 200))
		}
		return
	}
	spoken(line, w)
	line("", "tests told apart", "%s", boundaries(a))
	if time.Duration(a.Wall) < leastWall {
		return
	}
	line("", "waiting", "%.0f %% of %s: %s", 100*a.Waiting, seconds(a.Wall), workersWords(workers(a)))
}

// spoken writes the lines of what was said to Redis.
func spoken(line func(mark, what, format string, args ...any), w *probe.Wire) {
	line("", "clients", "%s", clients(w))
	line("", "commands", "%s", verbs(w.Verbs, 8))
	var special []string
	for _, s := range []struct {
		what string
		list []probe.Verb
	}{{"blocking", w.Blocking}, {"pub/sub", w.PubSub}} {
		if len(s.list) > 0 {
			special = append(special, s.what+": "+verbs(s.list, 5))
		}
	}
	if w.Multi > 0 {
		special = append(special, phrase.Plural(w.Multi, "transaction")+" (MULTI)")
	}
	if w.Scripts > 0 {
		special = append(special, phrase.Plural(w.Scripts, "script call"))
	}
	if len(special) > 0 {
		line("", "of note", "%s", strings.Join(special, "; "))
	}
	if w.Errors > 0 {
		line("", "redis errors", "%d, the first: %s", w.Errors, phrase.Short(w.FirstError, 160))
	}
	for _, u := range w.Unread {
		line("", "unread", "%s", phrase.Short(u, 200))
	}
}

// leastWall is the wall time below which the share of waiting says nothing: the
// start of the processes is most of it.
const leastWall = 200 * time.Millisecond

func testWords(a *probe.Attempt) string {
	t := a.Tests
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.Passed, "passed"}, {t.Failed, "failed"}, {t.Skipped, "skipped"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	s := phrase.Plural(t.Total, "test")
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	s += ", in " + seconds(a.Wall)
	if a.Trouble != "" {
		s += "; " + phrase.Short(a.Trouble, 300)
	}
	return s
}

// listenAddrs says which addresses were used, and of those that variables hold, which not.
func listenAddrs(list []probe.ListenAddr) string {
	var used, unused []string
	for _, d := range list {
		switch {
		case d.Connections > 0:
			s := fmt.Sprintf("%s (%s)", d.Name, phrase.Plural(d.Connections, "connection"))
			if d.TLS > 0 {
				s += fmt.Sprintf(", %d of them with TLS", d.TLS)
			}
			used = append(used, s)
		case len(d.Variables) > 0 && !strings.Contains(d.Name, ", with "):
			unused = append(unused, d.Name)
		}
	}
	s := strings.Join(used, ", ")
	if len(used) == 0 {
		s = "nothing"
	}
	if len(unused) > 0 {
		s += "; not used: " + strings.Join(unused, ", ")
	}
	return s
}

func clients(w *probe.Wire) string {
	s := "RESP2"
	if w.RESP3 {
		s = "RESP3"
	}
	if len(w.Libraries) > 0 {
		s += ", " + strings.Join(w.Libraries, ", ")
	}
	if len(w.Clients) > 0 {
		s += ", named " + strings.Join(w.Clients, ", ")
	}
	if w.Login {
		s += ", with a password"
	}
	return s
}

func verbs(list []probe.Verb, n int) string {
	var parts []string
	for i, v := range list {
		if i == n {
			parts = append(parts, fmt.Sprintf("%d more", len(list)-n))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", v.Name, v.N))
	}
	return strings.Join(parts, ", ")
}

func boundaries(a *probe.Attempt) string {
	if len(a.Boundaries) == 0 {
		return "no test ran"
	}
	var parts []string
	exact := true
	for _, b := range a.Boundaries {
		parts = append(parts, fmt.Sprintf("%d %s", b.Tests, b.Says))
		exact = exact && b.Boundary.Exact()
	}
	if !exact && a.Single {
		parts = append(parts, "a hunt also runs each alone, which is exact")
	}
	return strings.Join(parts, "; ")
}

// workersWords says how many trials a hunt runs at once.
func workersWords(n, most int) string {
	switch n {
	case 1:
		return "it computes: a hunt runs one trial at a time"
	case most:
		return fmt.Sprintf("a hunt runs up to %d trials at once", n)
	}
	return fmt.Sprintf("a hunt runs about %d trials at once", n)
}

func hinted(line func(mark, what, format string, args ...any), h hints.Found) {
	each := func(what string, list []hints.Hint) {
		for i, v := range list {
			if i == 8 {
				line("", what, "%d more in --json", len(list)-i)
				return
			}
			at := fmt.Sprintf("%s:%d", v.Places[0].File, v.Places[0].Line)
			if n := len(v.Places) - 1 + v.More; n > 0 {
				at += fmt.Sprintf(" and %s", phrase.Plural(n, "other place"))
			}
			line("", what, "%s at %s", v.Text, at)
		}
	}
	each("hint: variable", h.Variables)
	each("hint: address", h.Addresses)
}

func seconds(d harness.Duration) string {
	return time.Duration(d).Round(10 * time.Millisecond).String()
}

// lines puts several lines into one.
func lines(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " / ")
}

// printable keeps what a suite printed from doing anything to the terminal or
// to the columns.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
