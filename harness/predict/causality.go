package predict

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// link is what the wire shows of whether the program sent one command because
// another had been answered.
type link uint8

const (
	apart  link = iota // it had not been answered, or others came between
	timed              // it had, and then something else than a reply let the program go on: a timer, as a rule
	joined             // the same, but for the last reply of several commands of one kind that were under way together
	linked             // from reply to command to reply, each sent at once
)

// causality answers what made a program send a command, as far as the wire shows
// it.
type causality struct {
	of     map[*detect.Command]*act
	prompt time.Duration // how soon the program goes on after a reply that it waited for
}

// follows tells how b came after a.
func (c causality) follows(b, a *act) link {
	const steps = 16
	out := linked
	x := b
	for range steps {
		if x == nil || x.after == nil {
			return apart
		}
		if x.after.Replied < a.Replied {
			if x != b && x.Verb == a.Verb && x.Arrived < a.Replied && out == linked {
				return joined
			}
			return apart
		}
		if x.since > c.prompt {
			out = timed
		}
		if x.after == a.Command {
			return out
		}
		x = c.of[x.after]
	}
	return apart
}

// timerFreedom is the freedom of what a timer set off, or another reply.
const timerFreedom = 0.6

// freedom is how probable it is that nothing keeps b after a, which had been
// answered when b was sent.
func (c causality) freedom(b, a *act) float64 {
	switch c.follows(b, a) {
	case linked:
		if b.others > 0 {
			return 0.4
		}
		return 0.22
	case timed:
		return timerFreedom
	case joined:
		return 0.4
	}
	return 0.7
}

// noteCauses notes for each command what the program learned last before it.
func noteCauses(acts []*act, t *detect.Trace) {
	type learned struct {
		at time.Duration
		by *detect.Command
	}
	var list []learned
	for _, c := range t.Commands {
		if c.Answered() {
			list = append(list, learned{c.Replied, c})
		}
	}
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Kind == harness.Push && ev.Out > 0 {
			list = append(list, learned{at: ev.Out})
		}
	}
	slices.SortStableFunc(list, func(a, b learned) int { return cmp.Compare(a.at, b.at) })
	for _, a := range acts {
		i, _ := slices.BinarySearchFunc(list, a.Arrived, func(x learned, at time.Duration) int { return cmp.Compare(x.at, at) })
		a.since = -1
		if i > 0 {
			a.after, a.since = list[i-1].by, a.Arrived-list[i-1].at
		}
	}
}

// crowd is how many commands before one may be under way with it.
const crowd = 64

// countOthers counts what was under way on other connections when each command
// was sent.
func countOthers(arriving []*act) {
	for i, a := range arriving {
		for _, o := range arriving[max(0, i-crowd):i] {
			if o.Conn != a.Conn && !o.Blocks && (!o.Answered() || o.Replied > a.Arrived) {
				a.others++
			}
		}
	}
}

// promptness measures how soon the program goes on after a reply when that is what
// it waited for: within a few times of what is usual.
func promptness(acts []*act) time.Duration {
	var list []time.Duration
	for _, a := range acts {
		if a.since >= 0 {
			list = append(list, a.since)
		}
	}
	if len(list) == 0 {
		return idle
	}
	slices.Sort(list)
	return min(max(5*list[len(list)/2], 400*time.Microsecond), idle)
}
