package contrast

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/effects"
)

const (
	// window is how many neighbours of a command on one resource are paired with
	// it. Any two sequences that differ have two neighbours that changed places.
	window = 8
	// beside is the same for frames to clients, most of which have nothing to do
	// with each other.
	beside = 4
	// maxPairs bounds what is compared; the earliest stay.
	maxPairs = 40_000
)

// pair is two points, the one with the smaller number first.
type pair uint64

func pairOf(a, b int32) pair {
	if a > b {
		a, b = b, a
	}
	return pair(uint64(a)<<32 | uint64(b))
}

func (p pair) ids() (a, b int32) { return int32(p >> 32), int32(p) }

// orders finds pairs of conflicting commands that took effect in both orders, and
// pairs of frames that reached clients in both orders.
func (t finder) orders() (skipped int) {
	var commands, frames []pair
	for i := range t.runs {
		commands = t.neighbours(i, commands)
		frames = t.delivered(i, frames)
	}
	commands, skipped = t.distinct(commands)
	for _, p := range commands {
		a, b := p.ids()
		t.inverted(Order, p, effect, func(q Predicate) {
			if x, y, ok := t.both(a, b); ok && conflict(x.command, y.command) {
				t.add(q)
			}
		})
	}
	frames, more := t.distinct(frames)
	for _, p := range frames {
		t.inverted(Delivery, p, toClient, t.add)
	}
	return skipped + more
}

func effect(f *frame) time.Duration   { return f.took }
func toClient(f *frame) time.Duration { return f.answered }

// distinct sorts pairs by when they come and leaves each once, and no more than
// can be looked at.
func (t finder) distinct(list []pair) (out []pair, skipped int) {
	slices.Sort(list)
	list = slices.Compact(list)
	if n := len(list) - maxPairs; n > 0 {
		slices.SortFunc(list, func(p, q pair) int { return cmp.Compare(t.later(p), t.later(q)) })
		return list[:maxPairs], n
	}
	return list, 0
}

// later is when the later point of a pair comes as a rule.
func (t finder) later(p pair) time.Duration {
	a, b := p.ids()
	return max(t.usual[a], t.usual[b])
}

// neighbours adds the pairs of commands of different connections that come close
// to each other on one resource in run i.
func (t finder) neighbours(i int, out []pair) []pair {
	row := t.at[i]
	byResource := map[string][]int32{}
	var all []int32
	for _, id := range t.ordered(i, effect) {
		c := row[id].command
		if c == nil || idle(c) {
			continue
		}
		all = append(all, id)
		for _, r := range resources(c) {
			byResource[r] = append(byResource[r], id)
		}
	}
	join := func(list []int32, at int) {
		x := row[list[at]]
		for k := at + 1; k < len(list) && k <= at+window; k++ {
			if row[list[k]].conn != x.conn {
				out = append(out, pairOf(list[at], list[k]))
			}
		}
	}
	for _, list := range byResource {
		for at := range list {
			join(list, at)
		}
	}
	for at, id := range all { // what touches all keys is paired with whatever is near
		if wholeKeyspace(row[id].command) {
			join(all, at)
			for k := max(0, at-window); k < at; k++ {
				if row[all[k]].conn != row[id].conn {
					out = append(out, pairOf(all[k], id))
				}
			}
		}
	}
	return out
}

// delivered adds the pairs of frames of different connections that reached clients
// one soon after the other in run i, of which one was pushed or waited for.
func (t finder) delivered(i int, out []pair) []pair {
	row := t.at[i]
	var list []int32
	for _, id := range t.ordered(i, toClient) {
		if c := row[id].command; c == nil || !idle(c) && c.Verb != "PUBLISH" {
			list = append(list, id)
		}
	}
	for at, id := range list {
		x := row[id]
		for k := at + 1; k < len(list) && k <= at+beside; k++ {
			y := row[list[k]]
			if y.conn != x.conn && (unasked(x) || unasked(y)) {
				out = append(out, pairOf(id, list[k]))
			}
		}
	}
	return out
}

// unasked reports whether a frame comes to the client when something happens, and
// not because it asked just now.
func unasked(f *frame) bool { return f.push != nil || f.command.Blocks }

// idle reports whether a command is one that clients send by themselves.
func idle(c *detect.Command) bool {
	switch c.Verb {
	case "PING", "HELLO", "AUTH", "INFO", "SELECT", "COMMAND", "CLIENT|SETNAME", "CLIENT|SETINFO", "CLIENT|ID", "MULTI", "QUIT":
		return true
	}
	return false
}

// resources names what a command touches, so that those that may conflict share a
// name.
func resources(c *detect.Command) []string {
	var out []string
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, k := range c.Keys {
		add("k" + k)
	}
	for _, list := range [][]effects.Resource{c.Effects.Reads, c.Effects.Writes} {
		for _, r := range list {
			switch r.Kind {
			case effects.Key, effects.Keyspace:
			case effects.Group:
				add("k" + r.Name)
			case effects.Channel, effects.ShardChannel:
				add("c" + r.Name)
			case effects.Subscribers, effects.ShardSubs:
				add("c" + r.Name)
				add("subscribers")
			default:
				add(r.Kind.String())
			}
		}
	}
	return out
}

// wholeKeyspace reports whether a command touches the keyspace and no key in particular.
func wholeKeyspace(c *detect.Command) bool {
	all := func(r effects.Resource) bool { return r.Kind == effects.Keyspace }
	return len(c.Keys) == 0 && (slices.ContainsFunc(c.Effects.Reads, all) || slices.ContainsFunc(c.Effects.Writes, all))
}

// conflict reports whether the order of two commands may matter.
func conflict(a, b *detect.Command) bool {
	if a == nil || b == nil {
		return false
	}
	if _, ok := effects.Conflicts(a.Effects, b.Effects); ok {
		return true
	}
	_, ok := effects.Conflicts(b.Effects, a.Effects)
	return ok
}

// both returns the two frames of a run that has both.
func (t finder) both(a, b int32) (x, y *frame, ok bool) {
	for i := range t.runs {
		if x, y := t.at[i][a], t.at[i][b]; x != nil && y != nil {
			return x, y, true
		}
	}
	return nil, nil, false
}

// inverted adds the predicate that b came before a, or a before b, if the pair
// came in both orders.
func (t finder) inverted(kind Kind, p pair, by func(*frame) time.Duration, add func(Predicate)) {
	a, b := p.ids()
	var holds, known uint64 // holds: a before b
	for i := range t.runs {
		x, y := t.at[i][a], t.at[i][b]
		if x == nil || y == nil || by(x) == 0 || by(y) == 0 || by(x) == by(y) {
			continue
		}
		known |= 1 << i
		if by(x) < by(y) {
			holds |= 1 << i
		}
	}
	if holds == 0 || holds == known {
		return
	}
	q := Predicate{Kind: kind, basis: basis{holds: holds, known: known, when: t.later(p)}}
	if t.against(&q) { // failures go with b before a
		q.First, q.Then = t.points[a], t.points[b]
	} else {
		q.First, q.Then = t.points[b], t.points[a]
	}
	if kind == Delivery {
		q.First, q.Then = q.First.Reply(), q.Then.Reply()
	}
	add(q)
}
