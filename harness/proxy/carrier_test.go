package proxy

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// carriers is a Scheduler that notes how frames travel.
type carriers struct {
	mu   sync.Mutex
	seen map[string]harness.Carrier
}

func (c *carriers) Decide(string, harness.Point) harness.Decision { panic("DecideCarried is asked") }

func (c *carriers) DecideCarried(test string, p harness.Point, by harness.Carrier) harness.Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[test+" "+p.String()] = by
	return harness.Decision{}
}

// Connections are numbered anew in each test, by their first frames, and what
// arrives in one read has one lead.
func TestSchedulerIsToldHowFramesTravel(t *testing.T) {
	s := &carriers{seen: map[string]harness.Carrier{}}
	bubble(t, s, Config{}, func(t *testing.T, w *world) {
		u, v := w.connect(), w.connect()
		w.Begin("x")
		require.Equal(t, "+OK", v.do("SET", "a", "1"))
		data := resp.AppendCommand(resp.AppendCommand(nil, "GET", "b"), "GET", "c")
		_, err := u.Write(data)
		require.NoError(t, err)
		require.Equal(t, "$-1", u.reply())
		require.Equal(t, "$-1", u.reply())
		require.Equal(t, "1", v.do("GET", "a"))
		synctest.Wait()
		w.End()
		w.Begin("y")
		require.Equal(t, "1", u.do("GET", "a"))
		require.Equal(t, "1", v.do("GET", "a"))
		w.End()
	})
	at := func(id string) harness.Point { return must(harness.ParsePoint(id)) }
	for id, want := range map[string]harness.Carrier{
		`x kv>SET "a" #1`: {Conn: 1, Lead: at(`kv>SET "a" #1`)},
		`x kv<SET "a" #1`: {Conn: 1, Lead: at(`kv<SET "a" #1`)},
		`x kv>GET "b" #1`: {Conn: 2, Lead: at(`kv>GET "b" #1`)},
		`x kv>GET "c" #1`: {Conn: 2, Lead: at(`kv>GET "b" #1`)},
		`x kv>GET "a" #1`: {Conn: 1, Lead: at(`kv>GET "a" #1`)},
		`y kv>GET "a" #1`: {Conn: 1, Lead: at(`kv>GET "a" #1`)},
		`y kv>GET "a" #2`: {Conn: 2, Lead: at(`kv>GET "a" #2`)},
	} {
		assert.Equal(t, want, s.seen[id], id)
	}
}
