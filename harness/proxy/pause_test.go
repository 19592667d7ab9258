package proxy

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// A frame passes only after the processes have stopped.
func TestPauseStopsBeforeTheFrameGoes(t *testing.T) {
	const slow, d = 3 * time.Millisecond, 100 * time.Millisecond
	var asked []time.Duration
	cfg := Config{Pauser: func(d time.Duration) error {
		asked = append(asked, d)
		time.Sleep(slow) // the stop takes its time
		return nil
	}}
	r := rules{
		`kv>SET "a" #1`: {Action: harness.Pause, Delay: harness.Duration(d)},
		`kv>SET "h" #1`: {Action: harness.Hold, Until: must(harness.ParsePoint(`kv<GET "never" #1`))},
	}
	bubble(t, r, cfg, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		v.send(t, "SET", "h", "1")
		start := time.Now()
		require.Equal(t, "+OK", u.do("SET", "a", "1"))
		assert.Equal(t, slow, time.Since(start))
		assert.Equal(t, []time.Duration{d}, asked)
		require.Equal(t, "+OK", v.reply())
		e := w.ending(t, `kv>SET "a" #1`)
		assert.Equal(t, harness.Pause, e.Action)
		assert.Equal(t, d, e.Asked)
		st := w.End()
		assert.Empty(t, st.Missed)
		require.Len(t, st.Kept, 1)
		assert.Equal(t, slow+d+DefaultStallAfter, time.Duration(st.Kept[0].For), "a standstill that the pause makes is not the program's")
		assert.GreaterOrEqual(t, st.Injected, d)
	})
}

// The engines wait for a stop that takes its time, and serve others meanwhile.
func TestPauseOverSockets(t *testing.T) {
	engines(t, func(t *testing.T, cfg Config) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		cfg.Pauser = func(time.Duration) error {
			close(stop)
			<-stopped
			return nil
		}
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		rec := &tape{}
		p.StartTrial(rules{`hs>PING "" #1`: {Action: harness.Pause, Delay: harness.Duration(time.Millisecond)}}, rec)
		p.Begin("x")
		a, b := must(net.Dial("tcp", p.Addr())), must(net.Dial("tcp", p.Addr()))
		defer a.Close()
		defer b.Close()
		_, err := a.Write(resp.AppendCommand(nil, "PING"))
		require.NoError(t, err)
		<-stop
		echoed(t, b, resp.AppendCommand(nil, "ECHO", "x"))
		close(stopped)
		_, err = io.ReadFull(a, make([]byte, len(resp.AppendCommand(nil, "PING"))))
		require.NoError(t, err)
		assert.Empty(t, p.End().Missed)
		require.NotEmpty(t, rec.ids())
		assert.Equal(t, `hs>PING "" #1`, rec.ids()[0])
	})
}

func TestPauseThatCannotBe(t *testing.T) {
	d := harness.Decision{Action: harness.Pause, Delay: harness.Duration(time.Millisecond)}
	for why, pauser := range map[string]func(time.Duration) error{
		"not applied: " + errNoPauser.Error(): nil,
		"not applied: no process runs":        func(time.Duration) error { return errors.New("no process runs") },
	} {
		bubble(t, rules{`kv<SET "a" #1`: d}, Config{Pauser: pauser}, func(t *testing.T, w *world) {
			u := w.connect()
			w.Begin("x")
			start := time.Now()
			require.Equal(t, "+OK", u.do("SET", "a", "1"))
			assert.Zero(t, time.Since(start))
			missed := w.End().Missed
			require.Len(t, missed, 1)
			assert.Equal(t, why, missed[0].Why)
			assert.Equal(t, `kv<SET "a" #1`, missed[0].Decision.At.String())
		})
	}
}
