package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// infrastructure: Redis or its container died, is loading, out of memory or cannot write: never counted as a flake.
func infrastructure(t *Trace) []Match {
	for _, c := range t.Commands {
		if !c.IsError || len(c.Result) == 0 {
			continue
		}
		code := Code(c.Result[0])
		if kind, _ := classOf(t, c, code); kind == harness.InfrastructureClass {
			return []Match{{
				Title:       fmt.Sprintf("Redis could not do its work: %s", code),
				Explanation: fmt.Sprintf("%s %s was answered by %q: the server's condition, not the test's.", c.Verb, c.Point.Key, brief(c.Result[0])),
				Events:      seqs(c.Seq, c.Reply), First: c.Point, Then: c.Point.Reply(), Score: 0.97,
			}}
		}
	}
	if t.Outcome.Verdict == harness.Infrastructure {
		return []Match{{Title: "Redis, the proxy or the machine failed", Explanation: "The trial did not count: what it ran on failed.", Score: 0.97}}
	}
	return nil
}
