package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// pairing lines up the entries of a passing and a failing run.
type pairing struct {
	pass, fail       []entry
	cutPass, cutFail bool // frames are left out, so that "only here" may mean "out of the window"
	rows             [2][]rowView
	code             forge
	pair             [2]string // keys of the pair, in the order of the passing run
}

func (p *pairing) entries(run int) []entry {
	if run == 0 {
		return p.pass
	}
	return p.fail
}

// find gives the index of a key in a run; -1: it is not there.
func (p *pairing) find(run int, key string) int {
	return slices.IndexFunc(p.entries(run), func(e entry) bool { return e.key == key })
}

// number makes the rows, and numbers those that both runs have.
func (p *pairing) number() {
	numbers := map[string]int{}
	for _, e := range p.pass {
		if _, done := numbers[e.key]; !done && p.find(1, e.key) >= 0 {
			numbers[e.key] = len(numbers) + 1
		}
	}
	for run := range p.rows {
		for _, e := range p.entries(run) {
			r := rowView{
				At: fmt.Sprintf("%.2f", e.at.Milliseconds()), Role: oneLine(e.role, 40), Text: e.text, Answer: e.answer, Note: e.note,
				Key: numbers[e.key], Push: e.push, HeldAnswer: e.heldAnswer, A: msText(e.at), B: msText(e.end), first: e.at, last: e.end,
			}
			if e.call != nil {
				r.Call, r.CallHref = callName(*e.call), p.code.ofLine(*e.call)
			}
			if e.held > 0 {
				r.Held = short(e.held)
				from := e.at
				if e.heldAnswer {
					from = e.end
				}
				r.D = msText(from - e.held)
				if r.first > from-e.held {
					r.first = from - e.held
				}
			}
			p.rows[run] = append(p.rows[run], r)
		}
	}
}

// mark finds the pair: what the finding names, else what is suspect in the
// failing run, else nothing.
func (p *pairing) mark(points []harness.Point) {
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) && len(keys) < 2 {
			keys = append(keys, key)
		}
	}
	for _, list := range [][]entry{p.pass, p.fail} {
		for _, point := range points {
			for _, e := range list {
				if e.is(point) || point.N == 0 && (e.point.Any() == point || e.point.Reply().Any() == point) {
					add(e.key)
					break
				}
			}
		}
	}
	for _, list := range [][]entry{p.fail, p.pass} {
		for _, e := range list {
			if e.suspect && !e.handshake && len(points) < 2 {
				add(e.key)
			}
		}
	}
	copy(p.pair[:], keys)
	if len(keys) == 2 {
		run := 0
		if a, b := p.find(0, keys[0]), p.find(0, keys[1]); a < 0 || b < 0 {
			run = 1
		}
		if p.find(run, keys[0]) > p.find(run, keys[1]) {
			p.pair[0], p.pair[1] = keys[1], keys[0]
		}
	}
	for run := range p.rows {
		for i, e := range p.entries(run) {
			if n := slices.Index(keys, e.key); n >= 0 {
				p.rows[run][i].Pair = slices.Index(p.pair[:], e.key) + 1
			}
		}
	}
}

// open chooses the rows that a reader sees at first: the pair, what was kept
// back, what was answered otherwise, what is in one run alone near to these.
func (p *pairing) open() {
	for run := range p.rows {
		rows, list := p.rows[run], p.entries(run)
		other := p.entries(1 - run)
		for i := range rows {
			e, r := &list[i], &rows[i]
			switch at := p.find(1-run, e.key); {
			case r.Pair > 0 || e.held > 0:
				r.Open = true
			case e.handshake || len(other) == 0:
			case at >= 0 && !sameAnswer(e.answer, other[at].answer):
				r.Open, r.Why = true, "other answer"
			case at < 0 && !(p.cutPass || p.cutFail):
				r.Open, r.Why = true, "only here"
			}
		}
		if !slices.ContainsFunc(rows, func(r rowView) bool { return r.Open }) { // nothing differs: the end, where it failed
			for i := max(0, len(rows)-6); i < len(rows); i++ {
				rows[i].Open = true
			}
		}
		surround(rows, list)
	}
}

