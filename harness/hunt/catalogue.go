package hunt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// catalogue holds the findings of a run, one for each cause.
type catalogue struct {
	mu   sync.Mutex
	list map[string]*harness.Finding // by fingerprint
	says map[words]string            // what failures of a test say, and whose fingerprint that was
}

func newCatalogue() *catalogue {
	return &catalogue{list: map[string]*harness.Finding{}, says: map[words]string{}}
}

// whose is the proven cause of a failure of the test that said the same, or nil.
func (c *catalogue) whose(test, failure string) *harness.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.list[c.says[words{test, failure}]]
	if f == nil {
		return nil
	}
	found := *f
	return &found
}

// Fingerprint names a cause: its class and the commands whose order or time
// matters, without keys and ordinals, so that it is the same in other tests and
// other runs. Of a topic that was subscribed twice it is the subscription alone,
// whether its request or its confirmation was late; of messages whose handling
// overlapped it is the delivery alone, whatever their handlers do; of a message
// that was lost with its connection, the connection; of a read and a write that
// another caller came between, the write, whatever that caller did.
func Fingerprint(class harness.Class, first, then harness.Point) string {
	switch {
	case class == harness.RaceDuplicateSubscribe:
		first.Dir, then = harness.ToServer, harness.Point{}
	case class == harness.RaceCheckThenAct || class == harness.RaceLostUpdate:
		then = harness.Point{}
	case class == harness.OrderMessages && then.Dir == harness.ToClient:
		first, then.Verb = harness.Point{}, "message" // by name or by pattern
	case class == harness.ConnectionLost && first.Dir == harness.ToClient:
		// The connection is the cause, by whichever of its subscriptions a message came.
		first.Verb, then = "message", harness.Point{}
	}
	shape := func(p harness.Point) string { return p.Role + p.Dir.String() + strings.ToUpper(p.Verb) }
	sum := sha256.Sum256([]byte(string(class) + "\n" + shape(first) + "\n" + shape(then)))
	return hex.EncodeToString(sum[:16])
}

// FindingID is the short name of a fingerprint.
func FindingID(fingerprint string) string { return "F-" + fingerprint[:8] }

// add merges f into the catalogue and reports whether its cause is new. Of two
// proofs of one cause the stronger stays: more counterfactuals passed, then
// fewer decisions.
func (c *catalogue) add(f harness.Finding) (isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Class != harness.Unattributed && f.Failure.Fingerprint != "" {
		for _, t := range f.Tests {
			if w := (words{t, f.Failure.Fingerprint}); c.says[w] == "" {
				c.says[w] = f.Fingerprint
			}
		}
	}
	old, ok := c.list[f.Fingerprint]
	if !ok {
		c.list[f.Fingerprint] = &f
		return true
	}
	if f.Standing == harness.Latent && old.Standing != harness.Latent {
		return false // it was shown, which says more
	}
	tests := old.Tests
	if stronger(f, *old) {
		tests, f.Tests = f.Tests, tests
		f.Tests = append(tests, f.Tests...)
		f.Natural.K += old.Natural.K
		if old.Standing == harness.Natural {
			f.Standing = harness.Natural
		}
		f.Tests = unique(f.Tests)
		*old = f
		return false
	}
	old.Natural.K += f.Natural.K
	if len(f.Schedule.Decisions) == 0 && len(old.Schedule.Decisions) == 0 {
		old.Provoked.K += f.Provoked.K // failures under one undirected strategy
	}
	old.Tests = unique(append(old.Tests, f.Tests...))
	if f.Standing == harness.Natural && old.Standing == harness.Provoked {
		old.Standing = harness.Natural
	}
	return false
}

func stronger(a, b harness.Finding) bool {
	rank := func(f harness.Finding) int {
		if f.Standing == harness.Latent {
			return -1
		}
		if f.Provoked.K > 0 && f.Counter.N > 0 && f.Counter.K == 0 {
			return 2
		}
		if f.Provoked.K > 0 {
			return 1
		}
		return 0
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra > rb
	}
	la, lb := len(a.Schedule.Decisions), len(b.Schedule.Decisions)
	return la > 0 && (lb == 0 || la < lb)
}

// predictedOnly puts findings of which nothing has failed behind the others.
func predictedOnly(f harness.Finding) int {
	if f.Standing == harness.Latent {
		return 1
	}
	return 0
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (c *catalogue) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list)
}

// drop takes a finding out.
func (c *catalogue) drop(fingerprint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.list, fingerprint)
}

// all returns the findings, those in most tests first, and what is only
// predicted last.
func (c *catalogue) all() []harness.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]harness.Finding, 0, len(c.list))
	for _, f := range c.list {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b harness.Finding) int {
		return cmp.Or(
			cmp.Compare(predictedOnly(a), predictedOnly(b)),
			cmp.Compare(len(b.Tests), len(a.Tests)),
			cmp.Compare(a.ID, b.ID),
		)
	})
	return list
}
