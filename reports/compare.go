package reports

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// entry is a command with its answer, or a message, in one run.
type entry struct {
	key           string // the same in both runs
	at, end       harness.Duration
	held          harness.Duration // how long the command, the message or its answer was kept
	role          string
	conn          uint32
	text          string
	answer, note  string
	push, suspect bool
	handshake     bool // or a connection's end: noise, unless it is of the pair
	point         harness.Point
	heldAnswer    bool          // it was the answer that was kept
	call          *harness.Call // the code that sent it
}

// handshakes are commands that clients send by themselves when they connect.
var handshakes = map[string]bool{"HELLO": true, "CLIENT": true, "AUTH": true, "SELECT": true, "READONLY": true, "COMMAND": true, "INFO": true}

// entriesOf pairs the lines of a timeline: a command and its answer are one. It
// says how many frames are left out before and after.
func entriesOf(lines []harness.Line) (list []entry, before, after int) {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b harness.Line) int { return cmp.Compare(a.At, b.At) })
	seen := map[string]int{}
	for i := range lines {
		l := &lines[i]
		if l.Role == "" && l.Point.IsZero() {
			var n int
			if _, err := fmt.Sscanf(l.Text, "… %d more frames", &n); err == nil {
				if len(list) == 0 {
					before = n
				} else {
					after = n
				}
				continue
			}
		}
		if l.Dir == "<" && answers(list, l) {
			continue
		}
		e := entry{
			at: l.At, end: l.At, held: l.Delayed, role: l.Role, conn: l.Conn, text: oneLine(l.Text, 400), note: lineNote(l),
			push: l.Dir == "<", suspect: l.Suspect, point: l.Point, call: l.Call,
		}
		verb, _, _ := strings.Cut(strings.ToUpper(e.text), " ")
		e.handshake = l.Dir == ">" && (l.Role == "hs" || handshakes[verb]) || l.Text == "connection closed"
		e.key = e.name()
		seen[e.key]++
		if l.Point.IsZero() {
			e.key += fmt.Sprintf(" #%d", seen[e.key])
		}
		list = append(list, e)
	}
	return list, before, after
}

// lineNote is a line's note without what the drawn delay says anyway.
func lineNote(l *harness.Line) string { return delayNote.ReplaceAllString(oneLine(l.Note, 200), "") }

// name is what two runs know an entry by: its point, or in old results its
// connection and the first words.
func (e *entry) name() string {
	if !e.point.IsZero() {
		return e.point.String()
	}
	words := strings.Fields(e.text)
	return e.role + " " + strings.Join(words[:min(2, len(words))], " ")
}

// answers gives the answer l to the command that waits for it; false: l is none.
func answers(list []entry, l *harness.Line) bool {
	for i := range list {
		e := &list[i]
		if e.push || e.answer != "" || e.role != l.Role || e.conn != l.Conn {
			continue
		}
		if !l.Point.IsZero() && e.point.Reply() != l.Point {
			continue
		}
		e.answer, e.end = orElse(oneLine(l.Text, 400), `""`), l.At
		e.suspect = e.suspect || l.Suspect
		if n := lineNote(l); n != "" {
			e.note = strings.TrimPrefix(e.note+"; "+n, "; ")
		}
		if l.Delayed > 0 && e.held == 0 {
			e.held, e.heldAnswer = l.Delayed, true
		}
		return true
	}
	return false
}

// is reports whether the entry holds the frame at p.
func (e *entry) is(p harness.Point) bool { return e.point == p || e.point.Reply() == p && !e.push }

