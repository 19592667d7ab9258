package bubble_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/sim/bubble"
)

// fixed is a scheduler that decides one thing.
type fixed harness.Decision

func (f fixed) Decide(test string, p harness.Point) harness.Decision {
	d := harness.Decision(f)
	d.Test, d.At = test, p
	return d
}

func TestDistinctDelaysEachFrameByItsOwnTime(t *testing.T) {
	d := bubble.NewDistinct(7, nil)
	seen := map[harness.Duration]int{}
	const n = 500
	for i := range n {
		for _, dir := range []harness.Direction{harness.ToServer, harness.ToClient} {
			p := harness.Point{Role: "kv", Dir: dir, Verb: "GET", Key: fmt.Sprint("k", i%50), N: 1 + i/50}
			got := d.Decide("t", p)
			assert.Equal(t, harness.Delay, got.Action)
			assert.Equal(t, p, got.At)
			assert.Positive(t, got.Delay)
			assert.Less(t, time.Duration(got.Delay), bubble.MaxJitter)
			assert.Equal(t, got, bubble.NewDistinct(7, nil).Decide("t", p), "a function of seed, test and point")
			assert.NotEqual(t, got, bubble.NewDistinct(8, nil).Decide("t", p))
			seen[got.Delay]++
		}
	}
	// 1000 of 1,000,000 nanoseconds: a pair coincides half of a time on average.
	assert.Greater(t, len(seen), 2*n-6)

	late := harness.Decision{Action: harness.Delay, Delay: harness.Duration(30 * time.Millisecond)}
	got := bubble.NewDistinct(7, fixed(late)).Decide("t", harness.Point{Verb: "GET"})
	assert.Greater(t, got.Delay, late.Delay)
	assert.Less(t, got.Delay, late.Delay+harness.Duration(bubble.MaxJitter))
	held := harness.Decision{Action: harness.Hold, Until: harness.Point{Verb: "SET"}}
	assert.Equal(t, harness.Hold, bubble.NewDistinct(7, fixed(held)).Decide("t", harness.Point{Verb: "GET"}).Action)
}

func TestCanonicalizeOrdersOnlyWhatHasNoOrder(t *testing.T) {
	frame := func(seq uint64, conn uint32, in time.Duration, verb string, asked time.Duration) harness.Event {
		return harness.Event{
			Seq: seq, Conn: conn, Kind: harness.Request, In: in, Out: in + asked, Action: harness.Delay, Asked: asked,
			Point: harness.Point{Role: "base", Verb: verb, N: 1},
		}
	}
	ms := time.Millisecond
	one := []harness.Event{
		{Seq: 1, Conn: 1, Kind: harness.Open}, {Seq: 2, Conn: 2, Kind: harness.Open},
		frame(3, 1, 5, "SET", 100), frame(4, 2, 5, "GET", 200), frame(5, 2, 5, "DEL", 300),
		frame(6, 1, 9, "INCR", 40*ms+77),
	}
	other := []harness.Event{
		{Seq: 1, Conn: 1, Kind: harness.Open}, {Seq: 2, Conn: 2, Kind: harness.Open},
		frame(3, 1, 5, "GET", 200), frame(4, 1, 5, "DEL", 300), frame(5, 2, 5, "SET", 100),
		frame(6, 2, 9, "INCR", 40*ms+77),
	}
	a, b := bubble.Canonicalize(one), bubble.Canonicalize(other)
	assert.Equal(t, a, b)
	var verbs []string
	for i, e := range a {
		assert.EqualValues(t, i+1, e.Seq)
		verbs = append(verbs, e.Point.Verb)
	}
	assert.Equal(t, []string{"", "", "GET", "DEL", "SET", "INCR"}, verbs, "DEL stays behind GET: one connection sent both")
	assert.Equal(t, harness.Pass, a[2].Action, "the network's own latency is not shown")
	assert.Equal(t, harness.Delay, a[5].Action)
	assert.Equal(t, 40*ms, a[5].Asked)
}

// A World lives in virtual time, and records what passes.
func TestWorld(t *testing.T) {
	begun := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w, err := bubble.New(bubble.Config{})
		require.NoError(t, err)
		buffer := history.NewBuffer(history.BufferConfig{})
		defer buffer.Close()
		w.Start(1, fixed{Action: harness.Delay, Delay: harness.Duration(time.Hour)}, buffer)
		w.Proxy().Begin("t")
		opt := w.Options()
		opt.ReadTimeout, opt.DialTimeout = 100*time.Hour, 100*time.Hour
		client := redis.NewClient(opt)
		start := time.Now()
		require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())
		assert.Greater(t, time.Since(start), 2*time.Hour)
		require.NoError(t, client.Close())
		synctest.Wait()
		w.Proxy().End()
		events, err := buffer.Events("t")
		require.NoError(t, err)
		assert.Greater(t, len(events), 5)
		require.NoError(t, w.Close())
	})
	assert.Less(t, time.Since(begun), time.Minute)
}
