package contrast

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness/detect"
)

// leastGap is the least difference between what failing and passing runs take that
// is told: below it is the noise of any machine.
const leastGap = time.Millisecond

// sample is what one run says of a duration.
type sample struct {
	run  int
	took time.Duration
}

// gaps finds answers that took longer, or commands on one resource that came
// longer after each other, or less long, where the test fails.
func (t finder) gaps() {
	var list []sample
	for id := range t.points {
		list = list[:0]
		for i := range t.runs {
			if f := t.at[i][id]; f != nil && f.command != nil && f.answered != 0 && !f.command.Blocks {
				list = append(list, sample{i, f.answered - f.came})
			}
		}
		if q, ok := t.split(list); ok {
			q.First, q.Then, q.when = t.points[id].Reply(), t.points[id], t.usual[id]
			t.add(q)
		}
	}
	for _, p := range t.successive() {
		a, b := p.ids()
		list = list[:0]
		for i := range t.runs {
			if x, y := t.at[i][a], t.at[i][b]; x != nil && y != nil {
				if t.usual[a] > t.usual[b] {
					x, y = y, x
				}
				list = append(list, sample{i, y.took - x.took})
			}
		}
		if q, ok := t.split(list); ok {
			if t.usual[a] > t.usual[b] {
				a, b = b, a
			}
			q.First, q.Then, q.when = t.points[b], t.points[a], t.usual[b]
			t.add(q)
		}
	}
}

// successive lists the pairs of commands that follow each other on a key, and of a
// message and the publishing of it.
func (t finder) successive() []pair {
	var out []pair
	for i := range t.runs {
		row := t.at[i]
		last := map[string]int32{}
		for _, id := range t.ordered(i, effect) {
			f := row[id]
			if f.push != nil {
				if p := f.push.Publish; p != nil {
					if from, ok := t.id[p.Point]; ok && row[from] != nil {
						out = append(out, pairOf(from, id))
					}
				}
				continue
			}
			if idle(f.command) {
				continue
			}
			for _, k := range f.command.Keys {
				if before, ok := last[k]; ok {
					out = append(out, pairOf(before, id))
				}
				last[k] = id
			}
		}
	}
	out, _ = t.distinct(out)
	return out
}

// split finds where durations part failing from passing runs best.
func (t finder) split(list []sample) (Predicate, bool) {
	failing := 0
	for _, s := range list {
		if t.failed&(1<<s.run) != 0 {
			failing++
		}
	}
	if failing < 2 || len(list)-failing < 2 {
		return Predicate{}, false
	}
	slices.SortFunc(list, func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	passing := len(list) - failing
	best, at, cuts, below := 0.0, -1, 0, 0
	for i := 0; i+1 < len(list); i++ {
		if t.failed&(1<<list[i].run) != 0 {
			below++
		}
		if list[i+1].took-list[i].took < leastGap {
			continue
		}
		cuts++
		// By how much the share of failing runs that lie below differs from that of passing ones.
		d := float64(below)/float64(failing) - float64(i+1-below)/float64(passing)
		if d = max(d, -d); d > best {
			best, at = d, i
		}
	}
	if at < 0 {
		return Predicate{}, false
	}
	q := Predicate{Kind: Gap, Threshold: list[at].took + (list[at+1].took-list[at].took)/2, basis: basis{cuts: cuts}}
	for i, s := range list {
		q.known |= 1 << s.run
		if i > at {
			q.holds |= 1 << s.run
		}
	}
	q.Text = "longer"
	if t.against(&q) {
		q.Text = "shorter"
	}
	return q, true
}

// lifetimes finds keys that had expired when they were read in some runs, and had
// not in others.
func (t finder) lifetimes() {
	type ttlRead struct{ set, read int32 }
	type seen struct{ expired, known uint64 }
	found := map[ttlRead]*seen{}
	var order []ttlRead
	for i := range t.runs {
		for _, l := range detect.TTLReads(t.runs[i].Trace) {
			set, ok1 := t.id[l.Set.Point]
			read, ok2 := t.id[l.Read.Point]
			if !ok1 || !ok2 || t.at[i][set] == nil || t.at[i][read] == nil {
				continue
			}
			k := ttlRead{set, read}
			if found[k] == nil {
				found[k] = &seen{}
				order = append(order, k)
			}
			found[k].known |= 1 << i
			if l.Found == detect.Absent && l.Remaining <= time.Millisecond {
				found[k].expired |= 1 << i
			}
		}
	}
	for _, k := range order {
		s := found[k]
		if s.expired == 0 || s.expired == s.known {
			continue
		}
		q := Predicate{Kind: Lifetime, basis: basis{holds: s.expired, known: s.known, when: t.usual[k.read]}}
		if t.against(&q) { // failures go with the key being alive: it was set too late
			q.First, q.Then, q.Text = t.points[k.set], t.points[k.read], "alive"
		} else {
			q.First, q.Then, q.Text = t.points[k.read], t.points[k.set], "expired"
		}
		t.add(q)
	}
}
