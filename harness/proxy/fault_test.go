package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

func TestDelayIsExactInVirtualTime(t *testing.T) {
	const d = 30 * time.Millisecond
	bubble(t, rules{`kv>SET "a"`: {Action: harness.Delay, Delay: harness.Duration(d)}}, Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		start := time.Now()
		require.Equal(t, "+OK", u.do("SET", "a", "1"))
		assert.Equal(t, d, time.Since(start))
		// A burst that arrives together leaves together, and nothing passes it.
		start = time.Now()
		for range 100 {
			_, err := u.Write(resp.AppendCommand(nil, "SET", "a", "1"))
			require.NoError(t, err)
		}
		_, err := u.Write(resp.AppendCommand(nil, "GET", "b"))
		require.NoError(t, err)
		for range 100 {
			require.Equal(t, "+OK", u.reply())
		}
		require.Equal(t, "$-1", u.reply())
		assert.Equal(t, d, time.Since(start))
		assert.Equal(t, 2*d, w.End().Injected)
	})
}

func TestHeldFrameHoldsNobodyElse(t *testing.T) {
	bubble(t, heldAt(`kv>SET "a" #1`, `kv<GET "b" #3`, 0), Config{}, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		_, err := u.Write(resp.AppendCommand(nil, "SET", "a", "1"))
		require.NoError(t, err)
		_, err = u.Write(resp.AppendCommand(nil, "GET", "c")) // behind it, on the same connection
		require.NoError(t, err)
		start := time.Now()
		for range 3 {
			require.Equal(t, "$-1", v.do("GET", "b"))
		}
		assert.Zero(t, time.Since(start))
		require.Equal(t, "+OK", u.reply())
		require.Equal(t, "$-1", u.reply())
		assert.Equal(t, []string{"GET b", "GET b", "GET b", "SET a 1", "GET c"}, w.seen())
		assert.Equal(t, harness.Fulfilled, w.ending(t, `kv>SET "a" #1`).Ending)
		assert.Empty(t, w.End().Blocked)
	})
}

func TestHoldUntilWhatHasPassed(t *testing.T) {
	for _, until := range []string{`kv>GET "b" #1`, `kv<GET "b" #1`, `kv<GET "b"`, `sub<SUBSCRIBE "c" #1`, `sub<message "c" #1`} {
		bubble(t, heldAt(`kv>SET "a" #1`, until, 0), Config{}, func(t *testing.T, w *world) {
			u, v := w.connect(), w.connect()
			w.Begin("x")
			v.do("GET", "b")
			v.do("SUBSCRIBE", "c")
			u.do("PUBLISH", "c", "m")
			require.Equal(t, "message c m", v.reply())
			start := time.Now()
			require.Equal(t, "+OK", u.do("SET", "a", "1"))
			assert.Zero(t, time.Since(start), until)
		})
	}
}

func TestHoldUntilAReplyThatIsNotThereYet(t *testing.T) {
	r := heldAt(`kv>SET "a" #1`, `kv<GET "b" #1`, time.Second)
	r[`kv<GET "b"`] = harness.Decision{Action: harness.Delay, Delay: harness.Duration(50 * time.Millisecond)}
	bubble(t, r, Config{}, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		start := time.Now()
		_, err := v.Write(resp.AppendCommand(nil, "GET", "b"))
		require.NoError(t, err)
		synctest.Wait() // the reply waits in the proxy
		require.Equal(t, "$-1", func() string { go u.do("SET", "a", "1"); return v.reply() }())
		synctest.Wait()
		e := w.ending(t, `kv>SET "a" #1`)
		assert.Equal(t, harness.Fulfilled, e.Ending)
		assert.Equal(t, 50*time.Millisecond, time.Since(start))
		assert.Equal(t, e.Out, w.ending(t, `kv<GET "b" #1`).Out)
	})
}

func TestHoldsThatCannotBeFulfilled(t *testing.T) {
	const never = `kv<GET "never" #1`
	for name, c := range map[string]struct {
		timeout time.Duration
		busy    bool
		after   time.Duration
		ending  harness.Ending
	}{
		"nothing moves":                {0, false, DefaultStallAfter, harness.Stalled},
		"something moves":              {0, true, DefaultHoldTimeout, harness.TimedOut},
		"own timeout, nothing moves":   {time.Second, false, time.Second, harness.Stalled},
		"own timeout, something moves": {time.Second, true, time.Second, harness.TimedOut},
		"short timeout":                {10 * time.Millisecond, false, 10 * time.Millisecond, harness.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, heldAt(`kv>SET "a" #1`, never, c.timeout), Config{}, func(t *testing.T, w *world) {
				u, v := w.connect(), w.connect()
				w.Begin("x")
				stop := make(chan struct{})
				var wg sync.WaitGroup
				if c.busy {
					wg.Go(func() {
						for {
							v.do("GET", "b")
							select {
							case <-stop:
								return
							case <-time.After(70 * time.Millisecond):
							}
						}
					})
				}
				start := time.Now()
				require.Equal(t, "+OK", u.do("SET", "a", "1"))
				assert.Equal(t, c.after, time.Since(start))
				close(stop)
				wg.Wait()
				st := w.End()
				assert.Equal(t, c.ending, w.ending(t, `kv>SET "a" #1`).Ending)
				assert.Equal(t, []harness.Point{must(harness.ParsePoint(`kv>SET "a" #1`))}, st.Blocked)
			})
		})
	}
}

