package nearmiss

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// script builds histories: one frame a call, a tenth of a millisecond apart.
type script struct {
	events []harness.Event
	now    time.Duration
	n      map[harness.Point]int
}

func (s *script) wait(d time.Duration) { s.now += d }

func (s *script) frame(k harness.Kind, conn uint32, p harness.Point, re uint64, args ...string) *harness.Event {
	if s.n == nil {
		s.n = map[harness.Point]int{}
	}
	s.now += 50 * time.Microsecond
	if k == harness.Reply {
		p.N = s.n[harness.Point{Role: p.Role, Verb: p.Verb, Key: p.Key}]
	} else {
		s.n[p]++
		p.N = s.n[p]
	}
	s.events = append(s.events, harness.Event{
		Seq: uint64(len(s.events) + 1), Kind: k, Conn: conn, Test: "t", Point: p, In: s.now, Out: s.now + 10*time.Microsecond, ReplyTo: re, Args: args,
	})
	s.now += 50 * time.Microsecond
	return &s.events[len(s.events)-1]
}

// do is a command that is answered at once.
func (s *script) do(conn uint32, reply string, args ...string) {
	p := harness.Point{Role: fmt.Sprintf("c%d", conn), Verb: args[0], Key: args[1]}
	req := s.frame(harness.Request, conn, p, 0, args...).Seq
	p.Dir = harness.ToClient
	s.frame(harness.Reply, conn, p, req, reply)
}

// message is a message on its way to a subscriber.
func (s *script) message(conn uint32, channel, body string) {
	s.frame(harness.Push, conn, harness.Point{Role: fmt.Sprintf("sub%d", conn), Dir: harness.ToClient, Verb: "message", Key: channel}, 0, "message", channel, body)
}

func (s *script) trace() *detect.Trace {
	return detect.NewTrace(s.events, harness.Outcome{Test: harness.TestID{Name: "t"}, Verdict: harness.Passed})
}

func TestWhatIsBlockedIsNotProposed(t *testing.T) {
	var s script
	s.do(1, "(nil)", "GET", "k")
	s.do(1, "OK", "SET", "k", "1")
	s.wait(20 * time.Millisecond)
	s.do(2, "1", "GET", "k")
	s.do(2, "OK", "SET", "k", "2")
	traces := []*detect.Trace{s.trace()}

	var known Known
	list := Candidates(traces, known)
	require.NotEmpty(t, list)
	c := list[0]
	assert.Equal(t, harness.RaceLostUpdate, c.Class)
	assert.Equal(t, `hold c1>SET "k" #1 until c2<GET "k" #1`, c.Provoke.Decisions[0].String())
	assert.Equal(t, `hold c2>GET "k" #1 until c1<SET "k" #1`, c.Counter.Decisions[0].String())
	assert.Equal(t, "t", c.Provoke.Decisions[0].Test)
	assert.Equal(t, c.First, c.LateFrame())
	assert.True(t, c.Explains(harness.RaceCheckThenAct))
	assert.False(t, c.Explains(harness.TTLMissing))

	known.Block(c.First, c.Then)
	for _, o := range Candidates(traces, known) {
		assert.NotEqual(t, c.Key(), o.Key())
	}
}

func TestSiblingsOfABlockedPairComeLater(t *testing.T) {
	var s script
	for i := range 3 {
		key := fmt.Sprintf("k%c", 'a'+i)
		s.do(1, "(nil)", "GET", key)
		s.do(1, "OK", "SET", key, "1")
		s.wait(20 * time.Millisecond)
		s.do(2, "1", "GET", key)
	}
	traces := []*detect.Trace{s.trace()}
	before := Candidates(traces, Known{})
	var known Known
	known.Block(before[0].First, before[0].Then)
	after := Candidates(traces, known)
	require.Len(t, after, len(before)-1)
	assert.Less(t, after[0].Likelihood, before[1].Likelihood)
}

func TestFarPairsGetHoldsThatOutlastTheSleep(t *testing.T) {
	for _, gap := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		var s script
		s.do(1, "(nil)", "GET", "k")
		s.do(1, "OK", "SET", "k", "1")
		s.wait(gap)
		s.do(2, "1", "GET", "k")
		s.do(2, "OK", "SET", "k", "2")
		list := Candidates([]*detect.Trace{s.trace()}, Known{})
		require.NotEmpty(t, list)
		d := list[0].Provoke.Decisions[0]
		assert.Equal(t, harness.Hold, d.Action)
		if gap > harness.HoldTimeoutFrom {
			assert.Greater(t, time.Duration(d.Timeout), gap)
		} else {
			assert.Zero(t, d.Timeout, "the proxy's own stall detector is quicker")
		}
	}
}

