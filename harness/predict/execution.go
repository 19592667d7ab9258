package predict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// execution turns round any two commands of different clients of which one
// writes what the other touches: a key, a consumer group, the keyspace, a
// registry of the server. What comes first is kept until the other has taken
// effect.
func execution(s *scene) []nearmiss.Candidate {
	p := pairs{s: s, index: newIndex(), best: map[familyPair][]pair{}}
	for _, b := range s.acts {
		for _, a := range p.index.before(b) {
			p.consider(a, b)
		}
		p.index.add(b)
	}
	return p.candidates()
}

// pair is two commands of which the order may matter.
type pair struct {
	a, b  *act
	on    effects.Conflict
	score float64
}

// familyPair is the two families of a pair.
type familyPair struct{ a, b string }

// siblings is how many pairs of one family are kept: the same two commands in a
// loop.
const siblings = 4

// pairs gathers them, the best of each family.
type pairs struct {
	s     *scene
	index *index
	best  map[familyPair][]pair
	order []familyPair
}

func (p *pairs) consider(a, b *act) {
	if a.frame == b.frame || a.frame.Point == b.frame.Point || b.Arrived-a.Sent > maxHoldGap {
		return
	}
	ordered := a.Conn == b.Conn && !pooled(a, b)
	if ordered && a.Verb != "CONFIG|SET" {
		return
	}
	on, ok := effects.Conflicts(a.effects, b.effects)
	if !ok || p.invisible(a, b) {
		return
	}
	if ordered && (on.On.Name != "notify-keyspace-events" || !heard(p.s, b)) {
		return // of CONFIG SET, only what shows is taken for another caller's
	}
	x := pair{a, b, on, score(p.s, a, b, on)}
	f := familyPair{a.family, b.family}
	list, known := p.best[f]
	if !known {
		p.order = append(p.order, f)
	}
	if len(list) == siblings && list[siblings-1].score >= x.score {
		return
	}
	i, _ := slices.BinarySearchFunc(list, x, higher)
	for i < len(list) && list[i].score == x.score { // the earlier first
		i++
	}
	list = slices.Insert(list, i, x)
	p.best[f] = list[:min(len(list), siblings)]
}

func higher(x, y pair) int { return cmp.Compare(y.score, x.score) }

// invisible reports whether the other order shows neither in the replies nor in
// what is left: two SADD that both added.
func (p *pairs) invisible(a, b *act) bool {
	return effects.Commute(a.effects, b.effects) && a.Answered() && b.Answered() && slices.Equal(a.Result, b.Result) && slices.Equal(a.Words, b.Words)
}

// pooled reports whether two commands on one connection may be those of two
// callers that share a pool: each could have gone by another connection, and
// then nothing keeps them in order.
func pooled(a, b *act) bool {
	return a.Replied <= b.Arrived && a.Point.Role == b.Point.Role && !a.blocking() && a.Exec == nil && b.Exec == nil && a.part == body
}

// score judges how probably the other order happens, and fails the test.
func score(s *scene, a, b *act, on effects.Conflict) float64 {
	w := min(on.Weight, 1.1)
	gap := b.Arrived - a.Sent
	free := 1.0
	if b.Arrived >= a.Replied && a.Answered() && !a.blocking() { // else under way together: nobody waited for the first
		free = s.freedom(b, a)
	}
	w *= free
	w *= 0.4 + 0.6*falling(gap, half)
	if a.Conn == b.Conn {
		switch alone := s.conns[a.Point.Role] < 2; {
		case free < timerFreedom: // one caller goes on at once
			w *= 0.3
		case alone: // that there is a pool nothing shows
			w *= 0.45
		default:
			w *= 0.65
		}
	}
	switch {
	case a.part == teardown || b.part == teardown:
		w *= 0.15
	case a.part == setup || b.part == setup:
		w *= 0.35
	}
	if immortalised(a, b) { // what is left lives for ever
		w *= 1.4
	}
	if on.Sort == effects.WriteRead && nothing(b.Result) && !deletes(a) {
		w *= 0.6 // it saw nothing of the first
	}
	if on.On.Name == "notify-keyspace-events" && on.On.Kind == effects.Configuration {
		if !heard(s, b) {
			return w * 0.3 // nobody was told of b, with the configuration or without
		}
		w = max(w, 0.6)
	}
	return w
}

// heard reports whether a keyspace event told a subscriber of what a command did.
func heard(s *scene, a *act) bool {
	for _, d := range s.t.DeliveriesFrom(a.Sent) {
		if d.Went-a.Sent >= together {
			break
		}
		if strings.HasPrefix(d.Channel, "__key") && slices.ContainsFunc(a.Keys, func(k string) bool {
			return strings.HasSuffix(d.Channel, k) || strings.HasSuffix(d.Payload, k)
		}) {
			return true
		}
	}
	return false
}

// nothing reports whether a reply says that there was nothing.
func nothing(result []string) bool {
	return len(result) == 0 || len(result) == 1 && (result[0] == "(nil)" || result[0] == "0" || result[0] == "")
}

func deletes(a *act) bool {
	if a.Script() { // it may have
		return true
	}
	switch a.Verb {
	case "DEL", "UNLINK", "HDEL", "SREM", "ZREM", "LREM", "GETDEL", "FLUSHALL", "FLUSHDB", "LPOP", "RPOP", "SPOP", "LTRIM":
		return true
	}
	return false
}

