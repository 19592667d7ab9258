package finding

import (
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Catalogue holds the findings of a run, one for each cause.
type Catalogue struct {
	mu    sync.Mutex
	list  map[string]harness.Finding // by fingerprint
	known map[FailureKey]string      // fingerprint of the first proven cause of failures like this
}

// NewCatalogue returns one without findings.
func NewCatalogue() *Catalogue {
	return &Catalogue{list: map[string]harness.Finding{}, known: map[FailureKey]string{}}
}

// Add merges f into the catalogue and reports whether its cause is new.
func (c *Catalogue) Add(f harness.Finding) (isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Class != harness.Unattributed && f.Failure.Fingerprint != "" {
		for _, t := range f.Tests {
			if key := (FailureKey{t, f.Failure.Fingerprint}); c.known[key] == "" {
				c.known[key] = f.Fingerprint
			}
		}
	}
	old, ok := c.list[f.Fingerprint]
	if ok {
		f = verdict.Merge(old, f)
	}
	c.list[f.Fingerprint] = f
	return !ok
}

// Whose gives the proven cause of a failure of that test with the same message.
func (c *Catalogue) Whose(key FailureKey) (harness.Finding, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.list[c.known[key]]
	return f, ok
}

// Drop takes a finding out.
func (c *Catalogue) Drop(fingerprint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.list, fingerprint)
}

// Len says how many there are.
func (c *Catalogue) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list)
}

// All returns the findings, those in most tests first, predictions last.
func (c *Catalogue) All() []harness.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]harness.Finding, 0, len(c.list))
	for _, f := range c.list {
		if len(f.Tests) > 1 {
			f.Tests = slices.Clone(f.Tests)
			slices.Sort(f.Tests[1:]) // the first is the one to replay
		}
		list = append(list, f)
	}
	slices.SortFunc(list, verdict.Order)
	return list
}
