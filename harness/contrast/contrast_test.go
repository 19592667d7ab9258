package contrast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// script builds the history of a run: commands that are answered, at given times.
type script struct {
	events []harness.Event
	n      map[harness.Point]int
}

// do is a command that is sent at a time, takes effect at once and is answered
// after took.
func (s *script) do(at time.Duration, conn uint32, took time.Duration, reply string, args ...string) {
	p := s.point(conn, harness.ToServer, args)
	req := s.add(harness.Event{Kind: harness.Request, Conn: conn, Point: p, In: at, Out: at, Args: args})
	if reply != "" {
		s.add(harness.Event{Kind: harness.Reply, Conn: conn, Point: p.Reply(), In: at + took, Out: at + took, ReplyTo: req, Args: []string{reply}})
	}
}

// message is a message on its way to a subscriber.
func (s *script) message(at time.Duration, conn uint32, channel, body string) {
	args := []string{"message", channel, body}
	s.add(harness.Event{Kind: harness.Push, Conn: conn, Point: s.point(conn, harness.ToClient, args), In: at, Out: at, Args: args})
}

func (s *script) point(conn uint32, dir harness.Direction, args []string) harness.Point {
	p := harness.Point{Role: fmt.Sprintf("c%d", conn), Dir: dir, Verb: args[0]}
	if len(args) > 1 {
		p.Key = args[1]
	}
	if s.n == nil {
		s.n = map[harness.Point]int{}
	}
	s.n[p]++
	p.N = s.n[p]
	return p
}

func (s *script) add(ev harness.Event) uint64 {
	ev.Seq = uint64(len(s.events) + 1)
	s.events = append(s.events, ev)
	return ev.Seq
}

func (s *script) run(failed bool, boundary harness.Boundary) Run {
	o := harness.Outcome{Test: harness.TestID{Name: "t"}, Verdict: harness.Passed, Boundary: boundary}
	r := Run{Failed: failed}
	if failed {
		o.Verdict, o.Failure = harness.Failed, &harness.Failure{Kind: harness.AssertionFailure, Message: "no luck", Fingerprint: "f1"}
		r.Failure = "f1"
	}
	r.Trace = detect.NewTrace(s.events, o)
	return r
}

const step = time.Millisecond

// many makes failing and passing runs by one function, with noise of a seed.
func many(failing, passing int, make1 func(failed bool, noise time.Duration) Run) []Run {
	rnd := rand.New(rand.NewPCG(1, 2))
	var out []Run
	for i := range failing + passing {
		out = append(out, make1(i < failing, time.Duration(rnd.IntN(400))*time.Microsecond))
	}
	return out
}

