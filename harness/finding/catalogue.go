package finding

import (
	"cmp"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// Catalogue holds the findings of a run, one for each cause.
type Catalogue struct {
	mu   sync.Mutex
	list map[string]*harness.Finding // by fingerprint
	says map[FailureKey]string       // what failures of a test say, and whose fingerprint that was
}

// NewCatalogue returns one without findings.
func NewCatalogue() *Catalogue {
	return &Catalogue{list: map[string]*harness.Finding{}, says: map[FailureKey]string{}}
}

// Whose is the proven cause of a failure of the test that said the same, or nil.
func (c *Catalogue) Whose(test, failure string) *harness.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.list[c.says[FailureKey{test, failure}]]
	if f == nil {
		return nil
	}
	found := *f
	return &found
}

// Add merges f into the catalogue and reports whether its cause is new. Of two
// proofs of one cause the stronger stays: more counterfactuals passed, then
// fewer decisions.
func (c *Catalogue) Add(f harness.Finding) (isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Class != harness.Unattributed && f.Failure.Fingerprint != "" {
		for _, t := range f.Tests {
			if w := (FailureKey{t, f.Failure.Fingerprint}); c.says[w] == "" {
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

// Len says how many there are.
func (c *Catalogue) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list)
}

// Drop takes a finding out.
func (c *Catalogue) Drop(fingerprint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.list, fingerprint)
}

// All returns the findings, those in most tests first, and what is only
// predicted last.
func (c *Catalogue) All() []harness.Finding {
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