// surround opens a row or so around the pair, and closes what is too much.
func surround(rows []rowView, list []entry) {
	near := make([]bool, len(rows))
	for i := range rows {
		if rows[i].Pair > 0 {
			for j := max(0, i-contextRows); j <= min(len(rows)-1, i+contextRows); j++ {
				near[j] = near[j] || !list[j].handshake
			}
		}
	}
	left := mostOpen
	for i := range rows {
		rows[i].Open = rows[i].Open || near[i]
		if rows[i].Open && rows[i].Pair == 0 {
			if left--; left < 0 {
				rows[i].Open = false
			}
		}
	}
}

// names says what the two of the pair are.
func (p *pairing) names() (list []string) {
	for _, key := range p.pair {
		for _, es := range [][]entry{p.pass, p.fail} {
			if i := slices.IndexFunc(es, func(e entry) bool { return key != "" && e.key == key }); i >= 0 {
				list = append(list, p.nameOf(&es[i]))
				break
			}
		}
	}
	return list
}

func (p *pairing) nameOf(e *entry) string {
	if !e.point.IsZero() {
		return frameWords(e.point)
	}
	words := strings.Fields(e.text)
	return strings.Join(words[:min(2, len(words))], " ")
}

// inverted reports whether the pair came in one order when it passed and in the
// other when it failed, by when the later of the two began to take effect.
func (p *pairing) inverted() bool {
	return p.order(0)*p.order(1) < 0
}

// order is -1 if the first of the pair came first in a run, 1 if the second did,
// and 0 if one of them is not there.
func (p *pairing) order(run int) int {
	a, b := p.find(run, p.pair[0]), p.find(run, p.pair[1])
	switch {
	case p.pair[1] == "" || a < 0 || b < 0:
		return 0
	case a < b:
		return -1
	}
	return 1
}

// gaps says how far apart the pair came, where its order is the same in both.
func (p *pairing) gaps() string {
	if p.order(0) == 0 || p.order(0) != p.order(1) {
		return ""
	}
	gap := func(run int) string {
		list := p.entries(run)
		if strings.Contains(list[p.find(run, p.pair[1])].note, "never sent") {
			return "" // it never came
		}
		return short(list[p.find(run, p.pair[1])].at - list[p.find(run, p.pair[0])].at)
	}
	pass, fail := gap(0), gap(1)
	if pass == "" || fail == "" {
		came := func(gap string) string {
			if gap == "" {
				return "never came"
			}
			return "came " + gap + " after the first"
		}
		return fmt.Sprintf("the second %s when it passed; it %s when it failed", came(pass), came(fail))
	}
	return fmt.Sprintf("the second came %s after the first when it passed, %s when it failed", pass, fail)
}

// saw says which commands were answered otherwise, the pair first.
func (p *pairing) saw() (list []string) {
	var later []string
	for _, e := range p.fail {
		i := p.find(0, e.key)
		if i < 0 || e.push || e.handshake || sameAnswer(e.answer, p.pass[i].answer) {
			continue
		}
		s := fmt.Sprintf("%s: %s when it passed, %s when it failed", p.nameOf(&e), answerWords(p.pass[i].answer), answerWords(e.answer))
		if slices.Contains(p.pair[:], e.key) {
			list = append(list, s)
		} else if len(later) < 2 {
			later = append(later, s)
		}
	}
	return append(list, later...)
}

func answerWords(s string) string {
	switch s {
	case "":
		return "no answer"
	case "(nil)":
		return "nothing (nil)"
	}
	return fit(s, 80)
}

// lanes numbers connections alike in both runs, so that colours mean the same.
func (p *pairing) lanes(runs []runView) {
	numbers := map[string]int{}
	for i := range runs {
		r := &runs[i]
		for j := range r.Rows {
			x := &r.Rows[j]
			if x.Role == "" { // of no connection that is known
				continue
			}
			n, ok := numbers[x.Role]
			if !ok {
				n = min(len(numbers), laneCount-1)
				numbers[x.Role] = n
			}
			x.Lane = n
			if !slices.ContainsFunc(r.Lanes, func(l laneView) bool { return l.N == n }) {
				r.Lanes = append(r.Lanes, laneView{Name: x.Role, N: n})
			}
		}
	}
	for i := range runs {
		slices.SortFunc(runs[i].Lanes, func(a, b laneView) int { return a.N - b.N })
	}
}