func TestDelaysStayWithinReason(t *testing.T) {
	for _, left := range []time.Duration{5 * time.Millisecond, 197 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond} {
		var s script
		s.do(1, "OK", "SET", "k", "v", "PX", "1000")
		s.wait(time.Second - left)
		s.do(1, "v", "GET", "k")
		list := Candidates([]*detect.Trace{s.trace()}, Known{})
		if left > maxDelay {
			assert.Empty(t, list, "a delay of %v shows a deadline, not a flake", left)
			continue
		}
		require.Len(t, list, 1)
		c := list[0]
		assert.Equal(t, harness.TTLExpiredEarly, c.Class)
		d := time.Duration(c.Provoke.Decisions[0].Delay)
		assert.Greater(t, d, left-time.Millisecond)
		assert.LessOrEqual(t, d, maxDelay)
		require.NotNil(t, c.Margin)
		assert.InDelta(t, left.Seconds(), time.Duration(c.Margin.Size).Seconds(), 0.001)
	}
}

// TestLongHistories: the cost grows with the length, not with its square.
func TestLongHistories(t *testing.T) {
	var s script
	const rounds = 10000
	for i := range rounds {
		conn := uint32(i%4 + 1)
		s.do(conn, "1", "GET", "k")
		s.do(conn, "OK", "SET", "k", "1")
		s.do(conn, "1", "PUBLISH", "news", fmt.Sprint(i))
		s.frame(harness.Push, 9, harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "message", Key: "news"}, 0, "message", "news", fmt.Sprint(i))
	}
	started := time.Now()
	trace := s.trace()
	trace.Outcome.Verdict = harness.Failed
	trace.Outcome.Failure = &harness.Failure{Message: "out of order"}
	require.Len(t, trace.Deliveries, rounds)
	for _, d := range trace.Deliveries {
		require.NotNil(t, d.Publish)
	}
	list := Candidates([]*detect.Trace{trace}, Known{})
	matches := detect.Run(trace)
	took := time.Since(started)
	t.Logf("%d frames: %d candidates, %d matches in %v", len(s.events), len(list), len(matches), took)
	// Half a second on a quiet machine; the square of the length would be minutes.
	assert.Less(t, took, 30*time.Second)
}

func TestMarginsOfWhatIsNoCandidate(t *testing.T) {
	var s script
	s.do(1, "OK", "SET", "k", "v", "EX", "1")
	s.do(1, "v", "GET", "k")
	s.wait(1100 * time.Millisecond)
	s.do(1, "(nil)", "GET", "k")
	m := Margins([]*detect.Trace{s.trace()})
	require.Len(t, m, 2)
	assert.Equal(t, "SET k", m[0].Edge)
	assert.InDelta(t, 0.1, time.Duration(m[0].Size).Seconds(), 0.002, "what is left between expiry and the second read")
	assert.Equal(t, "GET k", m[1].Edge)
	assert.InDelta(t, 1, time.Duration(m[1].Size).Seconds(), 0.002, "the first read may come a whole life late")
	assert.True(t, m[0].Predicted)
}

func TestMessagesAndHandlers(t *testing.T) {
	var s script
	deliver := func(body string) {
		s.do(1, "1", "PUBLISH", "orders", body)
		s.frame(harness.Push, 9, harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "message", Key: "orders"}, 0, "message", "orders", body)
	}
	deliver("created")
	s.do(2, "OK", "SET", "order", "open")
	s.wait(20 * time.Millisecond)
	deliver("paid")
	list := Candidates([]*detect.Trace{s.trace()}, Known{})
	require.NotEmpty(t, list)
	c := list[0]
	assert.Equal(t, harness.OrderMessages, c.Class)
	d := c.Provoke.Decisions[0]
	assert.Equal(t, `c2>SET "order" #1`, d.At.String())
	assert.Greater(t, time.Duration(d.Delay), 100*time.Millisecond, "it must outlast the second message")
}

func TestTwoPublishers(t *testing.T) {
	var s script
	s.do(1, "1", "PUBLISH", "audit", "login")
	s.wait(5 * time.Millisecond)
	s.do(2, "1", "PUBLISH", "audit", "logout")
	list := Candidates([]*detect.Trace{s.trace()}, Known{})
	require.Len(t, list, 1)
	assert.Equal(t, harness.OrderMessages, list[0].Class)
	assert.Equal(t, `hold c1>PUBLISH "audit" #1 until c2<PUBLISH "audit" #1`, list[0].Provoke.Decisions[0].String())
}

func TestCountersOfOneCommandCommute(t *testing.T) {
	var s script
	s.do(1, "1", "INCR", "n")
	s.do(2, "2", "INCR", "n")
	assert.Empty(t, Candidates([]*detect.Trace{s.trace()}, Known{}))
}

func TestNoTimeIsNegative(t *testing.T) {
	assert.Equal(t, "0.18 ms after", apartBy(-180*time.Microsecond))
	assert.Equal(t, "2 ms before", apartBy(2*time.Millisecond))
}
