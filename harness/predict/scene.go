package predict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// part says in which part of a test a command was sent.
type part uint8

const (
	body  part = iota
	setup      // it cleans up before the test
	teardown
)

// act is a command that took effect, with all that the relations ask of it.
type act struct {
	*detect.Command
	effects effects.Effects
	frame   *detect.Command // which decides when it takes effect: its EXEC, or the EVALSHA that was sent before the EVAL
	family  string          // what it shares with its siblings in a loop: role, verb and key
	part    part
	after   *detect.Command // whose reply was the last that any client got before this was sent; nil: a push, or none
	since   time.Duration   // from that frame, whatever it was, to this; -1: there was none
	others  int             // commands under way on other connections when this was sent, those that wait in Redis aside
}

// scene is one history, prepared.
type scene struct {
	t        *detect.Trace
	facts    Facts
	acts     []*act // in the order in which they took effect
	arriving []*act // the same in the order of their arrival
	of       map[*detect.Command]*act
	first    *detect.Command // the first request
	conns    map[string]int  // connections by role
	points   map[harness.Point]time.Duration
	prompt   time.Duration // how soon the program goes on after a reply that it waited for
	bodyEnds time.Duration // when the last command before the teardown went to Redis
}

func newScene(t *detect.Trace, facts Facts) *scene {
	s := &scene{t: t, facts: facts, of: map[*detect.Command]*act{}, conns: map[string]int{}, points: map[harness.Point]time.Duration{}}
	seen := map[string]bool{}
	for _, c := range t.Commands {
		if s.first == nil || c.Arrived < s.first.Arrived {
			s.first = c
		}
		if at := c.At(); c.Ending != harness.Dropped {
			s.points[c.Point], s.points[c.Point.Reply()] = at.Sent, at.Replied
		}
		if who := fmt.Sprint(c.Point.Role, " ", c.Conn); !seen[who] {
			seen[who] = true
			s.conns[c.Point.Role]++
		}
		if c.Ending == harness.Dropped {
			continue
		}
		if c.NoScript() {
			continue
		}
		a := &act{Command: c, frame: c.At(), effects: facts.Scripts.Of(c.Words), family: c.Point.Role + " " + c.Verb + " " + c.Point.Key}
		if c.Tried != nil {
			a.frame = c.Tried
			facts.Scripts.Alias(c.Tried.Words, c.Words)
		}
		if c.IsError {
			a.effects.Writes = nil
		}
		s.acts = append(s.acts, a)
		s.of[c] = a
	}
	s.causes()
	s.pace()
	s.parts()
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Kind == harness.Push {
			s.points[ev.Point] = ev.Out
		}
	}
	return s
}

// when is when a frame went on its way, or for a command took effect; 0: never.
func (s *scene) when(p harness.Point) time.Duration { return s.points[p] }

// causes notes for each command what the program learned last before it.
func (s *scene) causes() {
	type learned struct {
		at time.Duration
		by *detect.Command
	}
	var list []learned
	for _, c := range s.t.Commands {
		if c.Answered() {
			list = append(list, learned{c.Replied, c})
		}
	}
	for i := range s.t.Events {
		if ev := &s.t.Events[i]; ev.Kind == harness.Push && ev.Out > 0 {
			list = append(list, learned{at: ev.Out})
		}
	}
	slices.SortStableFunc(list, func(a, b learned) int { return cmp.Compare(a.at, b.at) })
	for _, a := range s.acts {
		i, _ := slices.BinarySearchFunc(list, a.Arrived, func(x learned, at time.Duration) int { return cmp.Compare(x.at, at) })
		a.since = -1
		if i > 0 {
			a.after, a.since = list[i-1].by, a.Arrived-list[i-1].at
		}
	}
	s.crowding()
}

// crowd is how many commands before one may be under way with it.
const crowd = 64

// crowding counts what was under way on other connections when each command was
// sent.
func (s *scene) crowding() {
	s.arriving = slices.Clone(s.acts)
	slices.SortStableFunc(s.arriving, func(a, b *act) int { return cmp.Compare(a.Arrived, b.Arrived) })
	for i, a := range s.arriving {
		for _, o := range s.arriving[max(0, i-crowd):i] {
			if o.Conn != a.Conn && !o.Blocks && (!o.Answered() || o.Replied > a.Arrived) {
				a.others++
			}
		}
	}
}

