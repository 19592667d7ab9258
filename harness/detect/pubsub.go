package detect

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Subscription is one channel or pattern of a (P|S)SUBSCRIBE.
type Subscription struct {
	Command   *Command // nil: it was there before the test began
	Conn      uint32
	Channel   string // or pattern
	Pattern   bool
	Sharded   bool   // by SSUBSCRIBE: such channels are others than those of SUBSCRIBE
	Seq       uint64 // of the request
	Confirm   uint64 // Seq of the confirmation; 0: none
	Sent      time.Duration
	Confirmed time.Duration // its confirmation came from Redis; 0: never
	Told      time.Duration // its confirmation went to the client
	Ended     time.Duration // UNSUBSCRIBE went to Redis, or the connection ended; 0: never
	Point     harness.Point // of the request
	Reply     harness.Point // of the confirmation
}

// Delivery is a message on its way to a subscriber.
type Delivery struct {
	Event   *harness.Event
	Conn    uint32
	Channel string
	Pattern string // "" for a plain subscription
	Sharded bool   // to a subscription by SSUBSCRIBE
	Payload string
	Came    time.Duration // from Redis
	Went    time.Duration // to the client
	Publish *Command      // nil: published by someone else
	Index   int           // of its PUBLISH among those of the channel, from 0; -1 without one
}

// confirm notes the confirmation of one channel of c.
func (t traceBuilder) confirm(c *Command, ev *harness.Event) {
	if strings.HasSuffix(c.Verb, "UNSUBSCRIBE") || len(ev.Args) < 2 {
		return
	}
	s := &Subscription{
		Command: c, Conn: c.Conn, Channel: ev.Args[1], Pattern: c.Verb == "PSUBSCRIBE", Sharded: c.Verb == "SSUBSCRIBE", Seq: c.Seq, Confirm: ev.Seq,
		Sent: c.Sent, Confirmed: ev.In, Told: ev.Out, Point: c.Point, Reply: ev.Point,
	}
	if s.Told == 0 {
		s.Told = ev.In
	}
	t.Subscriptions = append(t.Subscriptions, s)
}

// pending adds the subscriptions whose confirmation was never seen.
func (t traceBuilder) pending() {
	type which struct {
		c       *Command
		channel string
	}
	seen := map[which]bool{}
	for _, s := range t.Subscriptions {
		seen[which{s.Command, s.Channel}] = true
	}
	for _, c := range t.Commands {
		if !strings.HasSuffix(c.Verb, "SUBSCRIBE") || strings.HasSuffix(c.Verb, "UNSUBSCRIBE") {
			continue
		}
		for _, ch := range c.Args {
			if !seen[which{c, ch}] && !c.IsError && !strings.HasSuffix(ch, "…") {
				t.Subscriptions = append(t.Subscriptions, &Subscription{
					Command: c, Conn: c.Conn, Channel: ch, Pattern: c.Verb == "PSUBSCRIBE", Sharded: c.Verb == "SSUBSCRIBE", Seq: c.Seq, Sent: c.Sent,
					Point: c.Point, Reply: c.Point.Reply(),
				})
			}
		}
	}
	sorted(t.Subscriptions, func(s *Subscription) time.Duration { return s.Sent })
}

