package predict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

const (
	// deadlineKinds is for how many kinds of command a late reply is tried.
	deadlineKinds = 3
	// trips is from how many round trips one after the other their number may be
	// what a deadline breaks by, and not one of them.
	trips = 40
	// spread is by how much manyTrips makes a test longer.
	spread = 3 * time.Second
	// limitSlack is by how much a test is made longer than its limit.
	limitSlack = 100 * time.Millisecond
	// groups bounds how many kinds of frame manyTrips delays.
	groups = 64
)

// deadlines keeps one frame as long as a slow network may: a client that gives
// up sooner shows it. The commands of one role share their client's deadline, as
// a rule: the last that reads is tried, whose reply the test looks at, and the
// first of those that are most frequent.
func deadlines(s *scene) []nearmiss.Candidate {
	first, last := map[string]*act{}, map[string]*act{}
	count := map[string]int{}
	var order []string
	for _, a := range s.acts {
		if a.part != body || !a.Answered() || a.blocking() || a.Exec != nil || handshake(a) {
			continue
		}
		k := a.Point.Role + " " + a.Verb
		if count[k]++; first[k] == nil {
			first[k] = a
		}
		if last[a.Point.Role] == nil {
			order = append(order, a.Point.Role)
		}
		if a.Reads || last[a.Point.Role] == nil {
			last[a.Point.Role] = a
		}
	}
	var out []nearmiss.Candidate
	for i, role := range order[:min(len(order), deadlineKinds)] {
		out = append(out, replyDeadline(s, last[role], 0.32-0.1*float64(i)))
	}
	kinds := slices.SortedStableFunc(maps.Keys(first), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(first[a].Sent, first[b].Sent))
	})
	for i, k := range kinds[:min(len(kinds), deadlineKinds)] {
		out = append(out, replyDeadline(s, first[k], 0.22-0.05*float64(i)))
	}
	return append(out, pushDeadlines(s)...)
}

func replyDeadline(s *scene, a *act, w float64) nearmiss.Candidate {
	text := "the reply to " + s.say.text(a, "") + " " + sentence(a.Point.Key)
	return deadline(s, a.Point.Reply(), text, a.Replied-a.Arrived, w)
}

// pushDeadlines keeps all pushes of one kind: a test that waits for the last of
// them for a while gives up.
func pushDeadlines(s *scene) []nearmiss.Candidate {
	seen := map[harness.Point]bool{}
	var out []nearmiss.Candidate
	for _, f := range receivedFrames(s) {
		at := f.ev.Point.Any()
		if f.by != nil || seen[at] || len(out) == deadlineKinds {
			continue
		}
		seen[at] = true
		w := 0.24
		if isKeyEvent(f) {
			w = 0.5
		}
		var took time.Duration
		if by := cause(s, f); by != nil {
			took = f.out - by.Arrived
		}
		out = append(out, deadline(s, at, f.text, took, w))
	}
	return out
}

// isKeyEvent reports whether a push tells of a key: nobody's reply tells when it
// comes, so that tests wait for it for a time.
func isKeyEvent(f received) bool {
	for _, w := range f.ev.Args {
		if len(w) > 7 && w[:5] == "__key" {
			return true
		}
	}
	return false
}

// limitFrames bounds how many replies timeLimit delays.
const limitFrames = 8

// timeLimit makes a test longer than its runner lets it be, where less is left than
// a slow network may take. Which replies the test's end depends on is not known: the
// first of each kind come late, one after the other.
func timeLimit(s *scene) []nearmiss.Candidate {
	l := s.t.Outcome.Limit
	if l == nil || l.Left() <= 0 || l.Left() > s.maxDelay {
		return nil
	}
	d := min(l.Left()+limitSlack, s.maxDelay)
	seen := map[harness.Point]bool{}
	var late []harness.Decision
	for _, a := range s.acts {
		kind := a.Point.Reply().Any()
		if a.part != body || !a.Answered() || a.blocking() || a.Exec != nil || handshake(a) || seen[kind] || len(late) == limitFrames {
			continue
		}
		seen[kind] = true
		late = append(late, harness.DelayFrame(a.Point.Reply(), d))
	}
	if len(late) == 0 {
		return nil
	}
	took, of := ms(time.Duration(l.Took)), ms(time.Duration(l.Of))
	return []nearmiss.Candidate{{
		Class: harness.TimeoutClient, Shape: "time limit",
		Title:  fmt.Sprintf("the test takes %s of the %s that its runner gives it", took, of),
		Broken: fmt.Sprintf("the test took longer than the %s that its runner gives it", of),
		Why:    fmt.Sprintf("The test took %s where it passed. Its runner ends it after %s: %s later in all, and it fails. Give it a longer limit, or let it wait for less.", took, of, ms(l.Left())),
		First:  late[0].At, Provoke: s.replay(late...), Counter: s.replay(), Likelihood: 0.6,
	}}
}

