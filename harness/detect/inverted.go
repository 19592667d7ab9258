package detect

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// Inverted finds two commands of two connections that took effect in one order in
// all passing runs and in the other, or the first not at all, in a failing one, of
// which one was answered otherwise for it. The first one to be answered otherwise
// counts: what comes after it may follow from it. It is the inverted pair and the
// value that changed hands of Symbiosis (PLDI '15, section 2).
func Inverted(failed *Trace, passing []*Trace) (Match, bool) {
	for _, b := range failed.Commands {
		if !b.Answered() || b.Effects.Blocking || isSubscribe(b) || !otherwise(b, passing) {
			continue
		}
		if a, before := partner(failed, b, passing); a != nil {
			return inversion(failed, a, b, before), true
		}
		return Match{}, false
	}
	return Match{}, false
}

// otherwise reports whether a command was answered, and in another way, in all
// passing runs that have it.
func otherwise(b *Command, passing []*Trace) bool {
	seen := false
	for _, t := range passing {
		o := t.Find(b.Point)
		if o == nil || !o.Answered() {
			continue
		}
		if slices.Equal(o.Result, b.Result) {
			return false
		}
		seen = true
	}
	return seen
}

// partner is the command of the first passing run that b changed places with: the
// last one that came before it there, else the first one after it. before says that
// it came before b where the test passed.
func partner(failed *Trace, b *Command, passing []*Trace) (a *Command, before bool) {
	first := passing[slices.IndexFunc(passing, func(t *Trace) bool { o := t.Find(b.Point); return o != nil && o.Answered() })]
	was := first.Find(b.Point)
	at := slices.Index(first.Commands, was)
	turned := func(o *Command, before bool) bool {
		if o.Conn == was.Conn || !o.Answered() || o.IsError && !before {
			return false
		}
		c, ok := effects.Conflicts(o.Effects, was.Effects)
		if !ok || c.On.Kind != effects.Key {
			return false
		}
		for _, t := range passing {
			x, y := t.Find(o.Point), t.Find(b.Point)
			if x != nil && y != nil && (x.Sent < y.Sent) != before {
				return false
			}
		}
		now := failed.Find(o.Point)
		if now == nil || now.Ending == harness.Dropped {
			return before
		}
		return (now.Sent < b.Sent) != before
	}
	for i := at - 1; i >= 0; i-- {
		if o := first.Commands[i]; turned(o, true) {
			return o, true
		}
	}
	for _, o := range first.Commands[at+1:] {
		if turned(o, false) {
			return o, false
		}
	}
	return nil, false
}

// WentOn finds a command that no passing run sent, sent while the proxy kept another
// one or its reply: the program had waited for that long enough, and did something
// else.
func WentOn(failed *Trace, passing []*Trace) (Match, bool) {
	if len(passing) == 0 {
		return Match{}, false
	}
	for _, c := range failed.Commands {
		kept := max(c.Kept, failed.keptReply(c))
		if kept < shortestWait || c.Blocks || isSubscribe(c) {
			continue
		}
		told := answeredAt(failed, c)
		for _, o := range failed.Commands {
			waited := o.Arrived - c.Arrived
			if o == c || waited < shortestWait/2 || o.Arrived >= told || o.Point.Role == "hs" {
				continue
			}
			if slices.ContainsFunc(passing, func(t *Trace) bool { return t.Find(o.Point) != nil }) {
				continue
			}
			return Match{
				Class: harness.TimeoutClient,
				Title: fmt.Sprintf("%s %s had no answer when the test went on with %s after %s", failed.nameOf(c), c.Point.Key, failed.nameOf(o), ms(waited)),
				Explanation: fmt.Sprintf("%s was sent at %s. After %s without an answer %s was sent, which no run that passed does. %s",
					failed.nameOf(c), at3(failed, c.Arrived), ms(waited), failed.nameOf(o), whose(min(kept, waited), waited)),
				Events: seqs(c.Seq, c.Reply, o.Seq), First: c.Point.Reply(), Then: o.Point, Score: 0.6,
			}, true
		}
	}
	return Match{}, false
}

// Overtaken finds a frame of another connection that reached the client after the
// late reply in all passing runs, and before it in a failing one.
func Overtaken(failed *Trace, passing []*Trace, late harness.Point) (Match, bool) {
	var c *Command
	for _, o := range failed.Commands {
		if o.Point.Reply().Any() == late.Any() && failed.keptReply(o) > 0 && !isSubscribe(o) && (c == nil || failed.keptReply(o) > failed.keptReply(c)) {
			c = o
		}
	}
	if c == nil || len(passing) == 0 {
		return Match{}, false
	}
	told := answeredAt(failed, c)
	for _, o := range failed.Commands {
		if o.Conn == c.Conn || !o.Answered() || unsent(failed, o) || o.Blocks || o.Point.Role == "hs" || o.Replied >= told || o.Replied < c.Arrived {
			continue
		}
		kept, turned := 0, 0
		for _, t := range passing {
			x, y := t.Find(c.Point), t.Find(o.Point)
			switch {
			case x == nil || y == nil || !x.Answered() || !y.Answered():
			case y.Replied <= x.Replied:
				turned++
			default:
				kept++
			}
		}
		if kept == 0 || turned > 0 {
			continue
		}
		first, then := failed.nameOf(c)+" "+c.Point.Key, failed.nameOf(o)+" "+o.Point.Key
		return Match{
			Class: harness.OrderDelivery,
			Title: fmt.Sprintf("the reply to %s came before the reply to %s, by another connection", then, first),
			Explanation: fmt.Sprintf("In the runs that passed the reply to %s came first. Here it came at %s, and the reply to %s at %s. "+
				"No order holds between two connections: let the program wait for both, whichever comes first.",
				first, at3(failed, told), then, at3(failed, o.Replied)),
			Events: seqs(c.Seq, c.Reply, o.Seq, o.Reply), First: c.Point.Reply(), Then: o.Point.Reply(), Score: 0.55,
		}, true
	}
	return Match{}, false
}

// inversion tells of a pair: a is of a passing run, b of the failing one.
func inversion(failed *Trace, a, b *Command, before bool) Match {
	first, then := failed.nameOf(a), failed.nameOf(b)
	came := "after it"
	events := []uint64{b.Seq, b.Reply}
	switch now := failed.Find(a.Point); {
	case now == nil || now.Ending == harness.Dropped:
		came = "not at all"
	case before:
		events = append(events, now.Seq, now.Reply)
	default:
		came = "before it"
		events = append(events, now.Seq, now.Reply)
	}
	title := fmt.Sprintf("%s %s took effect before %s", then, b.Point.Key, first)
	if !before {
		title = fmt.Sprintf("%s %s took effect after %s", then, b.Point.Key, first)
	}
	return Match{
		Class: harness.OrderCommands, Title: title,
		Explanation: fmt.Sprintf("%s was answered %s. In the runs that passed %s had taken effect %s; here it came %s. "+
			"Nothing orders two connections: await the reply of the first before sending the second.",
			then, answer(b), first, map[bool]string{true: "before", false: "only after"}[before], came),
		Events: seqs(events...), First: a.Point, Then: b.Point, Score: 0.6,
	}
}

// answer is what a command was answered, cut.
func answer(c *Command) string {
	if len(c.Result) == 0 {
		return "with nothing"
	}
	text := c.Result[0]
	if len(c.Result) > 1 {
		text = fmt.Sprintf("%s and %d more", text, len(c.Result)-1)
	}
	return fmt.Sprintf("%.60q", text)
}
