// Package clients plays the same seven scenarios with clients as they are
// shipped, straight to a redis-server and through the proxy. What a client sees
// must not depend on the way, and the recorder must have seen all of it. The
// tests must never change a client's settings beyond address, protocol, TLS and
// time limits.
package clients

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pipelined = 10_000
	bigSize   = 16 << 20 // more than all buffers on the way hold

	// The script uses a command that no client sends, so that what Redis counts
	// for a script can be told from what passed the proxy.
	luaScript = `redis.call('APPEND', KEYS[1], ARGV[1]); return {KEYS[1], ARGV[1]}`
	noScript  = "0000000000000000000000000000000000000000"
)

// transcript is what a client saw, by scenario, in a form that is the same for
// every client.
type transcript map[string]string

// want is what any client sees of a Redis that works.
func want(big payload) transcript {
	return transcript{
		"kv":       "OK v1 (nil) 1",
		"pipeline": fmt.Sprintf("%d replies in order, then %d", pipelined, pipelined),
		"pubsub":   "1 1 1 news=hello pt:*/pt:1=hi shard=deep",
		"multi":    "OK 2 2",
		"lua":      "lua:k x | NOSCRIPT | lua:k y | xy",
		"streams":  "1-1 | 1-1 f v | 2-1 f w | OK | 1-1 f v 2-1 f w | 2 | (nil)",
		"big":      big.sum,
	}
}

// payload is the big value, in a file for clients that are programs.
type payload struct {
	file string
	data []byte
	sum  string // length and SHA-256
}

func checksum(b []byte) string { return fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)) }

func newPayload(t *testing.T) payload {
	data := randomBytes(bigSize)
	file := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return payload{file: file, data: data, sum: checksum(data)}
}

// program plays all scenarios with one client and says what it saw.
type program func(t *testing.T, s *server, to target, big payload) transcript

// programs are the clients that this machine has. With -short there are none:
// they need a redis-server.
func programs(t *testing.T) map[string]program {
	t.Helper()
	all := map[string]program{"go-redis": playGoRedis}
	for name, p := range map[string]struct {
		check func() error
		play  program
	}{"redis-cli": {checkRedisCLI, playRedisCLI}, "npm redis": {checkNode, playNode}} {
		if err := p.check(); err != nil {
			require.Empty(t, os.Getenv("CI"), "CI needs every client: %v", err)
			t.Logf("without %s: %v", name, err)
			continue
		}
		all[name] = p.play
	}
	return all
}

func TestClients(t *testing.T) {
	for _, s := range servers(t) {
		big := newPayload(t)
		for name, play := range programs(t) {
			for _, protocol := range []int{2, 3} {
				t.Run(fmt.Sprintf("%s/RESP%d", name, protocol), func(t *testing.T) {
					s.clean(t)
					direct := play(t, s, s.direct(protocol), big)
					require.Equal(t, want(big), direct, "without the proxy")
					for _, w := range ways(protocol) {
						t.Run(w.name, func(t *testing.T) {
							r := w.open(t, s, protocol)
							s.clean(t)
							assert.Equal(t, direct, play(t, s, r.to, big))
							calls := s.calls(t)
							events := r.close(t)
							sawAll(t, events, calls)
							sawEachKind(t, events, protocol)
						})
					}
				})
			}
		}
	}
}

// apart are commands that Redis counts although they did not pass the proxy, or
// not all of them.
var apart = map[string]string{
	"APPEND": "called by the script", "INFO": "asked by the test as well", "CONFIG|RESETSTAT": "sent by the test",
}

// sawAll compares what was recorded with what Redis itself has counted: a
// connection that was passed through unread would lack its commands.
func sawAll(t *testing.T, events []harness.Event, calls map[string]int) {
	t.Helper()
	requests, answered, failed := map[string]int{}, map[uint64]bool{}, map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case harness.Request:
			requests[e.Point.Verb]++
		case harness.Reply:
			answered[e.ReplyTo] = true
			if e.IsError {
				failed[e.Point.Verb] = true
			}
		case harness.Warning:
			assert.Fail(t, "the proxy did not understand", "%s", e.Raw)
		}
	}
	for verb, n := range calls {
		if apart[verb] == "" {
			assert.Equal(t, n, requests[verb], "%s: Redis counts another number than the recorder", verb)
		}
	}
	for verb := range requests {
		// A command that this Redis does not know is not in its count.
		assert.True(t, calls[verb] > 0 || failed[verb], "%s was recorded, and Redis never saw it", verb)
	}
	for _, e := range events {
		if e.Kind == harness.Request {
			assert.True(t, answered[e.Seq], "no reply was recorded for %s", e.Point)
		}
	}
}

// sawEachKind checks that the frames of each scenario were taken for what they are.
func sawEachKind(t *testing.T, events []harness.Event, protocol int) {
	t.Helper()
	count := map[string]int{}
	for _, e := range events {
		verb := e.Point.Verb
		switch {
		case e.Kind == harness.Request && e.InMulti:
			count["queued "+verb]++
		case e.Kind == harness.Request && e.Blocking:
			count["blocking "+verb]++
		case e.Kind == harness.Reply && e.IsError && verb == "EVALSHA":
			count["unknown script"]++
		case e.Kind == harness.Push:
			count[fmt.Sprintf("push %c%s", e.Raw[0], verb)]++
		case e.Kind == harness.Request && verb == "HELLO" && strings.Contains(string(e.Raw), "\r\n3\r\n"):
			count["HELLO 3"]++
		}
		if e.Point.Key == "big" && e.Size >= bigSize {
			count[fmt.Sprintf("big %s", e.Kind)]++
		}
	}
	mark := map[int]string{2: "*", 3: ">"}[protocol]
	for kind, n := range map[string]int{
		"queued SET": 1, "queued INCR": 1, "queued GET": 1, "blocking XREAD": 2, "unknown script": 1, "big request": 1, "big reply": 1,
		"push " + mark + "message": 1, "push " + mark + "pmessage": 1, "push " + mark + "smessage": 1,
	} {
		assert.Equal(t, n, count[kind], "%s, of %v", kind, count)
	}
	if protocol == 3 {
		assert.NotZero(t, count["HELLO 3"])
	} else {
		assert.Zero(t, count["HELLO 3"])
	}
}