func deadline(s *scene, at harness.Point, what string, took time.Duration, w float64) nearmiss.Candidate {
	d := s.maxDelay
	return nearmiss.Candidate{
		Class: harness.TimeoutClient, Also: []harness.Class{harness.OrderDelivery, harness.ConnectionLost, harness.OrderCommands}, Shape: "deadline",
		Title:  fmt.Sprintf("%s takes %s here, and up to %s on a slow network", what, ms(took), ms(d)),
		Broken: fmt.Sprintf("%s came %s late, and a deadline of the client or of the test had passed", what, ms(d)),
		Why: fmt.Sprintf("When %s comes %s late, a deadline of the client or of the test has passed. Give it more time than a slow network takes, or try again.",
			what, ms(d)),
		First: at, Provoke: s.replay(harness.DelayFrame(at, d)), Counter: s.replay(), Likelihood: w,
	}
}

// manyTrips delays every reply a little where a test makes many round trips one
// after the other: their sum is what a deadline breaks by.
func manyTrips(s *scene) []nearmiss.Candidate {
	n := 0
	seen := map[harness.Point]bool{}
	var at []harness.Point
	var end time.Duration
	for _, a := range s.acts {
		if !a.Answered() || a.blocking() || a.Exec != nil || a.Arrived < end {
			continue
		}
		n++
		end = a.Replied
		if p := a.Point.Reply().Any(); !seen[p] && len(at) < groups {
			seen[p] = true
			at = append(at, p)
		}
	}
	if n < trips {
		return nil
	}
	d := min(max(spread/time.Duration(n), 2*time.Millisecond), 40*time.Millisecond)
	slow := func(d time.Duration) harness.Schedule {
		var list []harness.Decision
		for _, p := range at {
			list = append(list, harness.DelayFrame(p, d))
		}
		return s.replay(list...)
	}
	return []nearmiss.Candidate{{
		Class: harness.TimeoutClient, Also: []harness.Class{harness.ConnectionLost, harness.TTLExpiredEarly, harness.OrderCommands}, Shape: "many round trips",
		Title:  fmt.Sprintf("%d round trips one after the other: %s more each make the test %s longer", n, ms(d), time.Duration(n)*d),
		Broken: fmt.Sprintf("%d round trips one after the other took %s longer each, and a deadline passed", n, ms(d)),
		Why: fmt.Sprintf("The test makes %d round trips one after the other. When each takes %s longer, it takes %s longer, and a deadline passes. Send what does not depend on a reply in a pipeline, or give the test more time.",
			n, ms(d), time.Duration(n)*d),
		First: at[0], Provoke: slow(d), Counter: s.replay(),
		Likelihood: 0.36 - 0.1*falling(time.Duration(n-trips), trips),
	}}
}

