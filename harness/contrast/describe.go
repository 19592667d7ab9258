package contrast

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// describe gives a predicate its words, its class, and the schedules that force it.
func (t *table) describe(p *Predicate, matches []detect.Match) {
	shape := p.Text
	switch p.Kind {
	case Order:
		p.Changed = t.changed(*p)
		p.Text = fmt.Sprintf("%s came before %s", name(p.Then), name(p.First))
		if p.Changed != "" {
			p.Text += ": " + p.Changed
		}
	case Delivery:
		p.Text = fmt.Sprintf("%s reached its client before %s", arrives(p.Then), arrives(p.First))
	case Lifetime:
		p.Text = fmt.Sprintf("%s came when the time to live that %s gave was over", name(p.First), name(p.Then))
		if shape == "alive" {
			p.Text = fmt.Sprintf("%s found what %s had given a time to live still there", name(p.Then), name(p.First))
		}
	case Gap:
		how := "more"
		if shape == "shorter" {
			how = "less"
		}
		p.Text = fmt.Sprintf("%s came %s than %s after %s", arrives(p.First), how, ms(p.Threshold), arrives(p.Then))
		if p.First == p.Then.Reply() {
			p.Text = fmt.Sprintf("%s was answered after %s than %s", name(p.Then), how, ms(p.Threshold))
		}
	case Duplicate:
		p.Text = arrives(p.First) + " is there"
	case Absent:
		p.Text = arrives(p.First) + " is not there"
	case Reply:
		p.Text = fmt.Sprintf("%s returned %s", name(p.Then), shape)
	}
	p.Class = t.classOf(*p, shape, matches)
	p.Try = t.try(*p, shape)
}

// name is a command in words, with its number where it is not the first of its name.
func name(p harness.Point) string {
	s := p.Verb
	if p.Key != "" {
		s += " " + p.Key
	}
	if p.N > 1 {
		s += " #" + strconv.Itoa(p.N)
	}
	return s
}

// arrives is a frame in words: of what goes to the client the answer, or the
// message.
func arrives(p harness.Point) string {
	switch {
	case p.Dir == harness.ToServer:
		return name(p)
	case pushed(p):
		return "the " + strings.TrimPrefix(strings.TrimPrefix(name(p), "p"), "s")
	}
	return "the answer to " + name(p)
}

// pushed reports whether a point is of a frame that Redis sent unasked.
func pushed(p harness.Point) bool {
	return p.Dir == harness.ToClient && p.Verb == strings.ToLower(p.Verb) && p.Verb != ""
}

// ms gives a duration for a sentence.
func ms(d time.Duration) string { return phrase.Ms(d) }

// classOf proposes the class of a predicate: that of a detector that names the
// same pair, else what its kind says.
func (t *table) classOf(p Predicate, shape string, matches []detect.Match) harness.Class {
	if c, ok := named(p, matches); ok {
		return c
	}
	f := t.any1(t.id[request(p.First)], p.known)
	g := t.any1(t.id[request(p.Then)], p.known)
	switch p.Kind {
	case Order:
		if f != nil && g != nil && f.command != nil && g.command != nil {
			return orderClass(f.command, g.command)
		}
		return harness.OrderCommands
	case Delivery:
		if pushed(p.First) && pushed(p.Then) && p.First.Key == p.Then.Key {
			return harness.OrderMessages
		}
		return harness.OrderDelivery
	case Lifetime:
		if shape == "alive" {
			return harness.TTLExpiredLate
		}
		return harness.TTLExpiredEarly
	case Gap:
		if shape == "shorter" {
			return harness.OrderCommands
		}
		return harness.TimeoutClient
	case Reply:
		if f != nil && f.command != nil && strings.ToUpper(shape) == shape && len(shape) > 3 && f.command.IsError {
			return harness.OrderServerState
		}
	}
	return harness.Unattributed
}

// named is the class of the best match about the pair of a predicate: in any of its
// turns if the program goes round in a loop. Of a single frame that was late it is
// that of the best match which the frame is late in.
func named(p Predicate, matches []detect.Match) (harness.Class, bool) {
	a, b := request(p.First), request(p.Then)
	for _, any := range []bool{false, true} {
		form := func(q harness.Point) harness.Point {
			if q = request(q); any {
				q = q.Any()
			}
			return q
		}
		for _, m := range matches {
			if m.Class == harness.Unattributed || m.Class == harness.NotRedis || m.Score < detect.Named {
				continue
			}
			x, y := form(m.First), form(m.Then)
			switch {
			case a == b && p.Kind == Gap && x == form(a):
				return m.Class, true
			case a != b && (form(a) == x && form(b) == y || form(a) == y && form(b) == x):
				return m.Class, true
			}
		}
	}
	return "", false
}

// request is the point of the command that a reply answers; a push stays.
func request(p harness.Point) harness.Point {
	if !pushed(p) {
		p.Dir = harness.ToServer
	}
	return p
}

// orderClass names the order of two commands by what they share: first is late.
func orderClass(first, then *detect.Command) harness.Class {
	subscribes := func(c *detect.Command) bool {
		return strings.HasSuffix(c.Verb, "SUBSCRIBE") && !strings.HasSuffix(c.Verb, "UNSUBSCRIBE")
	}
	publishes := func(c *detect.Command) bool { return c.Verb == "PUBLISH" || c.Verb == "SPUBLISH" }
	conflict, ok := effects.Conflicts(then.Effects, first.Effects)
	switch {
	case subscribes(first) && publishes(then):
		return harness.RaceSubscribePublish
	case publishes(first) && publishes(then):
		return harness.OrderMessages
	case ok && conflict.On.Kind.Server():
		return harness.OrderServerState
	}
	return harness.OrderCommands
}

// span is the median time between two points over runs of a set.
func (t *table) span(a, b harness.Point, in uint64) time.Duration {
	x, y := t.id[request(a)], t.id[request(b)]
	var list []time.Duration
	for i := range t.runs {
		if f, g := t.at[i][x], t.at[i][y]; in&(1<<i) != 0 && f != nil && g != nil {
			list = append(list, (g.took - f.took).Abs())
		}
	}
	return median(list)
}
