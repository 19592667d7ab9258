package predict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

// handshakes makes a connection ready late: what a client sends at first on a
// connection that was opened during the test is answered only when the others
// have gone on.
func handshakes(s *scene) []nearmiss.Candidate {
	opened := map[uint32]bool{}
	for i := range s.t.Events {
		if ev := &s.t.Events[i]; ev.Kind == harness.Open {
			opened[ev.Conn] = true
		}
	}
	first := map[uint32]*act{}
	last := map[uint32]*act{} // of its handshake
	used := map[uint32]bool{} // for more
	var order []uint32
	for _, a := range s.acts {
		switch {
		case first[a.Conn] == nil && (opened[a.Conn] || greets(a)):
			first[a.Conn] = a
			order = append(order, a.Conn)
			if !handshake(a) {
				used[a.Conn] = true
			}
			last[a.Conn] = a
		case first[a.Conn] == nil:
			first[a.Conn], used[a.Conn] = a, true // it was there before: not new
		case !used[a.Conn] && handshake(a):
			last[a.Conn] = a
		case a.part != teardown:
			used[a.Conn] = true
		}
	}
	var out []nearmiss.Candidate
	for i, conn := range order {
		if h := last[conn]; h.Answered() {
			out = append(out, lateHandshake(s, h, used[conn], i == 0))
		}
	}
	slices.SortStableFunc(out, likeliest)
	for i := range out {
		for range i {
			out[i].Likelihood *= 0.7
		}
	}
	return out
}

// greets reports whether a command is one that clients send at the beginning of
// a connection alone.
func greets(a *act) bool {
	switch a.Verb {
	case "HELLO", "AUTH", "CLIENT|SETINFO", "CLIENT|SETNAME", "INFO", "COMMAND", "COMMAND|DOCS":
		return a.Point.N <= 64
	}
	return false
}

func lateHandshake(s *scene, h *act, used, only bool) nearmiss.Candidate {
	w, overlaps := 0.3, false
	next := time.Duration(-1) // from its reply to the next command on another connection
	at, _ := slices.BinarySearchFunc(s.arriving, h.Arrived, func(a *act, t time.Duration) int { return cmp.Compare(a.Arrived, t) })
	for _, a := range s.arriving[max(0, at-crowd):] {
		if a.Conn == h.Conn || a.part == teardown {
			continue
		}
		overlaps = overlaps || a.Arrived > h.Arrived && a.Arrived < h.Replied || a.Arrived < h.Arrived && a.Replied > h.Arrived && !a.blocking()
		if a.Arrived >= h.Replied {
			next = a.Arrived - h.Replied
			break
		}
	}
	switch {
	case overlaps:
		w = 0.55
	case next >= 0:
		w = 0.2 + 0.25*falling(next, 20*time.Millisecond)
	}
	if used { // the client goes on with this connection: it waits for that, as a rule
		w *= 0.4
	}
	if only {
		w *= 0.8
	}
	d := min(max(s.bodyEnds-h.Replied+slack, 120*time.Millisecond), s.maxDelay)
	what := s.say.plain(h.Words, "")
	class, also := harness.OrderDelivery, harness.ConnectionLost
	if reconnects(s, h) {
		class, also = also, class
	}
	return nearmiss.Candidate{
		Class: class,
		Also:  []harness.Class{also, harness.TimeoutClient, harness.OrderServerState, harness.OrderCommands, harness.RaceSubscribePublish}, Shape: "handshake",
		Title:  fmt.Sprintf("%s, with which connection %d begins, was answered in %s; the others go on", what, h.Conn, ms(h.Replied-h.Arrived)),
		Broken: fmt.Sprintf("the others went on before %s, with which connection %d begins, was answered", what, h.Conn),
		Why: fmt.Sprintf("Connection %d is ready only when its %s is answered. On a slow network that comes after what other connections did meanwhile. Wait until every connection is ready before the test relies on it.",
			h.Conn, what),
		First: h.Point.Reply(), Gap: max(next, 0),
		Provoke: s.replay(harness.DelayFrame(h.Point.Reply(), d)), Counter: s.replay(),
		Likelihood: w,
	}
}

// reconnects reports whether a connection took the place of one that had ended while
// the test went on, and not by its own client's will.
func reconnects(s *scene, h *act) bool {
	for _, ev := range s.t.Closes {
		if ev.Conn != h.Conn && ev.In < h.Arrived && detect.ClosedBy(s.t, ev) != detect.ByClient {
			return true
		}
	}
	return false
}
