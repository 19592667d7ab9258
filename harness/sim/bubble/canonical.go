package bubble

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Canonicalize makes one history of those that differ only in what has no order: it
// takes the marks of Distinct off, puts what happened at one instant on several
// connections in the order of the points, and numbers frames and connections
// anew. What one connection carried in one direction stays as it was.
func Canonicalize(events []harness.Event) []harness.Event {
	StripJitter(events)
	events = slices.Clone(events)
	for from := 0; from < len(events); {
		to := from + 1
		for to < len(events) && events[to].In == events[from].In {
			to++
		}
		if to-from > 1 {
			sameInstant(events[from:to])
		}
		from = to
	}
	renumber(events)
	return events
}

// sameInstant orders the events of one instant. Begin and End stay where they
// are: the trial's own goroutine puts them there when all else is done.
func sameInstant(events []harness.Event) {
	type group struct {
		key    string
		events []harness.Event
	}
	for len(events) > 0 {
		n := slices.IndexFunc(events, func(e harness.Event) bool { return e.Kind == harness.Begin || e.Kind == harness.End })
		if n == 0 {
			events = events[1:]
			continue
		}
		if n < 0 {
			n = len(events)
		}
		var groups []group
		index := map[string]int{}
		for _, e := range events[:n] {
			of := fmt.Sprint(e.Conn, e.Point.Dir, e.Kind == harness.Open, e.Kind == harness.Close)
			i, ok := index[of]
			if !ok {
				i = len(groups)
				index[of] = i
				groups = append(groups, group{key: fmt.Sprintf("%d %s", rank(e.Kind), e.Point)})
			}
			groups[i].events = append(groups[i].events, e)
		}
		slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.key, b.key) })
		at := 0
		for _, g := range groups {
			at += copy(events[at:], g.events)
		}
		events = events[n:]
	}
}

// rank puts the beginnings of connections first and their ends last.
func rank(k harness.Kind) int {
	switch k {
	case harness.Open:
		return 0
	case harness.Close:
		return 2
	}
	return 1
}

// renumber counts events from 1, and connections in the order of their first
// frames; beginnings and ends of connections at one instant follow that order.
func renumber(events []harness.Event) {
	conn := map[uint32]uint32{0: 0}
	number := func(e *harness.Event) {
		if _, known := conn[e.Conn]; !known {
			conn[e.Conn] = uint32(len(conn))
		}
	}
	for i := range events {
		if e := &events[i]; rank(e.Kind) == 1 {
			number(e)
		}
	}
	for i := range events { // those that carried nothing
		number(&events[i])
		events[i].Conn = conn[events[i].Conn]
	}
	for from := 0; from < len(events); {
		to := from + 1
		for to < len(events) && events[to].In == events[from].In && events[to].Kind == events[from].Kind {
			to++
		}
		if rank(events[from].Kind) != 1 {
			slices.SortStableFunc(events[from:to], func(a, b harness.Event) int { return cmp.Compare(a.Conn, b.Conn) })
		}
		from = to
	}
	seq := map[uint64]uint64{}
	for i, e := range events {
		seq[e.Seq] = uint64(i + 1)
	}
	for i := range events {
		e := &events[i]
		e.Seq, e.ReplyTo = uint64(i+1), seq[e.ReplyTo]
	}
}
