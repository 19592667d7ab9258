package nearmiss

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// TestEachKindIsFound: what the package promises to find, one short history each.
func TestEachKindIsFound(t *testing.T) {
	both := func(f func(*script)) []*detect.Trace {
		var s script
		f(&s)
		return []*detect.Trace{s.trace()}
	}
	subscribed := func(s *script, conn uint32) {
		p := harness.Point{Role: fmt.Sprintf("sub%d", conn), Verb: "SUBSCRIBE", Key: "news"}
		req := s.frame(harness.Request, conn, p, 0, "SUBSCRIBE", "news").Seq
		p.Dir = harness.ToClient
		s.frame(harness.Reply, conn, p, req, "subscribe", "news", "1")
	}
	for kind, list := range map[string][]Candidate{
		"race/subscribe-publish:subscription": Candidates(both(func(s *script) {
			subscribed(s, 9)
			s.wait(20 * time.Millisecond)
			s.do(1, "1", "PUBLISH", "news", "hello")
			s.message(9, "news", "hello")
		}), Known{}),
		"race/multi-subscriber:subscription": Candidates(both(func(s *script) {
			subscribed(s, 8)
			subscribed(s, 9)
			s.do(1, "2", "PUBLISH", "news", "hello")
			s.message(8, "news", "hello")
			s.message(9, "news", "hello")
		}), Known{}),
		"race/duplicate-subscribe:confirmation": Candidates(both(func(s *script) { subscribed(s, 9) }), Known{}),
		"race/check-then-act:cycle": Candidates(both(func(s *script) {
			s.do(1, "(nil)", "GET", "lock")
			s.do(1, "OK", "SET", "lock", "me")
			s.wait(20 * time.Millisecond)
			s.do(2, "me", "GET", "lock")
		}), Known{}),
		"race/lost-update:cycle": Candidates(both(func(s *script) {
			s.do(1, "1", "GET", "n")
			s.do(1, "OK", "SET", "n", "2")
			s.do(2, "2", "GET", "n")
			s.do(2, "OK", "SET", "n", "3")
		}), Known{}),
		"order/commands:two connections": Candidates(both(func(s *script) {
			s.do(1, "OK", "SET", "k", "v")
			s.do(2, "1", "DEL", "k")
		}), Known{}),
		"order/messages:two publishers": Candidates(both(func(s *script) {
			s.do(1, "1", "PUBLISH", "news", "first")
			s.do(2, "1", "PUBLISH", "news", "second")
		}), Known{}),
		"order/messages:handlers": Candidates(both(func(s *script) {
			for _, body := range []string{"first", "second"} {
				s.do(1, "1", "PUBLISH", "news", body)
				s.message(9, "news", body)
				s.do(2, "OK", "SET", "seen", body)
				s.wait(20 * time.Millisecond)
			}
		}), Known{}),
		"ttl/expired-early:read before expiry": Candidates(both(func(s *script) {
			s.do(1, "OK", "SET", "k", "v", "PX", "300")
			s.wait(200 * time.Millisecond)
			s.do(1, "v", "GET", "k")
		}), Known{}),
		"ttl/expired-late:read after expiry": Candidates(both(func(s *script) {
			s.do(1, "OK", "SET", "k", "v", "PX", "300")
			s.wait(350 * time.Millisecond)
			s.do(1, "(nil)", "GET", "k")
		}), Known{}),
		"ttl/expired-early:remaining time": Candidates(both(func(s *script) {
			s.do(1, "OK", "SET", "k", "v", "EX", "60")
			s.do(1, "60", "TTL", "k")
		}), Known{}),
		"ttl/missing:two steps": Latent(both(func(s *script) {
			s.do(1, "1", "INCR", "hits")
			s.do(1, "1", "EXPIRE", "hits", "60")
		})),
		"connection:subscription": Latent(both(func(s *script) {
			s.do(1, "1", "PUBLISH", "news", "hello")
			s.message(9, "news", "hello") // subscribed before the test began
		})),
	} {
		i := slices.IndexFunc(list, func(c Candidate) bool { return c.Kind() == kind })
		if !assert.GreaterOrEqual(t, i, 0, "%s is not among %d candidates", kind, len(list)) {
			continue
		}
		c := list[i]
		assert.NotEmpty(t, c.Title, kind)
		assert.NotEmpty(t, c.Provoke.Decisions, kind)
		assert.Equal(t, "t", c.Test, kind)
		assert.Positive(t, c.Likelihood, kind)
	}
}

// TestDue: what the wire says of a margin does not depend on the delay that a
// trial imposed.
func TestDue(t *testing.T) {
	history := func(kept time.Duration) *detect.Trace {
		var s script
		req := s.frame(harness.Request, 1, harness.Point{Role: "c1", Verb: "SET", Key: "k"}, 0, "SET", "k", "v", "PX", "1000")
		req.Out += kept
		seq, out := req.Seq, req.Out
		reply := s.frame(harness.Reply, 1, harness.Point{Role: "c1", Dir: harness.ToClient, Verb: "SET", Key: "k"}, seq, "OK")
		reply.In, reply.Out = out+50*time.Microsecond, out+60*time.Microsecond
		s.wait(1020 * time.Millisecond)
		s.do(2, "(nil)", "GET", "k")
		return s.trace()
	}
	passed := history(0)
	list := Candidates([]*detect.Trace{passed}, Known{})
	i := slices.IndexFunc(list, func(c Candidate) bool { return c.Class == harness.TTLExpiredLate })
	require.GreaterOrEqual(t, i, 0)
	for _, kept := range []time.Duration{0, 7 * time.Millisecond, 200 * time.Millisecond} {
		trial := history(kept)
		due, ok := list[i].Due(trial)
		require.True(t, ok)
		assert.InDelta(t, 0.020, (due - trial.Find(list[i].LateFrame()).Arrived).Seconds(), 0.001, "kept for %v", kept)
	}
	_, ok := list[i].Due(new(script).trace())
	assert.False(t, ok, "of a history without the read it says nothing")
}
