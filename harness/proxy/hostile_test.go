package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// echoed sends data to a mirror and requires that it comes back as it is.
func echoed(t *testing.T, conn net.Conn, data []byte) {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := conn.Write(data)
		assert.NoError(t, err)
	})
	got := make([]byte, len(data))
	_, err := io.ReadFull(conn, got)
	require.NoError(t, err)
	wg.Wait()
	require.Equal(t, string(data), string(got))
}

// A client that sends what is no RESP works as it does without the proxy: the
// bytes pass, behind what is still delayed, and one warning says where.
func TestProtocolErrorsPassThroughUnread(t *testing.T) {
	const lag = 20 * time.Millisecond
	const next = "and on\r\n\x00*1\r\n"
	for name, c := range map[string]struct{ wire, warning string }{
		"length of a value":     {"*1\r\n$99999999999999\r\nx", `length line "$99999999999999\r\n"`},
		"length beyond 64 bits": {"*1\r\n$99999999999999999999999\r\nx", `length line`},
		"negative length":       {"*1\r\n$-5\r\nx", `length line "$-5\r\n"`},
		"count":                 {"*99999999999999999999\r\n", `length line`},
		"endless length line":   {"*" + strings.Repeat("1", 1000), "length line longer than 32 bytes"},
		"argument of a type":    {"*1\r\n:1\r\n", `argument begins with ':', want '$'`},
		"value too long":        {"*1\r\n$3\r\nabcdef\r\n", "value does not end in a line feed"},
		"endless inline":        {strings.Repeat("x", 70<<10), "inline command longer than 65536 bytes"},
		"binary":                {"*1\r\n\x00\xff\x16\x03\x01", `argument begins with '\x00', want '$'`},
		"claim of a gigabyte":   {"*2\r\n$3\r\nGET\r\n$1000000000\r\nabc", ""},
		"claim of many":         {"*1000000000\r\n$3\r\nGET\r\n", `argument begins with 'a', want '$'`}, // of what follows
	} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, cfg Config) {
				p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
				rec := &tape{}
				p.StartTrial(rules{`kv>SET "slow"`: {Action: harness.Delay, Delay: harness.Duration(lag)}}, rec)
				p.Begin("x")
				conn, err := net.Dial("tcp", p.Addr())
				require.NoError(t, err)
				defer conn.Close()
				start := time.Now()
				echoed(t, conn, append(resp.AppendCommand(nil, "SET", "slow", "v"), c.wire...))
				assert.GreaterOrEqual(t, time.Since(start), lag)
				echoed(t, conn, []byte(next))
				st := p.End()
				assert.Equal(t, `kv>SET "slow" #1`, rec.ids()[0], "what was understood is recorded")
				if c.warning == "" {
					assert.Empty(t, st.Warnings)
					return
				}
				require.Len(t, st.Warnings, 1)
				assert.Contains(t, st.Warnings[0], "is passed through unread: from the client: not RESP: ")
				assert.Contains(t, st.Warnings[0], c.warning)
			})
		})
	}
}

// A hold on one connection lets all others work, whatever the engine.
func TestHoldOverSocketsHoldsNobodyElse(t *testing.T) {
	const others, trips = 20, 25
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		p.StartTrial(heldAt(`kv>SET "held" #1`, `kv<GET "never" #1`, time.Hour), nil)
		p.Begin("x")
		held, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer held.Close()
		holds := func() int {
			p.core.mu.Lock()
			defer p.core.mu.Unlock()
			return len(p.core.holds)
		}
		command := resp.AppendCommand(nil, "SET", "held", "v")
		_, err = held.Write(command)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return holds() == 1 }, 10*time.Second, time.Millisecond)
		var wg sync.WaitGroup
		for i := range others {
			wg.Go(func() {
				conn, err := net.Dial("tcp", p.Addr())
				if !assert.NoError(t, err) {
					return
				}
				defer conn.Close()
				word := resp.AppendCommand(nil, "GET", fmt.Sprint("k", i))
				got := make([]byte, len(word))
				for range trips {
					_, err = conn.Write(word)
					assert.NoError(t, err)
					assert.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
					_, err = io.ReadFull(conn, got)
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 1, holds(), "the frame was let go meanwhile")
		assert.Len(t, p.End().Blocked, 1)
		got := make([]byte, len(command))
		require.NoError(t, held.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err = io.ReadFull(held, got)
		require.NoError(t, err)
		assert.Equal(t, string(command), string(got))
	})
}

// Over sockets, a fragmented frame takes its time, is not changed, and nothing
// of its connection passes it.
func TestFragmentOverSockets(t *testing.T) {
	const chunk, pause = 9, 2 * time.Millisecond
	engines(t, func(t *testing.T, cfg Config) {
		p := started(t, cfg, mirror(t, "tcp", "127.0.0.1:0").Addr().String())
		rec := &tape{}
		p.StartTrial(rules{`kv>SET "k" #1`: {Action: harness.Fragment, Chunk: chunk, Delay: harness.Duration(pause)}}, rec)
		p.Begin("x")
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		defer conn.Close()
		trickled := resp.AppendCommand(nil, "SET", "k", strings.Repeat("v", 100))
		least := time.Duration((len(trickled)+chunk-1)/chunk-1) * pause
		start := time.Now()
		echoed(t, conn, resp.AppendCommand(trickled, "GET", "k"))
		assert.GreaterOrEqual(t, time.Since(start), least)
		assert.GreaterOrEqual(t, p.End().Injected, least)
		out := map[string]time.Duration{}
		for _, e := range rec.all() {
			out[e.Point.String()] = e.Out
		}
		assert.GreaterOrEqual(t, out[`kv>GET "k" #1`], out[`kv>SET "k" #1`])
	})
}