// link is what the wire shows of whether the program sent one command because
// another had been answered.
type link uint8

const (
	apart  link = iota // it had not been answered, or others came between
	timed              // it had, and then something else than a reply let the program go on: a timer, as a rule
	joined             // the same, but for the last reply of several commands of one kind that were under way together
	linked             // from reply to command to reply, each sent at once
)

// follows tells how b came after a.
func (s *scene) follows(b, a *act) link {
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
		if x.since > s.prompt {
			out = timed
		}
		if x.after == a.Command {
			return out
		}
		x = s.of[x.after]
	}
	return apart
}

// pace measures how soon the program goes on after a reply when that is what it
// waited for: within a few times of what is usual.
func (s *scene) pace() {
	var list []time.Duration
	for _, a := range s.acts {
		if a.since >= 0 {
			list = append(list, a.since)
		}
	}
	s.prompt = idle
	if len(list) > 0 {
		slices.Sort(list)
		s.prompt = min(max(5*list[len(list)/2], 400*time.Microsecond), idle)
	}
}

// parts finds the commands before and after the test proper that only clean up.
// Those of handshakes among them are what they are.
func (s *scene) parts() {
	n := len(s.acts)
	for i := 0; i < n && (cleans(s.acts[i]) || looksRound(s.acts[i]) || handshake(s.acts[i])); i++ {
		if !handshake(s.acts[i]) {
			s.acts[i].part = setup
		}
	}
	removes := false // what was looked up is removed
	i := n - 1
	for ; i >= 0 && s.acts[i].part == body; i-- {
		a := s.acts[i]
		if !cleans(a) && !handshake(a) && !(looksRound(a) && removes) {
			break
		}
		removes = removes || a.Verb == "DEL" || a.Verb == "UNLINK"
		if !handshake(a) {
			a.part = teardown
		}
	}
	if i >= 0 {
		s.bodyEnds = s.acts[i].Sent
	}
}

// cleans reports whether a command is of those with which tests clean up.
func cleans(a *act) bool {
	switch a.Verb {
	case "FLUSHALL", "FLUSHDB", "DEL", "UNLINK", "QUIT", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "DISCARD", "XGROUP|DESTROY", "RESET":
		return true
	}
	return false
}

// looksRound reports whether a command is one with which keys to remove are found.
func looksRound(a *act) bool { return a.Verb == "SCAN" || a.Verb == "KEYS" }

// handshake reports whether a command is one with which clients begin.
func handshake(a *act) bool {
	switch a.Verb {
	case "HELLO", "AUTH", "CLIENT|SETINFO", "CLIENT|SETNAME", "CLIENT|TRACKING", "CLIENT|NO-EVICT", "CLIENT|MAINT_NOTIFICATIONS", "CLIENT", "SELECT", "INFO", "COMMAND", "COMMAND|DOCS",
		"PING", "READONLY", "CLUSTER|SLOTS", "CLUSTER|SHARDS", "CLUSTER|NODES", "CLIENT|ID", "CLIENT|GETNAME":
		return true
	}
	return false
}

// blocking reports whether the command takes effect on arrival.
func (a *act) blocking() bool { return a.Blocks || a.effects.Blocking }

// effective is the frame after which a has surely taken effect.
func (a *act) effective() harness.Point {
	if a.blocking() {
		return a.frame.Point
	}
	return a.frame.Point.Reply()
}

// name is the command in words, with regard to what it shares.
func (s *scene) name(a *act, on effects.Resource) string {
	what := s.text(a, on.Name)
	switch {
	case a.Latest():
		what += " from $ on"
	case a.Exec != nil:
		what += " in MULTI"
	}
	return what
}

// text names a command with regard to a key. A script that was sent by its SHA-1
// first is known by that.
func (s *scene) text(a *act, key string) string {
	words := a.Words
	if a.Script() && a.frame.Script() {
		words = a.frame.Words
	}
	return s.facts.Scripts.Describe(words, key)
}

// Latest reports whether the command reads a stream from its end on.
func (a *act) Latest() bool { return len(a.effects.Latest) > 0 }

// falling is 1 at 0 and falls to a half at half.
func falling(d, half time.Duration) float64 {
	return math.Exp2(-max(float64(d), 0) / float64(half))
}

func ms(d time.Duration) string { return phrase.Ms(d) }

// sentence shortens a value for a title.
func sentence(s string) string {
	const longest = 60
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
