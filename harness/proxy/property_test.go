package proxy

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// seeded delays and holds frames by hash(seed, test, point), as real strategies do.
type seeded struct {
	seed  uint64
	until []harness.Point
}

func (s seeded) Decide(test string, p harness.Point) harness.Decision {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s", s.seed, test, p)
	switch x := h.Sum64(); x % 5 {
	case 0, 1:
		return harness.Decision{At: p, Action: harness.Delay, Delay: harness.Duration(x>>8%64) * harness.Duration(time.Millisecond)}
	case 2:
		if len(s.until) > 0 {
			return harness.Decision{At: p, Action: harness.Hold, Until: s.until[x>>8%uint64(len(s.until))], Timeout: harness.Duration(time.Duration(x>>16%50) * time.Millisecond)}
		}
	}
	return harness.Decision{}
}

// values draws random RESP3 values as they are on the wire.
func values() *rapid.Generator[string] {
	line := rapid.StringMatching(`[ -~]{0,20}`)
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kinds := "+-:$,#_(!="
			if depth < 3 {
				kinds += "*%~|>"
			}
			switch k := rapid.SampledFrom([]byte(kinds)).Draw(t, "kind"); k {
			case '+', '-':
				return string(k) + line.Draw(t, "line") + "\r\n"
			case ':', '(':
				return fmt.Sprintf("%c%d\r\n", k, rapid.Int64().Draw(t, "n"))
			case ',':
				return fmt.Sprintf(",%g\r\n", rapid.Float64().Draw(t, "x"))
			case '#':
				return "#" + rapid.SampledFrom([]string{"t", "f"}).Draw(t, "b") + "\r\n"
			case '_':
				return "_\r\n"
			case '$', '!', '=':
				b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bulk")
				return fmt.Sprintf("%c%d\r\n%s\r\n", k, len(b), b)
			default:
				n := rapid.IntRange(0, 3).Draw(t, "count")
				out := fmt.Sprintf("%c%d\r\n", k, n)
				if k == '%' || k == '|' {
					n *= 2
				}
				if k == '|' {
					n++
				}
				for range n {
					out += value(depth+1).Draw(t, "element")
				}
				return out
			}
		})
	}
	return value(0)
}

func commands() *rapid.Generator[string] {
	words := rapid.Custom(func(t *rapid.T) []string {
		verb := rapid.SampledFrom(strings.Fields("GET SET PUBLISH SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE MULTI EXEC HELLO CLIENT RESET "+
			"MONITOR EVALSHA XREAD PING AUTH get NOSUCH")).Draw(t, "verb")
		args := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"REPLY", "OFF", "ON", "SKIP", "3", "SETNAME", "k", "c"}),
			rapid.String()), 0, 4).Draw(t, "args")
		return append([]string{verb}, args...)
	})
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 9).Draw(t, "inline") == 0 {
			return rapid.SampledFrom([]string{"PING\r\n", "\r\n", "SET k 'a b'\n"}).Draw(t, "line")
		}
		return string(resp.AppendCommand(nil, words.Draw(t, "words")...))
	})
}

// Whatever the traffic, whatever the schedule: the bytes that come out are
// those that went in, as long as the schedule only delays.
func TestSameBytesOutAsIn(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		up := strings.Join(rapid.SliceOfN(commands(), 0, 30).Draw(t, "commands"), "")
		down := strings.Join(rapid.SliceOfN(values(), 0, 30).Draw(t, "replies"), "")
		if rapid.IntRange(0, 9).Draw(t, "garbage") == 0 {
			down += "this is no RESP\r\n$3\r\nabc\r\n"
		}
		seed := rapid.Uint64().Draw(t, "seed")
		chunk := rapid.IntRange(1, 200).Draw(t, "chunk")
		var gotUp, gotDown []byte
		synctest.Test(outer, func(inner *testing.T) {
			gotUp, gotDown = converse(seed, []byte(up), []byte(down), chunk)
		})
		if string(gotUp) != up {
			t.Fatalf("Redis got %q\nwant %q", gotUp, up)
		}
		if string(gotDown) != down {
			t.Fatalf("the client got %q\nwant %q", gotDown, down)
		}
	})
}

// The same over sockets, for each engine.
func TestSameBytesOverSockets(t *testing.T) {
	const conversations = 25
	engines(t, func(t *testing.T, cfg Config) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		p := started(t, cfg, ln.Addr().String())
		var wg sync.WaitGroup
		for i := range conversations {
			up := []byte(strings.Join(rapid.SliceOfN(commands(), 1, 60).Example(i), ""))
			down := []byte(strings.Join(rapid.SliceOfN(values(), 1, 60).Example(i), ""))
			p.StartTrial(seeded{seed: uint64(i)}, &tape{})
			client, err := net.Dial("tcp", p.Addr())
			require.NoError(t, err)
			server, err := ln.Accept()
			require.NoError(t, err)
			gotUp, gotDown := exchange(client, server, up, down, uint64(i), 500)
			require.Equal(t, string(up), string(gotUp))
			require.Equal(t, string(down), string(gotDown))
			wg.Go(func() { client.Close() })
			wg.Go(func() { server.Close() })
		}
		wg.Wait()
	})
}