func TestEndReleasesHolds(t *testing.T) {
	bubble(t, heldAt(`kv>SET "a" #1`, `kv<GET "never" #1`, time.Hour), Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		start := time.Now()
		_, err := u.Write(resp.AppendCommand(nil, "SET", "a", "1"))
		require.NoError(t, err)
		synctest.Wait()
		st := w.End()
		require.Equal(t, "+OK", u.reply())
		assert.Zero(t, time.Since(start))
		assert.Len(t, st.Blocked, 1)
		assert.Equal(t, "x", w.ending(t, `kv>SET "a" #1`).Test)
	})
}

func TestDropConnectionsDropsWhatIsHeld(t *testing.T) {
	bubble(t, heldAt(`kv>SET "a" #1`, `kv<GET "never" #1`, time.Hour), Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		_, err := u.Write(resp.AppendCommand(nil, "SET", "a", "1"))
		require.NoError(t, err)
		synctest.Wait()
		w.DropConnections()
		require.Equal(t, "error: EOF", u.reply())
		e := w.ending(t, `kv>SET "a" #1`)
		assert.Equal(t, harness.Dropped, e.Ending)
		assert.Zero(t, e.Out)
		assert.Empty(t, w.seen())
		assert.Empty(t, w.End().Blocked)
	})
}

func TestDisconnectInsteadOfForwarding(t *testing.T) {
	for _, id := range []string{`kv>SET "a" #2`, `kv<SET "a" #2`} {
		bubble(t, rules{id: {Action: harness.Disconnect, Reset: true}}, Config{}, func(t *testing.T, w *world) {
			u := w.connect()
			w.Begin("x")
			require.Equal(t, "+OK", u.do("SET", "a", "1"))
			assert.Equal(t, "error: EOF", u.do("SET", "a", "2"))
			assert.Equal(t, harness.Dropped, w.ending(t, id).Ending)
			want := []string{"SET a 1", "SET a 2"}
			if strings.Contains(id, ">") {
				want = want[:1]
			}
			assert.Equal(t, want, w.seen())
			again := w.connect()
			assert.Equal(t, "+OK", again.do("SET", "a", "3"))
		})
	}
}

func TestFragmentTrickles(t *testing.T) {
	r := rules{`kv<GET "a"`: {Action: harness.Fragment, Chunk: 3, Delay: harness.Duration(10 * time.Millisecond)}}
	bubble(t, r, Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		u.do("SET", "a", "0123456789")
		_, err := u.Write(resp.AppendCommand(nil, "GET", "a"))
		require.NoError(t, err)
		start := time.Now()
		var got []string
		buf := make([]byte, 100)
		for n := 0; n < 17; {
			k, err := u.Read(buf)
			require.NoError(t, err)
			n += k
			got = append(got, fmt.Sprintf("%q after %v", buf[:k], time.Since(start)))
		}
		assert.Equal(t, []string{`"$10" after 0s`, `"\r\n0" after 10ms`, `"123" after 20ms`, `"456" after 30ms`, `"789" after 40ms`, `"\r\n" after 50ms`}, got)
	})
}

// Spacing keeps delayed frames of one connection apart, whatever the engine.
func TestSpacing(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		cfg.Spacing = time.Millisecond
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		rec := &tape{}
		p.StartTrial(rules{`kv>GET "a"`: {Action: harness.Delay, Delay: harness.Duration(5*time.Millisecond + 300*time.Microsecond)}}, rec)
		p.Begin("x")
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		var data []byte
		for range 5 {
			data = resp.AppendCommand(data, "GET", "a")
			data = resp.AppendCommand(data, "GET", "b")
		}
		_, err = conn.Write(data)
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, len(data)))
		require.NoError(t, err)
		p.End()
		var last time.Duration
		for _, e := range rec.all() {
			if e.Point.Key == "a" && e.Kind == harness.Request {
				assert.GreaterOrEqual(t, e.Out-last, 300*time.Microsecond)
				last = e.Out
			}
		}
		assert.NotZero(t, last)
	})
}
