package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// orderCommands: two connections' commands on one key took effect in the other order.
func orderCommands(t *Trace) []Match {
	out := errorsOf(t, harness.OrderCommands)
	for _, key := range t.Keys() {
		on := t.On(key)
		for i, b := range on {
			for _, a := range on[max(0, i-lookBack):i] { // a took effect before b
				if a.Conn == b.Conn || !a.Writes && !b.Writes || a.Arrived <= b.Arrived {
					continue
				}
				out = append(out, Match{
					Title: fmt.Sprintf("%s %s took effect before %s that was sent earlier", t.nameOf(a), key, the(t.nameOf(b))),
					Explanation: fmt.Sprintf("%s %s was sent at %s and took effect at %s%s; %s was sent on another connection at %s and overtook it. "+
						"Redis executes what one connection sends in order, but nothing orders two connections: await the reply of the first before sending the second, or use one connection.",
						t.nameOf(b), key, at3(t, b.Arrived), at3(t, b.Sent), kept(b), t.nameOf(a), at3(t, a.Arrived)),
					Events: seqs(b.Seq, a.Seq, a.Reply, b.Reply),
					First:  b.Point, Then: a.Point, Score: 0.5,
				})
			}
		}
	}
	return out
}