// converse sends up and down through a proxy in chunks and returns what arrived.
func converse(seed uint64, up, down []byte, chunk int) (gotUp, gotDown []byte) {
	client, clientEnd := net.Pipe()
	serverEnd, server := net.Pipe()
	p := New(Config{Dial: func(context.Context) (net.Conn, error) { return serverEnd, nil }})
	until := []harness.Point{{Role: "kv", Verb: "GET", Key: "k", N: 1}, {Role: "sub", Dir: harness.ToClient, Verb: "message", Key: "c"}}
	p.StartTrial(seeded{seed, until}, &tape{})
	p.Begin("x")
	p.Serve(clientEnd)
	gotUp, gotDown = exchange(client, server, up, down, seed, chunk)
	p.End()
	p.DropConnections()
	client.Close()
	server.Close()
	p.Close()
	return gotUp, gotDown
}

// exchange sends up from client to server and down the other way, at once, in
// random chunks, and returns what arrived.
func exchange(client, server net.Conn, up, down []byte, seed uint64, chunk int) (gotUp, gotDown []byte) {
	var wg sync.WaitGroup
	send := func(to io.Writer, data []byte) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		for len(data) > 0 {
			n := min(1+rnd.IntN(chunk), len(data))
			_, _ = to.Write(data[:n]) // what did not arrive is seen at the other end
			data = data[n:]
			if rnd.IntN(4) == 0 {
				time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
			}
		}
	}
	receive := func(from io.Reader, want int) []byte {
		b := make([]byte, want)
		n, _ := io.ReadFull(from, b)
		return b[:n]
	}
	wg.Go(func() { send(client, up) })
	wg.Go(func() { send(server, down) })
	wg.Go(func() { gotUp = receive(server, len(up)) })
	wg.Go(func() { gotDown = receive(client, len(down)) })
	wg.Wait()
	return gotUp, gotDown
}

// The same seed takes the same decisions whatever the interleaving: three
// connections race each other in each of 1,000 runs, in virtual time.
func TestOneSeedOneDecisionLog(t *testing.T) {
	const runs = 1000
	digests := map[string]int{}
	orders := map[string]int{}
	for i := range runs {
		bubble(t, seeded{seed: 7}, Config{}, func(t *testing.T, w *world) {
			rnd := rand.New(rand.NewPCG(uint64(i), 0)) // this run's own timing
			w.Begin("x")
			var wg sync.WaitGroup
			for k := range 3 {
				u := w.connect()
				pause := time.Duration(rnd.IntN(40)) * time.Millisecond
				wg.Go(func() {
					for n := range 6 {
						key := fmt.Sprint("key", string(rune('a'+n%2)))
						u.do([]string{"SET", "GET", "ECHO"}[k], key, "x")
						time.Sleep(pause)
					}
				})
			}
			wg.Wait()
			synctest.Wait()
			digests[w.End().Digest]++
			var order bytes.Buffer
			for _, id := range w.rec.ids() {
				order.WriteString(id)
			}
			orders[order.String()]++
		})
	}
	require.Len(t, digests, 1, "decision logs differ")
	require.NotContains(t, digests, "0000000000000000", "nothing was decided")
	require.Greater(t, len(orders), runs/10, "the runs did not differ, so they prove nothing")
}

func TestAnotherSeedAnotherDecisionLog(t *testing.T) {
	digests := map[string]bool{}
	for seed := range uint64(20) {
		bubble(t, seeded{seed: seed}, Config{}, func(t *testing.T, w *world) {
			w.Begin("x")
			u := w.connect()
			for range 20 {
				u.do("GET", "a")
			}
			digests[w.End().Digest] = true
		})
	}
	require.Len(t, digests, 20)
}

func FuzzProxyChangesNothing(f *testing.F) {
	f.Add(uint64(1), []byte("*1\r\n$4\r\nPING\r\n"), []byte("+PONG\r\n"))
	f.Add(uint64(2), []byte("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"), []byte("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"))
	f.Add(uint64(3), []byte("*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n"), []byte("%1\r\n+a\r\n>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"))
	f.Add(uint64(4), []byte("MONITOR\r\nEXEC\r\n"), []byte("+OK\r\n+1339518083.107412 [0 x] \"keys\"\r\n*-1\r\n"))
	f.Add(uint64(5), []byte("*1\r\n$-5\r\n"), []byte("|1\r\n+a\r\n*?\r\n.\r\n>0\r\n>1\r\n*0\r\n"))
	f.Fuzz(func(t *testing.T, seed uint64, up, down []byte) {
		synctest.Test(t, func(t *testing.T) {
			gotUp, gotDown := converse(seed, up, down, 50)
			require.Equal(t, string(up), string(gotUp))
			require.Equal(t, string(down), string(gotDown))
		})
	})
}
