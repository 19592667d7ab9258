package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
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

// store is as much of a Redis as the tests in virtual time need: SET, GET,
// PUBLISH, SUBSCRIBE, ECHO, over in-memory connections.
type store struct {
	mu   sync.Mutex
	keys map[string]string
	subs map[string][]chan<- []byte
	log  []string
}

func newStore() *store {
	return &store{keys: map[string]string{}, subs: map[string][]chan<- []byte{}}
}

func (s *store) dial(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	out := make(chan []byte, 1000)
	go func() {
		for b := range out {
			if _, err := server.Write(b); err != nil {
				break
			}
		}
		for range out { // whoever still sends must not wait
		}
	}()
	go func() {
		defer close(out)
		defer server.Close()
		f := resp.NewRequests(1 << 20)
		buf := make([]byte, 4096)
		for {
			n, err := server.Read(buf)
			if err != nil {
				s.leave(out)
				return
			}
			for rest := buf[:n]; len(rest) > 0; {
				k, ok, err := f.Next(rest)
				if err != nil {
					s.leave(out)
					return
				}
				if rest = rest[k:]; ok {
					out <- s.do(resp.Words(f.Head), out)
				}
			}
		}
	}()
	return client, nil
}

func (s *store) leave(out chan<- []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, all := range s.subs {
		for i, o := range all {
			if o == out {
				s.subs[k] = append(append([]chan<- []byte(nil), all[:i]...), all[i+1:]...)
				break
			}
		}
	}
}

func (s *store) do(args []string, out chan<- []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, strings.Join(args, " "))
	switch args[0] {
	case "SET":
		s.keys[args[1]] = args[2]
		return []byte("+OK\r\n")
	case "GET":
		if v, ok := s.keys[args[1]]; ok {
			return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(v), v)
		}
		return []byte("$-1\r\n")
	case "SUBSCRIBE":
		s.subs[args[1]] = append(s.subs[args[1]], out)
		return fmt.Appendf(nil, "*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(args[1]), args[1])
	case "PUBLISH":
		for _, o := range s.subs[args[1]] {
			o <- resp.AppendCommand(nil, "message", args[1], args[2])
		}
		return fmt.Appendf(nil, ":%d\r\n", len(s.subs[args[1]]))
	case "ECHO":
		return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(args[1]), args[1])
	}
	return []byte("-ERR unknown command\r\n")
}

func (s *store) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

// user is a client in virtual time.
type user struct {
	net.Conn
	r *bufio.Reader
}

func (u *user) do(args ...string) string {
	if _, err := u.Write(resp.AppendCommand(nil, args...)); err != nil {
		return "error: " + err.Error()
	}
	return u.reply()
}

// reply reads one reply or push and gives its words.
func (u *user) reply() string {
	line, err := u.r.ReadString('\n')
	if err != nil {
		return "error: " + err.Error()
	}
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch {
	case line[0] == '$' && n >= 0:
		b := make([]byte, n+2)
		if _, err := io.ReadFull(u.r, b); err != nil {
			return "error: " + err.Error()
		}
		return string(b[:n])
	case line[0] == '*':
		var words []string
		for range n {
			words = append(words, u.reply())
		}
		return strings.Join(words, " ")
	}
	return strings.TrimSpace(line)
}

// world is a proxy before a store, in a bubble.
type world struct {
	*Proxy
	*store
	rec   *tape
	users []*user
}

// bubble runs f in virtual time; everything that f began ends with it.
func bubble(t *testing.T, s harness.Scheduler, cfg Config, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newStore()
		cfg.Dial = st.dial
		w := &world{Proxy: New(cfg), store: st, rec: &tape{}}
		w.StartTrial(s, w.rec)
		defer func() {
			assert.NoError(t, w.Close())
			for _, u := range w.users {
				u.Close()
			}
			synctest.Wait()
		}()
		f(t, w)
	})
}

func (w *world) connect() *user {
	a, b := net.Pipe()
	w.Serve(b)
	u := &user{a, bufio.NewReader(a)}
	w.users = append(w.users, u)
	return u
}

// ending finds how the frame of a point ended.
func (w *world) ending(t *testing.T, id string) harness.Event {
	t.Helper()
	synctest.Wait() // a client sees a reply before it is recorded
	for _, e := range w.rec.all() {
		if e.Point.String() == id {
			return e
		}
	}
	require.Fail(t, "no such frame", "%s in %v", id, w.rec.ids())
	return harness.Event{}
}

// heldAt is a schedule of one hold.
func heldAt(at, until string, timeout time.Duration) rules {
	return rules{at: {Action: harness.Hold, Until: must(harness.ParsePoint(until)), Timeout: harness.Duration(timeout)}}
}

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

func TestKickDropsWhatIsHeld(t *testing.T) {
	bubble(t, heldAt(`kv>SET "a" #1`, `kv<GET "never" #1`, time.Hour), Config{}, func(t *testing.T, w *world) {
		u := w.connect()
		w.Begin("x")
		_, err := u.Write(resp.AppendCommand(nil, "SET", "a", "1"))
		require.NoError(t, err)
		synctest.Wait()
		w.Kick()
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
