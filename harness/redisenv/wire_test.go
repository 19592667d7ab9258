package redisenv_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/resp"
	"github.com/flakehunt/flakehunt/scenarios"
	"github.com/flakehunt/flakehunt/scenarios/suitetest"
)

// wire collects the commands that pass through the connections it wraps.
type wire struct {
	mu   sync.Mutex
	seen map[string]int
}

func (w *wire) wrap(o *redis.Options) *redis.Options {
	dial := o.Dialer
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &wireConn{Conn: c, wire: w}, nil
	}
	return o
}

type wireConn struct {
	net.Conn
	wire *wire
	rest []byte
}

// Write takes whole commands off what is written; go-redis writes nothing else.
func (c *wireConn) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		words, size := command(c.rest)
		if size == 0 {
			break
		}
		c.wire.mu.Lock()
		c.wire.seen[signature(words)]++
		c.wire.mu.Unlock()
		c.rest = c.rest[size:]
	}
	return c.Conn.Write(p)
}

// command reads the array of bulks at the start of b; size 0: it is not whole yet.
func command(b []byte) (words []string, size int) {
	take := func(kind byte) (int, bool) {
		i := slices.Index(b[size:], '\n')
		if i < 2 || b[size] != kind {
			return 0, false
		}
		n := 0
		for _, d := range b[size+1 : size+i-1] {
			n = 10*n + int(d-'0')
		}
		size += i + 1
		return n, true
	}
	n, ok := take('*')
	for ok && len(words) < n {
		var k int
		if k, ok = take('$'); ok && size+k+2 <= len(b) {
			words = append(words, string(b[size:size+k]))
			size += k + 2
		} else {
			return nil, 0
		}
	}
	if !ok {
		return nil, 0
	}
	return words, size
}

// options are the words that make another command of one with the same name.
var options = map[string][]string{
	"SET":     strings.Fields("NX XX PX EX GET KEEPTTL PXAT EXAT"),
	"PEXPIRE": strings.Fields("NX XX GT LT"),
	"EXPIRE":  strings.Fields("NX XX GT LT"),
	"SCAN":    strings.Fields("MATCH COUNT TYPE"),
	"XADD":    strings.Fields("MAXLEN MINID NOMKSTREAM"),
	"XRANGE":  strings.Fields("COUNT"),
	"XREAD":   strings.Fields("COUNT BLOCK"),
}

// families are the commands whose second word is part of their name.
var families = strings.Fields("CLIENT SCRIPT PUBSUB CONFIG XINFO XGROUP OBJECT COMMAND FUNCTION ACL HELLO INFO")

// signature is a command without its values: name, subcommand, options.
func signature(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := strings.ToUpper(words[0])
	parts := []string{name}
	if slices.Contains(families, name) && len(words) > 1 {
		parts = append(parts, strings.ToUpper(words[1]))
	}
	var given []string
	for _, w := range words[1:] {
		if w = strings.ToUpper(w); slices.Contains(options[name], w) && !slices.Contains(given, w) {
			given = append(given, w)
		}
	}
	slices.Sort(given)
	return strings.Join(append(parts, given...), " ")
}

// Whatever the suites send is compared: the embedded Redis may not answer
// anything that was never held against a real one.
func TestEveryCommandOfTheSuitesIsCompared(t *testing.T) {
	w := &wire{seen: map[string]int{}}
	for _, defects := range []fixtures.Defects{nil, fixtures.AsDescribed()} {
		for _, suite := range scenarios.Suites() {
			record(t, w, suite, defects)
		}
	}
	require.Greater(t, len(w.seen), 10, "the recording has missed most of the wire: %v", w.seen)

	compared := map[string]bool{}
	for _, d := range dialogues {
		for _, line := range d.lines() {
			if words := line.words; len(words) > 0 {
				compared[signature(words)] = true
			}
		}
	}
	for _, s := range slices.Sorted(maps.Keys(w.seen)) {
		if !compared[s] {
			t.Errorf("%s was sent %d times and is in no dialogue of differential_test.go", s, w.seen[s])
		}
	}
}

// record runs a suite in virtual time: its results do not matter here.
func record(t *testing.T, w *wire, suite string, defects fixtures.Defects) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		i, err := redisenv.Start(ctx, redisenv.Spec{Provider: "sim"})
		require.NoError(t, err)
		s, err := scenarios.Open(ctx, suite, scenarios.Config{Redis: w.wrap(i.Options()), Defects: defects})
		require.NoError(t, err)
		for _, sc := range scenarios.Suite(suite) {
			if failure := suitetest.Try(ctx, s, sc); failure != "" && len(defects) == 0 {
				t.Errorf("%s: %s", sc.Name, failure)
			}
		}
		require.NoError(t, s.Close(ctx))
		require.NoError(t, i.Close(ctx))
		time.Sleep(time.Minute) // virtual: whoever still waits for a timeout has it now
	})
}

func TestCommandReader(t *testing.T) {
	b := resp.AppendCommand(resp.AppendCommand(nil, "SET", "k", "a\r\nb", "px", "5"), "CLIENT", "setname", "x")
	words, size := command(b)
	require.Equal(t, "SET PX", signature(words))
	words, rest := command(b[size:])
	require.Equal(t, "CLIENT SETNAME", signature(words))
	require.Equal(t, len(b), size+rest)
	for cut := range size {
		_, n := command(b[:cut])
		require.Zero(t, n)
	}
}