// candidates makes them. Of each family the first counts, and each further one
// half as much as the one before.
func (p *pairs) candidates() []nearmiss.Candidate {
	var list []pair
	for _, f := range p.order {
		share := 1.0
		for _, x := range p.best[f] {
			x.score *= share
			share /= 2
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, higher)
	var out []nearmiss.Candidate
	seen := map[[2]harness.Point]bool{}
	for _, x := range list {
		key := [2]harness.Point{x.a.frame.Point, x.b.frame.Point}
		if !seen[key] && len(out) < most {
			seen[key] = true
			out = append(out, inverted(p.s, x))
		}
	}
	return out
}

// inverted is the candidate that turns a pair round.
func inverted(s *scene, x pair) nearmiss.Candidate {
	a, b := x.a, x.b
	gap := b.Arrived - a.Sent
	class, also := classOf(x)
	first, then := s.say.name(a, x.on.On), s.say.name(b, x.on.On)
	where := "on another connection"
	if a.Conn == b.Conn {
		where = "by another caller, perhaps,"
	}
	c := nearmiss.Candidate{
		Class: class, Also: also, Shape: shapeOf(x),
		Title:  fmt.Sprintf("%s reached Redis %s before %s %s (%s)", first, ms(gap), then, where, sentence(x.on.On.String())),
		Broken: fmt.Sprintf("%s reached Redis before %s (%s)", then, began(a, first), sentence(x.on.On.String())),
		Why: fmt.Sprintf("%s reached Redis %s before %s, and nothing on the wire keeps that order. In the other order %s. %s",
			first, ms(gap), then, consequence(x, first, then), remedy(a, first, then)),
		First: a.frame.Point, Then: b.frame.Point, Gap: gap,
		Provoke:    s.replay(harness.HoldFrame(a.frame.Point, b.effective(), gap)),
		Counter:    s.replay(harness.HoldFrame(b.frame.Point, a.effective(), gap)),
		Likelihood: 0.85 * x.score,
		Due:        arrival(b.frame.Point),
	}
	return c
}

// arrival is when a frame came that the late one must precede.
func arrival(rival harness.Point) nearmiss.Due { return nearmiss.Arrival(rival) }

// shapeOf names what sort of pair it is.
func shapeOf(x pair) string {
	shape := x.on.On.Kind.String()
	switch {
	case x.a.Latest() || x.b.Latest():
		shape = "stream read from its end"
	case x.a.Conn == x.b.Conn:
		shape += " in a pool"
	}
	return shape
}

// classOf says what a failure in the other order is called.
func classOf(x pair) (harness.Class, []harness.Class) {
	data := []harness.Class{
		harness.OrderCommands, harness.RaceCheckThenAct, harness.RaceLostUpdate, harness.OrderMessages, harness.OrderDelivery, harness.TTLMissing,
		harness.OrderServerState, harness.TimeoutClient,
	}
	messages := []harness.Class{harness.RaceSubscribePublish, harness.RaceMultiSubscriber, harness.RaceDuplicateSubscribe, harness.OrderServerState, harness.OrderDelivery}
	switch kind := x.on.On.Kind; {
	case kind == effects.Channel || kind == effects.ShardChannel:
		return harness.OrderMessages, []harness.Class{harness.OrderDelivery, harness.OrderCommands}
	case kind == effects.Subscribers || kind == effects.ShardSubs:
		if publishes(x.a) || publishes(x.b) {
			return harness.RaceSubscribePublish, messages
		}
		return harness.OrderServerState, messages
	case kind.Server():
		return harness.OrderServerState, []harness.Class{harness.OrderCommands}
	case immortalised(x.a, x.b):
		return harness.TTLMissing, data
	}
	return harness.OrderCommands, data
}

func publishes(a *act) bool {
	return slices.ContainsFunc(a.effects.Writes, func(r effects.Resource) bool {
		return r.Kind == effects.Channel || r.Kind == effects.ShardChannel
	})
}

// immortalised reports whether the other order of two commands, one of which gives
// a key a time to live, leaves it without one.
func immortalised(a, b *act) bool {
	return (a.Expires || b.Expires) && mortal(a, b) && !mortal(b, a)
}

// mortal reports whether the key has a time to live, or is not there, after first
// and then last.
func mortal(first, last *act) bool {
	switch {
	case last.Expires || !last.Script() && deletes(last):
		return true
	case last.Clears:
		return false
	}
	return first.Expires
}

// consequence says what the other order changes.
func consequence(x pair, first, then string) string {
	switch {
	case x.a.Latest():
		return fmt.Sprintf("%s never sees what %s added", first, then)
	case x.on.Sort == effects.WriteRead:
		return fmt.Sprintf("%s does not see what %s did", then, first)
	case x.on.Sort == effects.ReadWrite:
		return fmt.Sprintf("%s sees what %s did", first, then)
	}
	return fmt.Sprintf("what %s did is left, and not what %s did", first, then)
}

// began says of what waits in Redis that it began there.
func began(a *act, name string) string {
	if a.blocking() {
		return name + " began"
	}
	return name
}

// remedy says what would keep the order.
func remedy(a *act, first, then string) string {
	if a.blocking() {
		return fmt.Sprintf("That %s waits in Redis no reply tells: read from an ID that was known before %s, not from now on.", first, then)
	}
	return fmt.Sprintf("Wait for the reply to %s before %s is sent.", first, then)
}
