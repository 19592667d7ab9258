package history

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// What the encoder remembers of the frame before may save work, and nothing
// else: the bytes are those of an encoder that looks everything up, also after
// the tables were emptied.
func TestRememberingChangesNoByte(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fast, plain := newEncoder(0), newEncoder(0)
		var got, want []byte
		for _, ev := range anyEvents(rt) {
			for range rapid.IntRange(1, 3).Draw(rt, "times") { // runs of one name are what is remembered
				if rapid.IntRange(0, 9).Draw(rt, "emptied") == 0 {
					fast.forget()
					plain.forget()
				}
				plain.lastTest, plain.lastTestN, plain.recent = "", 0, [recentPoints]recentPoint{}
				got, want = fast.event(got, &ev), plain.event(want, &ev)
			}
		}
		if !bytes.Equal(got, want) {
			rt.Fatalf("%q\nwant %q", got, want)
		}
	})
}

// BenchmarkEncode is what the recorder costs a frame: of one command again and
// again with its reply, and of commands that alternate.
func BenchmarkEncode(b *testing.B) {
	for _, keys := range []int{1, 16} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			var events []harness.Event
			for i := range keys {
				p := harness.Point{Role: "kv", Verb: "SET", Key: fmt.Sprint("key:", i), N: 1}
				const test = "suite/category/test"
				events = append(events,
					harness.Event{Kind: harness.Request, Test: test, Conn: 1, Point: p, Size: 40, Raw: resp.AppendCommand(nil, "SET", p.Key, "v")},
					harness.Event{Kind: harness.Reply, Test: test, Conn: 1, Point: p.Reply(), Size: 5, Raw: []byte("+OK\r\n")})
			}
			e := newEncoder(0)
			var out []byte
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				ev := &events[i%len(events)]
				i++
				ev.Seq, ev.In, ev.Out = uint64(i), time.Duration(i)*1000, time.Duration(i+1)*1000
				out = e.event(out[:0], ev)
			}
		})
	}
}
