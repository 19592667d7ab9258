package predict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

// received is a frame on its way to a client.
type received struct {
	ev    *harness.Event
	by    *detect.Command // whose reply it is; nil: a push
	out   time.Duration
	event bool // it tells of something that another client did: a message, an invalidation, what a blocking command waited for
	text  string
}

// delivery turns round two frames that reached the program one soon after the
// other by two connections, where nothing but the network keeps them in order;
// and it makes a push late for the next command that goes by what it tells.
func delivery(s *scene) []nearmiss.Candidate {
	list := receivedFrames(s)
	var out []nearmiss.Candidate
	families := map[string]int{}
	for i, g := range list {
		for _, f := range list[max(0, i-lookBack):i] {
			if c, ok := overtaken(s, f, g); ok {
				family := string(c.First.Any().Append(nil)) + string(c.Then.Any().Append(nil))
				for range families[family] {
					c.Likelihood /= 2
				}
				families[family]++
				out = append(out, c)
			}
		}
		if c, ok := lateNews(s, g); ok {
			out = append(out, c)
		}
	}
	return append(out, lateMessages(s, list)...)
}

const (
	// pause is how long nothing comes from a program that waits by the clock.
	pause = 15 * time.Millisecond
	// lateToAll is for how many publications their messages are made late.
	lateToAll = 4
	// lookBack is how many frames before one it is compared with.
	lookBack = 6
	// together is how far apart two frames may be for a program to have had them
	// at about the same time.
	together = 60 * time.Millisecond
)

// receivedFrames lists the frames that went to clients, in order.
func receivedFrames(s *scene) []received {
	var out []received
	replies := map[uint64]*detect.Command{}
	for _, c := range s.t.Commands {
		if c.Answered() {
			replies[c.Reply] = c
		}
	}
	for i := range s.t.Events {
		ev := &s.t.Events[i]
		if ev.Out == 0 || ev.Kind != harness.Reply && ev.Kind != harness.Push {
			continue
		}
		x := received{ev: ev, out: ev.Out, event: ev.Kind == harness.Push}
		if ev.Kind == harness.Reply {
			if x.by = replies[ev.Seq]; x.by == nil {
				continue
			}
			x.event = x.by.Blocks && !nothing(x.by.Result)
			x.text = "the reply to " + s.say.plain(x.by.Words, "")
			if k := x.by.Point.Key; k != "" {
				x.text += " " + sentence(k)
			}
		} else {
			x.text = pushText(ev)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b received) int { return cmp.Compare(a.out, b.out) })
	return out
}

func pushText(ev *harness.Event) string {
	what := map[string]string{"message": "a message on", "pmessage": "a message on", "smessage": "a message on", "invalidate": "the invalidation of"}[ev.Point.Verb]
	if what == "" {
		what = "a push " + ev.Point.Verb
	}
	key := ev.Point.Key
	if ev.Point.Verb == "pmessage" && len(ev.Args) > 2 {
		key = ev.Args[2]
	}
	if key == "" && len(ev.Args) > 1 {
		key = strings.Join(ev.Args[1:], " ")
	}
	return what + " " + sentence(key)
}

// noticeTime is added to the gap when a frame is kept for another to overtake it.
// The program needs that long at most to notice the other frame.
const noticeTime = 60 * time.Millisecond

// overtaken keeps f until g has surely been noticed.
func overtaken(s *scene, f, g received) (nearmiss.Candidate, bool) {
	gap := g.out - f.out
	if f.ev.Conn == g.ev.Conn || gap > together || f.ev.Point == g.ev.Point {
		return nearmiss.Candidate{}, false
	}
	w := 0.5
	if !f.event && !g.event { // two answers to one program: it may go by which comes first
		if f.ev.Point.Role == "hs" || g.ev.Point.Role == "hs" || outsideBody(s, f) || outsideBody(s, g) || !f.by.Reads ||
			strings.HasSuffix(f.by.Verb, "SUBSCRIBE") || strings.HasSuffix(g.by.Verb, "SUBSCRIBE") { // confirmations have shapes of their own
			return nearmiss.Candidate{}, false
		}
		w = 0.55
	} else if f.event && !g.event { // a reply that comes before the news; tests rarely rely on more than that the news comes
		w = 0.3
	}
	if by := cause(s, g); by != nil && f.by != nil {
		switch a := s.of[f.by]; {
		case by.Command == f.by: // the reply to what g tells of
			w *= 0.4
		case a != nil && by.Arrived > f.out: // f came before that was sent
			w *= s.freedom(by, a)
		}
	}
	if outsideBody(s, f) || outsideBody(s, g) {
		w *= 0.15
	}
	w *= 0.3 + 0.7*falling(gap, 10*time.Millisecond)
	return nearmiss.Candidate{
		Class: harness.OrderDelivery, Also: []harness.Class{harness.OrderMessages, harness.OrderCommands, harness.RaceSubscribePublish, harness.TimeoutClient},
		Shape:  kindOf(f) + " before " + kindOf(g),
		Title:  fmt.Sprintf("%s came %s before %s on another connection", f.text, ms(gap), g.text),
		Broken: fmt.Sprintf("%s came before %s, by another connection", g.text, f.text),
		Why: fmt.Sprintf("%s came %s before %s, by another connection. No order holds between two connections: where a program relies on it, it fails on a slow network. "+
			"Let the program wait for both, whichever comes first.", f.text, ms(gap), g.text),
		First: f.ev.Point, Then: g.ev.Point, Gap: gap,
		Provoke:    s.replay(harness.DelayFrame(f.ev.Point, gap+noticeTime)),
		Counter:    s.replay(harness.HoldFrame(g.ev.Point, f.ev.Point, gap)),
		Likelihood: w, Due: arrival(g.ev.Point),
	}, true
}

