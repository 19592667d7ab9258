package proxy

import (
	"bytes"
	"testing"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

type discard struct{ n int }

func (d *discard) Record(*harness.Event) { d.n++ }

// choosy is a Selective scheduler that concerns none of the benchmark's frames.
type choosy struct{ rules }

func (c choosy) Concerns(_ string, p harness.Point) bool { return p.Key == "other" }

// BenchmarkFrames is the cost of a command and its reply in the proxy, without
// system calls: framing, naming, matching, deciding, recording.
func BenchmarkFrames(b *testing.B) {
	for name, pipeline := range map[string]int{"one": 1, "pipeline16": 16} {
		b.Run(name, func(b *testing.B) {
			c := newCore(Config{})
			c.startTrial(choosy{}, &discard{})
			c.begin("bench")
			s := c.newSession(noDriver{})
			up := bytes.Repeat(resp.AppendCommand(nil, "SET", "key:__rand_int__", "xxx"), pipeline)
			down := bytes.Repeat([]byte("+OK\r\n"), pipeline)
			b.ReportAllocs()
			now := time.Duration(0)
			for i := 0; i < b.N; i += pipeline {
				for _, p := range []*pipe{&s.up, &s.down} {
					data := up
					if p == &s.down {
						data = down
					}
					now++
					p.feed(now, data)
					upto, _, _ := p.ready(now)
					p.advance(now, int(upto-p.wrote))
				}
			}
		})
	}
}