// endSubscriptions notes which were given up during the test, and adds those
// that must have been there before it: they brought messages.
func (t traceBuilder) endSubscriptions() {
	type name struct {
		conn    uint32
		channel string
		pattern bool
		sharded bool
	}
	known := map[name]bool{}
	for _, s := range t.Subscriptions {
		known[name{s.Conn, s.Channel, s.Pattern, s.Sharded}] = true
	}
	var earlier []*Subscription
	for _, d := range t.Deliveries {
		n := name{d.Conn, d.Channel, false, d.Sharded}
		if d.Pattern != "" {
			n.channel, n.pattern = d.Pattern, true
		}
		if !known[n] {
			known[n] = true
			earlier = append(earlier, &Subscription{Conn: n.conn, Channel: n.channel, Pattern: n.pattern, Sharded: n.sharded})
		}
	}
	t.Subscriptions = append(earlier, t.Subscriptions...)
	var leaving []*Command
	for _, c := range t.Commands {
		if strings.HasSuffix(c.Verb, "UNSUBSCRIBE") {
			leaving = append(leaving, c)
		}
	}
	for _, s := range t.Subscriptions {
		for _, c := range leaving {
			if c.Conn == s.Conn && (c.Verb == "PUNSUBSCRIBE") == s.Pattern && (c.Verb == "SUNSUBSCRIBE") == s.Sharded && c.Sent > s.Sent && s.Ended == 0 &&
				(len(c.Args) == 0 || slices.Contains(c.Args, s.Channel)) {
				s.Ended = c.Sent
			}
		}
		for _, ev := range t.Closes {
			if ev.Conn == s.Conn && ev.In > s.Sent && s.Ended == 0 {
				s.Ended = ev.In
			}
		}
	}
}

func (t traceBuilder) deliver(ev *harness.Event) {
	d := &Delivery{Event: ev, Conn: ev.Conn, Came: ev.In, Went: ev.Out, Index: -1}
	switch args := ev.Args; {
	case ev.Point.Verb == "pmessage" && len(args) >= 3:
		d.Pattern, d.Channel = args[1], args[2]
		if len(args) > 3 {
			d.Payload = args[3]
		}
	case (ev.Point.Verb == "message" || ev.Point.Verb == "smessage") && len(args) >= 2:
		d.Channel, d.Sharded = args[1], ev.Point.Verb == "smessage"
		if len(args) > 2 {
			d.Payload = args[2]
		}
	default:
		return
	}
	if d.Went == 0 {
		d.Went = d.Came
	}
	t.Deliveries = append(t.Deliveries, d)
}

// attribute finds the PUBLISH of each delivery: of those with the channel and
// payload that had come by then, the first that this subscription has not had
// and that went to more subscribers than are known.
func (t traceBuilder) attribute() {
	type subscriber struct {
		conn    uint32
		pattern string
		channel string
		sharded bool
	}
	next := map[subscriber]int{} // all before it have been had, or will not come any more
	had := map[subscriber]map[int]bool{}
	byCame := slices.Clone(t.Deliveries)
	sorted(byCame, func(d *Delivery) time.Duration { return d.Came })
	for _, d := range byCame {
		who := subscriber{d.Conn, d.Pattern, d.Channel, d.Sharded}
		if had[who] == nil {
			had[who] = map[int]bool{}
		}
		list := t.onChannel[d.Channel]
		for i := next[who]; i < len(list); i++ {
			p := list[i]
			// Arrived, not Sent: what a PUBLISH sets off may come back before the
			// proxy has noted that it was sent.
			if p.Arrived > d.Came && i > next[who]+lookBack {
				break
			}
			if p.Arrived <= d.Came && !had[who][i] && (p.Verb == "SPUBLISH") == d.Sharded && samePayload(p.Args[1], d.Payload) && !t.spent(p) {
				had[who][i] = true
				d.Publish, d.Index = p, i
				p.Sent = min(p.Sent, d.Came)
				t.of[p] = append(t.of[p], d)
				break
			}
		}
		for had[who][next[who]] || d.Index-next[who] > lookBack {
			delete(had[who], next[who])
			next[who]++
		}
	}
}

// spent reports whether all deliveries of a PUBLISH are known: its reply counts
// them.
func (t traceBuilder) spent(p *Command) bool {
	if p.IsError || len(p.Result) != 1 {
		return false
	}
	n, err := strconv.Atoi(p.Result[0])
	return err == nil && len(t.of[p]) >= n
}

// samePayload compares what was kept of two payloads, which may be cut at
// different lengths.
func samePayload(a, b string) bool {
	x, cutX := strings.CutSuffix(a, "…")
	y, cutY := strings.CutSuffix(b, "…")
	return a == b || cutX && strings.HasPrefix(y, x) || cutY && strings.HasPrefix(x, y)
}