func kindOf(f received) string {
	switch {
	case f.by == nil:
		return f.ev.Point.Verb
	case f.event:
		return "awaited reply"
	}
	return "reply"
}

// cause is the command that set a frame off: the PUBLISH of a message, what a
// blocking command waited for, or the frame's own request; nil if it is not known.
func cause(s *scene, g received) *act {
	if g.by != nil {
		a := s.of[g.by]
		if a != nil && g.event {
			if w := fed(s, a); w != nil {
				return w
			}
		}
		return a
	}
	for _, d := range s.t.DeliveriesFrom(g.out) {
		if d.Went > g.out {
			break
		}
		if d.Event == g.ev && d.Publish != nil {
			return s.of[d.Publish]
		}
	}
	return nil
}

// outsideBody reports whether a frame is of the teardown or a handshake.
func outsideBody(s *scene, f received) bool {
	if f.by == nil {
		return f.out > s.bodyEnds+time.Second
	}
	a := s.of[f.by]
	return a == nil || a.part != body
}

// lateNews delays a push beyond the next command of its connection on what it
// tells of: a cache that was not told still answers from memory, and then that
// command is never sent.
func lateNews(s *scene, g received) (nearmiss.Candidate, bool) {
	if g.ev.Point.Verb != "invalidate" {
		return nearmiss.Candidate{}, false
	}
	var keys []string
	if len(g.ev.Args) > 1 {
		keys = g.ev.Args[1:]
	}
	var next *act
	for _, a := range s.acts {
		if a.Arrived > g.out && slices.ContainsFunc(keys, a.Touches) && a.part == body && a.ReadsAny() {
			next = a
			break
		}
	}
	d := 200 * time.Millisecond
	gap := time.Duration(0)
	w := 0.4
	c := nearmiss.Candidate{First: g.ev.Point}
	if next != nil {
		gap = next.Arrived - g.out
		d, w = gap+slack, 0.75
		c.Then, c.Due = next.Point, arrival(next.Point)
	}
	if d > s.maxDelay {
		return nearmiss.Candidate{}, false
	}
	c.Class, c.Shape, c.Gap, c.Likelihood = harness.OrderDelivery, "late invalidation", gap, w
	c.Also = []harness.Class{harness.TimeoutClient, harness.OrderCommands}
	c.Title = fmt.Sprintf("%s came %s before the key is read again", g.text, ms(gap))
	c.Broken = fmt.Sprintf("the key was read before %s came", g.text)
	c.Why = fmt.Sprintf("%s tells a client that its copy is old. Until it comes, the client answers from its memory: what it reads less than a round trip after another's write may be the old value. "+
		"Wait until the new value is seen, or read past the cache.", g.text)
	c.Provoke, c.Counter = s.replay(harness.DelayFrame(g.ev.Point, d)), s.replay()
	return c, true
}

// lateMessages makes what one PUBLISH sent come late to all its subscribers, beyond
// the time that the program waited before it went on: it may go by what handlers have
// done meanwhile, which the wire does not show.
func lateMessages(s *scene, list []received) []nearmiss.Candidate {
	var order []*act
	of := map[*act][]received{}
	for _, g := range list {
		if g.by != nil {
			continue
		}
		by := cause(s, g)
		if by == nil || by.part != body {
			continue
		}
		if of[by] == nil {
			order = append(order, by)
		}
		of[by] = append(of[by], g)
	}
	var out []nearmiss.Candidate
	w := 0.5
	for _, by := range slices.Backward(order) { // what comes after the last has the fewest chances to be put right
		if len(out) == lateToAll {
			break
		}
		if c, ok := lateMessage(s, of[by]); ok {
			c.Likelihood = w
			w *= 0.8
			out = append(out, c)
		}
	}
	return out
}

func lateMessage(s *scene, pushes []received) (nearmiss.Candidate, bool) {
	first, last := pushes[0], pushes[len(pushes)-1]
	at, _ := slices.BinarySearchFunc(s.arriving, last.out, func(a *act, t time.Duration) int { return cmp.Compare(a.Arrived, t) })
	var next *act
	for _, a := range s.arriving[at:] {
		if a.Arrived-last.out >= pause {
			next = a
			break
		}
	}
	if next == nil || next.Arrived-first.out+slack > s.maxDelay {
		return nearmiss.Candidate{}, false
	}
	gap := next.Arrived - first.out
	var late []harness.Decision
	for _, g := range pushes {
		late = append(late, harness.DelayFrame(g.ev.Point, gap+slack))
	}
	return nearmiss.Candidate{
		Class: harness.OrderDelivery, Also: []harness.Class{harness.TimeoutClient, harness.OrderMessages, harness.OrderCommands},
		Shape:  "late message",
		Title:  fmt.Sprintf("%s came %s before %s %s, and no reply tells when it comes", first.text, ms(gap), s.say.text(next, ""), sentence(next.Point.Key)),
		Broken: first.text + " came late",
		Why: fmt.Sprintf("%s came %s before the program went on with %s. Nothing that it awaits says that the message has come: on a slow network it comes later. Wait until its effect is seen.",
			first.text, ms(gap), s.say.text(next, "")),
		First: first.ev.Point, Then: next.Point, Gap: gap,
		Provoke: s.replay(late...), Counter: s.replay(), Due: arrival(next.Point),
	}, true
}
