package proxy

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// The frame leaves at the next moment of the phase, a period later at most.
func TestAlignLeavesAtThePhase(t *testing.T) {
	outer := t
	rapid.Check(t, func(rt *rapid.T) {
		period := time.Duration(rapid.Int64Range(1, int64(3*time.Second)).Draw(rt, "period"))
		phase := time.Duration(rapid.Int64Range(0, int64(period)-1).Draw(rt, "phase"))
		start := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(rt, "start"))
		d := harness.Decision{Action: harness.Align, Period: harness.Duration(period), Phase: harness.Duration(phase)}
		bubble(outer, rules{`kv>SET "a" #1`: d}, Config{}, func(t *testing.T, w *world) {
			u := w.connect()
			time.Sleep(start)
			w.Begin("x")
			from := time.Now()
			require.Equal(t, "+OK", u.do("SET", "a", "1"))
			assert.Less(t, time.Since(from), period)
			assert.Equal(t, phase, time.Duration(time.Now().UnixNano())%period)
			e := w.ending(t, `kv>SET "a" #1`)
			assert.Equal(t, harness.Align, e.Action)
			assert.Equal(t, time.Since(from), e.Out-e.In)
		})
	})
}

// Behind a frame that is late, it aligns when it gets to the front.
func TestAlignBehindADelay(t *testing.T) {
	bubble(t, rules{
		`kv>SET "a" #1`: {Action: harness.Delay, Delay: harness.Duration(1700 * time.Millisecond)},
		`kv>SET "b" #1`: {Action: harness.Align, Phase: harness.Duration(990 * time.Millisecond)},
	}, Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		from := time.Now() // a bubble begins at a full second
		u.send(t, "SET", "a", "1")
		u.send(t, "SET", "b", "1")
		require.Equal(t, "+OK", u.reply())
		require.Equal(t, "+OK", u.reply())
		assert.Equal(t, 1990*time.Millisecond, time.Since(from))
	})
}

// By the real clock, through sockets: within 5 ms, which a crowded machine keeps
// too in one of ten tries.
func TestAlignByTheRealClock(t *testing.T) {
	const period, phase = 50 * time.Millisecond, 20 * time.Millisecond
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		p.StartTrial(rules{`hs>PING ""`: {Action: harness.Align, Period: harness.Duration(period), Phase: harness.Duration(phase)}}, nil)
		p.Begin("x")
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		best := period
		for range 10 {
			echoed(t, conn, resp.AppendCommand(nil, "PING"))
			best = min(best, (time.Duration(time.Now().UnixNano())%period-phase+period)%period)
		}
		assert.Less(t, best, 5*time.Millisecond)
	})
}
