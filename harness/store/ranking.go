package store

import (
	"context"
	"maps"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// Ranking is what was learned, in memory while a hunt goes on: it weighs kinds
// of near misses and gathers what came of them. Safe for concurrent use.
type Ranking struct {
	s       *Store
	mu      sync.Mutex
	learned map[string]harness.Count // from earlier hunts
	fresh   map[string]harness.Count // from this one
}

// Ranking loads what was learned.
func (s *Store) Ranking(ctx context.Context) (*Ranking, error) {
	learned, err := s.Learned(ctx)
	if err != nil {
		return nil, err
	}
	return &Ranking{s: s, learned: learned, fresh: map[string]harness.Count{}}, nil
}

// Weight gives a factor for the likelihood of a kind, between 0 and 2, and 1
// when nothing is known: twice the posterior mean of its hit rate under a flat
// prior. This hunt's own tries do not count, so that the order in which tests
// happen to run changes nothing.
func (r *Ranking) Weight(kind string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.learned[kind]
	return 2 * float64(c.K+1) / float64(c.N+2)
}

// Learn notes one try.
func (r *Ranking) Learn(kind string, hit bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.fresh[kind]
	c.N++
	if hit {
		c.K++
	}
	r.fresh[kind] = c
}

// Save writes what this hunt taught; call it once, when the hunt has ended.
func (r *Ranking) Save(ctx context.Context) error {
	r.mu.Lock()
	fresh := maps.Clone(r.fresh)
	clear(r.fresh)
	r.mu.Unlock()
	return r.s.Learn(ctx, fresh)
}
