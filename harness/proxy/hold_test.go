package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// send writes a command and does not wait for its reply.
func (u *user) send(t *testing.T, args ...string) {
	t.Helper()
	_, err := u.Write(resp.AppendCommand(nil, args...))
	require.NoError(t, err)
	synctest.Wait()
}

// held reports how many holds there are.
func (w *world) held() int {
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	return len(w.core.holds)
}

func TestHoldUntilARequestGoesWhenRedisHasIt(t *testing.T) {
	for name, c := range map[string]struct {
		until string
		sends []string
		after time.Duration
	}{
		"answered": {`kv>GET "b" #1`, []string{"GET", "b"}, 0},
		"blocking": {`kv>BLPOP "q" #1`, []string{"BLPOP", "q", "0"}, takeUpTime},
		"any role": {`>GET "b"`, []string{"GET", "b"}, 0},
		"sub":      {`>SUBSCRIBE "c" #1`, []string{"SUBSCRIBE", "c"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, heldAt(`kv>SET "a" #1`, c.until, 0), Config{}, func(t *testing.T, w *world) {
				u, v := w.connect(), w.connect()
				w.Begin("x")
				u.send(t, "SET", "a", "1")
				require.Equal(t, 1, w.held())
				start := time.Now()
				v.send(t, c.sends...)
				require.Equal(t, "+OK", u.reply())
				assert.Equal(t, c.after, time.Since(start))
				assert.Equal(t, harness.Fulfilled, w.ending(t, `kv>SET "a" #1`).Ending)
				assert.Equal(t, "SET a 1", w.seen()[1])
				assert.Empty(t, w.End().Kept)
			})
		})
	}
}

// A hold that begins just after its request went to Redis still lets it settle;
// one that begins later does not wait.
func TestHoldUntilARequestThatIsOnItsWay(t *testing.T) {
	for wait, after := range map[time.Duration]time.Duration{0: takeUpTime, time.Second: 0} {
		bubble(t, heldAt(`kv>SET "a" #1`, `kv>BLPOP "q" #1`, 0), Config{}, func(t *testing.T, w *world) {
			u, v := w.connect(), w.connect()
			w.Begin("x")
			v.send(t, "BLPOP", "q", "0")
			time.Sleep(wait)
			start := time.Now()
			require.Equal(t, "+OK", u.do("SET", "a", "1"))
			assert.Equal(t, after, time.Since(start))
		})
	}
}

// What was refused took no effect: the hold ends at the command that is sent
// again, whether it began before the refusal or after it.
func TestHoldOutlastsARefusal(t *testing.T) {
	for _, until := range []string{`kv<EVALSHA "k" #1`, `kv>EVALSHA "k" #1`, `>EVALSHA "k" #1`, `kv<EVALSHA "k"`} {
		for _, early := range []bool{true, false} {
			bubble(t, heldAt(`kv>SET "a" #1`, until, 0), Config{}, func(t *testing.T, w *world) {
				u, v := w.connect(), w.connect()
				w.Begin("x")
				if early {
					u.send(t, "SET", "a", "1")
				}
				require.Contains(t, v.do("EVALSHA", "0123", "1", "k"), "NOSCRIPT")
				if !early {
					u.send(t, "SET", "a", "1")
				}
				time.Sleep(20 * time.Millisecond)
				require.Equal(t, 1, w.held(), "%s: NOSCRIPT is no effect (early %v, %v)", until, early, w.seen())
				start := time.Now()
				require.Equal(t, ":1", v.do("EVAL", "return 1", "1", "k"))
				require.Equal(t, "+OK", u.reply())
				assert.Zero(t, time.Since(start), until)
				assert.Equal(t, []string{"EVALSHA 0123 1 k", "EVAL return 1 1 k", "SET a 1"}, w.seen())
				assert.Empty(t, w.End().Blocked)
			})
		}
	}
}

// An error that is the command's outcome is an effect like any other.
func TestHoldEndsAtAnErrorThatIsFinal(t *testing.T) {
	bubble(t, heldAt(`kv>SET "a" #1`, `kv<LLEN "k" #1`, 0), Config{}, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		u.send(t, "SET", "a", "1")
		require.Contains(t, v.do("LLEN", "k"), "ERR")
		require.Equal(t, "+OK", u.reply())
		assert.Equal(t, harness.Fulfilled, w.ending(t, `kv>SET "a" #1`).Ending)
	})
}

// What is queued takes effect at EXEC.
func TestHoldUntilAQueuedCommandEndsAtExec(t *testing.T) {
	for _, until := range []string{`kv<SET "q" #1`, `kv>SET "q" #1`} {
		for _, early := range []bool{true, false} {
			bubble(t, heldAt(`kv>GET "a" #1`, until, 0), Config{}, func(t *testing.T, w *world) {
				u, v := w.connect(), w.connect()
				w.Begin("x")
				if early {
					u.send(t, "GET", "a")
				}
				require.Equal(t, "+OK", v.do("MULTI"))
				require.Equal(t, "+QUEUED", v.do("SET", "q", "1"))
				if !early {
					u.send(t, "GET", "a")
				}
				require.Equal(t, 1, w.held(), until)
				require.Equal(t, "+OK", v.do("EXEC"))
				require.Equal(t, "$-1", u.reply())
				assert.Equal(t, []string{"MULTI", "SET q 1", "EXEC", "GET a"}, w.seen())
			})
		}
	}
}

// A hold that stalls was a delay: how long a one is told.
func TestStalledHoldTellsHowLongItKept(t *testing.T) {
	r := heldAt(`kv>SET "a" #1`, `kv<GET "never" #1`, 0)
	r[`kv>SET "b" #1`] = harness.Decision{Action: harness.Hold, Until: must(harness.ParsePoint(`kv<GET "never" #1`)), Timeout: harness.Duration(time.Hour)}
	bubble(t, r, Config{}, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		require.Equal(t, "+OK", u.do("SET", "a", "1"))
		v.send(t, "SET", "b", "1")
		time.Sleep(time.Second)
		st := w.End()
		assert.Equal(t, []harness.Kept{
			{At: must(harness.ParsePoint(`kv>SET "a" #1`)), For: harness.Duration(DefaultStallAfter)},
			{At: must(harness.ParsePoint(`kv>SET "b" #1`)), For: harness.Duration(time.Second)},
		}, st.Kept)
		assert.Len(t, st.Blocked, 2)
		e := w.ending(t, `kv>SET "a" #1`)
		assert.Equal(t, harness.Stalled, e.Ending)
		assert.Equal(t, DefaultStallAfter, e.Out-e.In)
	})
}

// accountable is a Scheduler that says that a decision was not met.
type accountable struct {
	rules
	unmet []harness.Decision
}

func (a accountable) Unmet(string) []harness.Decision { return a.unmet }

func TestUnmetDecisionsAreTold(t *testing.T) {
	d := harness.Decision{At: must(harness.ParsePoint(`kv>SET "gone" #1`)), Action: harness.Delay, Delay: 1}
	bubble(t, accountable{rules{}, []harness.Decision{d}}, Config{}, func(t *testing.T, w *world) {
		w.Begin("x")
		assert.Equal(t, []harness.Missed{{Decision: d, Why: "its frame never came"}}, w.End().Missed)
	})
}