// exhaustion keeps a connection busy on which somebody else seems to have
// waited for a blocking command's end: a pool with none left.
func exhaustion(s *scene) []nearmiss.Candidate {
	next := map[uint32]*act{}
	var out []nearmiss.Candidate
	for i := len(s.acts) - 1; i >= 0; i-- {
		a := s.acts[i]
		n := next[a.Conn]
		next[a.Conn] = a
		if n == nil || !a.blocking() || !a.Answered() || n.blocking() || n.part != body || n.Arrived-a.Replied > idle {
			continue
		}
		w := 0.2
		if waiting(s, a) >= 2 { // it was not the only one
			w = 0.5
		}
		at := a.Point.Reply().Any() // which of those that wait is which differs from trial to trial
		out = append(out, nearmiss.Candidate{
			Class: harness.ConnectionLost, Also: []harness.Class{harness.TimeoutClient, harness.OrderDelivery, harness.OrderCommands}, Shape: nearmiss.PoolShape,
			Title:  fmt.Sprintf("%s went by the connection of a %s as soon as that was answered", n.Verb, a.Verb),
			Broken: fmt.Sprintf("%s found no connection while %s waited in Redis", n.Verb, a.Verb),
			Why: fmt.Sprintf("%s was sent on connection %d %s after %s had been answered there. A blocking command keeps its connection: when all of a pool's wait in Redis, others wait for one, and give up.",
				n.Verb, a.Conn, ms(n.Arrived-a.Replied), a.Verb),
			First: at, Then: n.Point, Gap: n.Arrived - a.Replied,
			Provoke: s.replay(harness.DelayFrame(at, s.maxDelay)), Counter: s.replay(), Likelihood: w,
		})
	}
	return out
}

const (
	// rush is how far apart commands are sent that are taken for sent at once.
	rush = 5 * time.Millisecond
	// mostBusy is how many connections are kept busy at once.
	mostBusy = 8
)

// crowded keeps all connections busy that a program used at once, when it went on
// with one of them as soon as that was free: a pool may have had no other.
func crowded(s *scene) []nearmiss.Candidate {
	last := map[uint32]*act{}
	var busy []*act
	var next *act
	var waited time.Duration // from when its connection was free
	for _, n := range s.arriving {
		if n.blocking() || n.part != body || n.Point.Role == "hs" {
			continue
		}
		if prev := last[n.Conn]; prev != nil && prev.Answered() && n.Arrived-prev.Replied <= idle && n.Arrived-prev.Arrived <= 2*rush {
			others := []*act{prev}
			for conn, o := range last {
				if conn != n.Conn && o.Point.Role == prev.Point.Role && max(o.Arrived-prev.Arrived, prev.Arrived-o.Arrived) <= rush &&
					(o.Verb == prev.Verb || o.Arrived < prev.Replied && prev.Arrived < o.Replied) {
					others = append(others, o)
				}
			}
			if len(others) > max(1, len(busy)) && len(others) <= mostBusy {
				busy, next, waited = others, n, n.Arrived-prev.Replied
			}
		}
		last[n.Conn] = n
	}
	if next == nil {
		return nil
	}
	slices.SortFunc(busy, func(a, b *act) int { return cmp.Or(cmp.Compare(a.Arrived, b.Arrived), cmp.Compare(a.Conn, b.Conn)) })
	var late []harness.Decision
	for _, a := range busy {
		late = append(late, harness.DelayFrame(a.Point, s.maxDelay))
	}
	return []nearmiss.Candidate{{
		Class: harness.ConnectionLost, Also: []harness.Class{harness.TimeoutClient, harness.OrderDelivery, harness.OrderCommands}, Shape: nearmiss.PoolShape,
		Title:  fmt.Sprintf("%s went by a connection as soon as that was free, with %d in use", next.Verb, len(busy)),
		Broken: fmt.Sprintf("%s found no connection while commands were under way on %d", next.Verb, len(busy)),
		Why: fmt.Sprintf("Commands went by %d connections at once, and %s by one of them %s after that was free. When all of a pool's connections are in use, others wait for one, and give up. "+
			"Give the pool as many connections as there are users, or let them wait for longer than a slow network takes.", len(busy), next.Verb, ms(waited)),
		First: busy[0].Point, Then: next.Point, Gap: next.Arrived - busy[0].Arrived,
		Provoke: s.replay(late...), Counter: s.replay(), Likelihood: 0.33,
	}}
}

// waiting counts the commands of a's role that waited in Redis just before a was
// answered, a among them.
func waiting(s *scene, a *act) int {
	n := 0
	at, _ := slices.BinarySearchFunc(s.arriving, a.Done, func(o *act, t time.Duration) int { return cmp.Compare(o.Arrived, t) })
	for _, o := range s.arriving[max(0, at-crowd):at] {
		if o.blocking() && o.Point.Role == a.Point.Role && (!o.Answered() || o.Done >= a.Done) {
			n++
		}
	}
	return n
}
