package detect

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

func infrastructure() Detector {
	return Detector{
		Class: harness.InfrastructureClass,
		Doc:   "Redis or its container died, is loading, out of memory or cannot write: never counted as a flake",
		Find: func(t *Trace) []Match {
			for _, c := range t.Commands {
				if !c.IsError || len(c.Result) == 0 {
					continue
				}
				kind, _, _ := strings.Cut(c.Result[0], " ")
				switch kind {
				case "LOADING", "OOM", "MISCONF", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "TRYAGAIN", "NOREPLICAS":
					return []Match{{
						Title:       fmt.Sprintf("Redis could not do its work: %s", kind),
						Explanation: fmt.Sprintf("%s %s was answered by %q: the server's condition, not the test's.", c.Verb, c.Point.Key, brief(c.Result[0])),
						Events:      seqs(c.Seq, c.Reply), First: c.Point, Then: c.Point.Reply(), Score: 0.97,
					}}
				}
			}
			if t.Outcome.Verdict == harness.Infrastructure {
				return []Match{{Title: "Redis, the proxy or the machine failed", Explanation: "The trial did not count: what it ran on failed.", Score: 0.97}}
			}
			return nil
		},
	}
}