// varying is what differs from run to run without a meaning: long numbers, hex, times.
var varying = regexp.MustCompile(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{16,}|\d{4,}(?:\.\d+)?|\d+\.\d{3,}`)

func sameAnswer(a, b string) bool {
	return varying.ReplaceAllString(a, "#") == varying.ReplaceAllString(b, "#")
}

// rowView is one entry as the page shows it.
type rowView struct {
	At, Role, Text, Answer, Note, Held string
	Key                                int // the same number in both runs; 0: only here
	Lane                               int
	Pair                               int // 1 or 2: of the pair, in the order of the passing run
	Open                               bool
	Why                                string // why it is open: "other answer", "only here"
	Push, HeldAnswer                   bool
	Call, CallHref                     string           // the code that sent it
	A, B, D                            string           // ms: from, to, and from when it was kept
	first, last                        harness.Duration // of A or D, and of B
}

// partView is rows that are shown, or folded.
type partView struct {
	Fold string // what is folded; empty: nothing
	Rows []rowView
}

type runView struct {
	Name, Lead    string
	Fails         bool
	Parts         []partView
	Rows          []rowView // all of them, for the drawing
	Lanes         []laneView
	Before, After int
	Boundary      string
}

// compareView is a passing run beside a failing one, on one scale.
type compareView struct {
	ID         string
	Runs       []runView
	From, Span string // ms
	Ticks      []tickView
	Pair       []string // what 1 and 2 are
	Inverted   bool
	Saw        []string // what answers were other ones
	Gaps       string
}

type tickView struct{ At, Label string }

const (
	contextRows = 1  // shown around what differs
	mostOpen    = 24 // rows of one run that are open at first
)

// compareRuns lays out a finding's runs; nil if it has no timeline.
func compareRuns(f *harness.Finding, code forge) *compareView {
	fail, fb, fa := entriesOf(f.Timeline)
	if len(fail) == 0 {
		return nil
	}
	c := &compareView{ID: oneLine(f.ID, 40)}
	var pass []entry
	var pb, pa int
	if f.Passing != nil {
		pass, pb, pa = entriesOf(f.Passing.Timeline)
	}
	both := &pairing{code: code, pass: pass, fail: fail, cutPass: pb+pa > 0, cutFail: fb+fa > 0}
	both.number()
	both.mark(f.Pair)
	both.open()
	c.Saw, c.Pair, c.Inverted, c.Gaps = both.saw(), both.names(), both.inverted(), both.gaps()
	if len(pass) > 0 {
		c.Runs = append(c.Runs, runView{Name: "passes", Lead: passingLead(f.Passing), Rows: both.rows[0], Before: pb, After: pa, Boundary: boundaryWords(&f.Target, f.Passing.Boundary)})
	}
	c.Runs = append(c.Runs, runView{Name: "fails", Lead: failingLead(f), Fails: true, Rows: both.rows[1], Before: fb, After: fa, Boundary: boundaryWords(&f.Target, f.Boundary)})
	if f.Standing == harness.Latent {
		c.Runs[0].Name, c.Runs[0].Lead, c.Runs[0].Fails = "passes", "in a run that passed", false
	}
	both.lanes(c.Runs)
	c.scale()
	for i := range c.Runs {
		c.Runs[i].Parts = parts(c.Runs[i].Rows)
	}
	return c
}

func passingLead(p *harness.Passing) string {
	switch {
	case p.Arm == harness.Counterfactual:
		return fmt.Sprintf("trial %d: without the guilty delay, or with the order put right", p.Trial)
	case p.Arm.Natural():
		return fmt.Sprintf("trial %d: nothing injected", p.Trial)
	}
	return fmt.Sprintf("trial %d: other delays (%s)", p.Trial, oneLine(string(p.Arm), 40))
}

func failingLead(f *harness.Finding) string {
	if f.Standing == harness.Natural && len(f.Schedule.Decisions) == 0 {
		return "nothing injected"
	}
	return "with the delay"
}

// scale chooses what the drawing shows at first: all that is open.
func (c *compareView) scale() {
	lo, hi := harness.Duration(-1), harness.Duration(0)
	for _, r := range c.Runs {
		for _, x := range r.Rows {
			if x.Open {
				if lo < 0 || x.first < lo {
					lo = x.first
				}
				hi = max(hi, x.last)
			}
		}
	}
	if lo < 0 {
		lo = 0
	}
	span := max(hi-lo, harness.Duration(time.Millisecond))
	lo, span = lo-span/14, span+span/7
	c.From, c.Span = msText(lo), msText(span)
	step := niceStep(span)
	for t := (lo/step + 1) * step; t < lo+span; t += step {
		if t >= 0 {
			c.Ticks = append(c.Ticks, tickView{msText(t), msText(t)})
		}
	}
}

// niceStep gives 4 to 8 steps of 1, 2 or 5 times a power of ten.
func niceStep(span harness.Duration) harness.Duration {
	step := harness.Duration(10 * time.Microsecond)
	for i := 0; step*8 < span; i++ {
		step = step * []harness.Duration{2, 5, 2}[i%3] / []harness.Duration{1, 2, 1}[i%3]
	}
	return step
}

func msText(d harness.Duration) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", d.Milliseconds()), "0"), ".")
}

// parts folds the rows that are not open.
func parts(rows []rowView) (list []partView) {
	for i := 0; i < len(rows); {
		j := i
		for j < len(rows) && rows[j].Open == rows[i].Open {
			j++
		}
		p := partView{Rows: rows[i:j]}
		if !rows[i].Open {
			p.Fold = count(j-i, "more command")
		}
		list = append(list, p)
		i = j
	}
	return list
}