func TestOrderAndTheValueThatChangedHands(t *testing.T) {
	r := Rank(many(5, 9, func(failed bool, noise time.Duration) Run {
		var s script
		s.do(step, 1, 200*time.Microsecond, "3", "INCR", "visits")
		set, get, reply := 10*step, 20*step+noise, "v"
		if failed {
			set, get, reply = 20*step+noise, 10*step, "(nil)"
		}
		s.do(min(set, get), 3, 100*time.Microsecond, "PONG", "PING")
		s.do(set, 1, 200*time.Microsecond, "OK", "SET", "k", "v")
		s.do(get, 2, 200*time.Microsecond, reply, "GET", "k")
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	require.NotEmpty(t, r.Predicates)
	p := r.Predicates[0]
	assert.Equal(t, Order, p.Kind)
	assert.Equal(t, "GET k came before SET k: GET k returned nil instead of v", p.Text)
	assert.Equal(t, harness.OrderCommands, p.Class)
	assert.Equal(t, harness.Count{K: 5, N: 5}, p.With)
	assert.Equal(t, harness.Count{K: 0, N: 9}, p.Without)
	assert.InDelta(t, 1.0/2002, p.P, 1e-9, "one of C(14,5) tables")
	assert.InDelta(t, 9.0/14, p.Increase, 1e-9)
	assert.Less(t, p.Adjusted, 0.01)
	require.NotNil(t, p.Try)
	assert.Equal(t, `hold c1>SET "k" #1 until c2<GET "k" #1`, p.Try.Provoke.Decisions[0].String())
	assert.Equal(t, `hold c2>GET "k" #1 until c1<SET "k" #1`, p.Try.Counter.Decisions[0].String())
	assert.Equal(t, "t", p.Try.Provoke.Decisions[0].Test)
	assert.False(t, r.Same())
}

func TestSubscriptionAfterTheMessage(t *testing.T) {
	r := Rank(many(3, 6, func(failed bool, noise time.Duration) Run {
		var s script
		sub, got := 5*step, "1"
		if failed {
			sub, got = 30*step, "0"
		}
		s.do(sub, 1, 200*time.Microsecond, "subscribe news 1", "SUBSCRIBE", "news")
		s.do(15*step+noise, 2, 200*time.Microsecond, got, "PUBLISH", "news", "x")
		if !failed {
			s.message(16*step+noise, 1, "news", "x")
		}
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	require.NotEmpty(t, r.Predicates)
	p := r.Predicates[0]
	assert.Equal(t, harness.RaceSubscribePublish, p.Class)
	assert.Contains(t, p.Text, "PUBLISH news came before SUBSCRIBE news")
	assert.Equal(t, `hold c1>SUBSCRIBE "news" #1 until c2<PUBLISH "news" #1`, p.Try.Provoke.Decisions[0].String())
}

func TestDeliveryOrder(t *testing.T) {
	r := Rank(many(4, 8, func(failed bool, noise time.Duration) Run {
		var s script
		s.do(step, 3, 0, "", "BLPOP", "jobs", "0")
		a, b := 10*step, 20*step+noise
		if failed {
			a, b = b, a
		}
		s.message(a, 1, "news", "x")
		s.message(b, 2, "other", "y")
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	require.NotEmpty(t, r.Predicates)
	p := r.Predicates[0]
	assert.Equal(t, Delivery, p.Kind)
	assert.Equal(t, harness.OrderDelivery, p.Class)
	assert.Equal(t, "the message other reached its client before the message news", p.Text)
	assert.Equal(t, `hold c1<message "news" #1 until c2<message "other" #1`, p.Try.Provoke.Decisions[0].String())
}

func TestAnAnswerThatTookLonger(t *testing.T) {
	r := Rank(many(5, 9, func(failed bool, noise time.Duration) Run {
		var s script
		took := 2*step + noise
		if failed {
			took = 210*step + noise
		}
		s.do(step, 1, took, "v", "GET", "k")
		s.do(step+took+step, 1, step, "OK", "SET", "k", "w")
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	require.NotEmpty(t, r.Predicates)
	p := r.Predicates[0]
	assert.Equal(t, Gap, p.Kind)
	assert.Equal(t, harness.TimeoutClient, p.Class)
	assert.Contains(t, p.Text, "GET k was answered after more than 1")
	require.NotNil(t, p.Try)
	d := p.Try.Provoke.Decisions[0]
	assert.Equal(t, harness.Delay, d.Action)
	assert.Greater(t, time.Duration(d.Delay), 100*step)
	assert.LessOrEqual(t, time.Duration(d.Delay), maxDelay)
	assert.Empty(t, p.Try.Counter.Decisions)
}

func TestAKeyThatHadExpired(t *testing.T) {
	r := Rank(many(4, 8, func(failed bool, noise time.Duration) Run {
		var s script
		at, reply := 60*step+noise, "me"
		if failed {
			at, reply = 140*step+noise, "(nil)"
		}
		s.do(step, 1, 200*time.Microsecond, "OK", "SET", "lease", "me", "PX", "100")
		s.do(at, 1, 200*time.Microsecond, reply, "GET", "lease")
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	require.NotEmpty(t, r.Predicates)
	p := r.Predicates[0]
	assert.Equal(t, Lifetime, p.Kind)
	assert.Equal(t, harness.TTLExpiredEarly, p.Class)
	assert.Equal(t, "GET lease came when the time to live that SET lease gave was over", p.Text)
	assert.Positive(t, p.Alike, "that the read came late and returned nil holds in the same runs")
	d := p.Try.Provoke.Decisions[0]
	assert.Equal(t, `c1>GET "lease" #1`, d.At.String())
	assert.InDelta(t, 80, time.Duration(d.Delay).Milliseconds(), 2)
}

func TestConsequencesAreNoCauses(t *testing.T) {
	// The test fails at 20 ms; then it tidies up, in another order than when it passes.
	r := Rank(many(4, 8, func(failed bool, _ time.Duration) Run {
		var s script
		s.do(step, 1, step, "OK", "SET", "k", "v")
		if !failed {
			s.do(20*step, 1, step, "v", "GET", "k")
		}
		a, b := 30*step, 40*step
		if failed {
			a, b = b, a
		}
		s.do(a, 1, step, "1", "UNLINK", "k", "l")
		s.do(b, 2, step, "0", "UNLINK", "k", "m")
		return s.run(failed, harness.BoundaryAlone)
	}), "")
	for _, p := range r.Predicates {
		assert.NotContains(t, p.Text, "UNLINK")
		assert.NotEqual(t, Absent, p.Kind, "a test that failed before sends nothing more: %s", p.Text)
	}
	assert.True(t, r.Same())
}

func TestFailuresOfAnotherKindAreLeftOut(t *testing.T) {
	runs := many(4, 4, func(failed bool, _ time.Duration) Run {
		var s script
		s.do(step, 1, step, "v", "GET", "k")
		return s.run(failed, harness.BoundaryAlone)
	})
	runs[0].Failure = "other"
	r := Rank(runs, "f1")
	assert.Equal(t, 3, r.Failing)
	assert.Equal(t, 4, r.Passing)
	assert.Empty(t, Rank(runs[:4], "").Predicates, "nothing to compare with")
}

func TestNotRedisByProof(t *testing.T) {
	same := func(boundary harness.Boundary, failing, passing int) []Run {
		return many(failing, passing, func(failed bool, noise time.Duration) Run {
			var s script
			s.do(step+noise, 1, step, "v", "GET", "k")
			s.do(3*step+2*noise, 2, step, fmt.Sprint(noise), "INCR", "n")
			return s.run(failed, boundary)
		})
	}
	m, ok := NotRedis(same(harness.BoundaryAlone, 3, 3), "f1")
	require.True(t, ok)
	assert.Equal(t, harness.NotRedis, m.Class)
	_, ok = NotRedis(same(harness.BoundaryAlone, 2, 9), "f1")
	assert.False(t, ok, "two failures prove nothing")
	_, ok = NotRedis(same(harness.BoundaryEvents, 3, 3), "f1")
	assert.False(t, ok, "whose frames are whose is not known for sure")
	runs := same(harness.BoundaryAlone, 3, 3)
	for i := range runs {
		reply := "OK"
		if runs[i].Failed {
			reply = "(nil)"
		}
		var s script
		s.do(step, 1, step, reply, "SET", "lock", "me", "NX")
		runs[i].Trace = s.run(runs[i].Failed, harness.BoundaryAlone).Trace
	}
	_, ok = NotRedis(runs, "f1")
	assert.False(t, ok, "an answer tells them apart")
	assert.True(t, Rank(same(harness.BoundaryAlone, 3, 3), "").Same())
}

// TestChanceIsNotBlamed: which runs fail has nothing to do with the wire, on which
// eight clients write eight keys in a random order. At 5 % of 100 such tests 5 may
// have a significant predicate; that it is more than 18 has odds below one in a
// million (binomial, 100, 0.05).
func TestChanceIsNotBlamed(t *testing.T) {
	const tests = 100
	blamed := 0
	for seed := range uint64(tests) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		var runs []Run
		for i := range 24 {
			var s script
			for range 40 {
				conn := uint32(rnd.IntN(8) + 1)
				key := fmt.Sprintf("k%c", 'a'+rnd.IntN(8))
				at := time.Duration(len(s.events)+1)*step + time.Duration(rnd.IntN(9000))*time.Microsecond
				if rnd.IntN(2) == 0 {
					s.do(at, conn, step/2, "OK", "SET", key, "v")
				} else {
					s.do(at, conn, step/2, "v", "GET", key)
				}
			}
			runs = append(runs, s.run(i%3 == 0, harness.BoundaryAlone))
		}
		if slices.ContainsFunc(Rank(runs, "").Predicates, func(p Predicate) bool { return p.Adjusted <= 0.05 }) {
			blamed++
		}
	}
	t.Logf("blamed in %d of %d", blamed, tests)
	assert.LessOrEqual(t, blamed, 18)
}

// long makes runs of many frames on few keys and connections.
func long(frames, runs int) []Run {
	var out []Run
	for i := range runs {
		rnd := rand.New(rand.NewPCG(uint64(i), 3))
		var s script
		for k := range frames / 2 {
			conn := uint32(rnd.IntN(6) + 1)
			at := time.Duration(k)*step + time.Duration(rnd.IntN(3000))*time.Microsecond
			switch k % 3 {
			case 0:
				s.do(at, conn, step/3, "OK", "SET", fmt.Sprintf("k%c", 'a'+k%20), "v")
			case 1:
				s.do(at, conn, step/3, "v", "GET", fmt.Sprintf("k%c", 'a'+k%20))
			default:
				s.do(at, conn, step/3, "2", "INCR", "n")
			}
		}
		out = append(out, s.run(i%3 == 0, harness.BoundaryAlone))
	}
	return out
}

// TestLongHistories: 24 runs of 2,500 frames take well below a second on a quiet
// machine; the limit here leaves room for a busy one with the race detector on.
func TestLongHistories(t *testing.T) {
	runs := long(2500, 24)
	started := time.Now()
	r := Rank(runs, "")
	took := time.Since(started)
	t.Logf("%d tested, %d skipped, in %v", r.Tested, r.Skipped, took)
	assert.Less(t, took, 30*time.Second)
}

func BenchmarkRank(b *testing.B) {
	runs := long(5000, 24)
	for b.Loop() {
		Rank(runs, "")
	}
}
