package minimize

import (
	"context"
	"fmt"
	"slices"
)

// Reduced is what a search found.
type Reduced[T any] struct {
	Items   []T   // the smallest failing input seen, in the order of the original
	Indices []int // of Items in the original
	Minimal bool  // the search came to its end: taking any one item away was seen to pass
	Asked   int   // questions to the oracle
}

// DDMin finds a part of items that fails and is 1-minimal: without any one of
// its items it passes. It is the algorithm ddmin of Zeller and Hildebrandt,
// "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002,
// section 3.2: subsets, then complements, then a finer granularity. Answers are
// remembered, so no subset is asked about twice.
//
// For n items it asks at most n² + 3n times, and about 2·log₂ n times when a
// single item is guilty. When ctx ends, the budget is used up or the oracle
// fails, it returns the best so far together with that error.
func DDMin[T any](ctx context.Context, items []T, fails Oracle[T], cfg Config) (Reduced[T], error) {
	s := &search[T]{items: items, fails: fails, count: newCounter(cfg.Budget), known: map[string]bool{}}
	all := make([]int, len(items))
	for i := range all {
		all[i] = i
	}
	s.best = all
	if !cfg.Sure {
		bad, err := s.ask(ctx, all)
		if err != nil {
			return s.reduced(false), err
		}
		if !bad {
			return s.reduced(false), ErrPasses
		}
	}
	// The empty input needs no granularity: if it fails, no item is guilty.
	if len(all) > 0 {
		bad, err := s.ask(ctx, nil)
		if err != nil {
			return s.reduced(false), err
		}
		if bad {
			s.best = nil
			return s.reduced(true), nil
		}
	}
	for n := 2; len(s.best) >= 2; {
		parts := split(s.best, n)
		next, finer, err := s.step(ctx, parts)
		if err != nil {
			return s.reduced(false), err
		}
		switch {
		case next != nil:
			s.best, n = next, max(finer, 2)
		case n >= len(s.best):
			return s.reduced(true), nil
		default:
			n = min(2*n, len(s.best))
		}
	}
	return s.reduced(true), nil
}

type search[T any] struct {
	items []T
	fails Oracle[T]
	count *counter
	known map[string]bool // answers, by indices
	best  []int
}

// step asks about each part, then about each complement. It returns the first
// that fails and the granularity to go on with, or nil.
func (s *search[T]) step(ctx context.Context, parts [][]int) (next []int, finer int, err error) {
	for _, p := range parts {
		bad, err := s.ask(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		if bad {
			return p, 2, nil
		}
	}
	if len(parts) == 2 { // each part is the other's complement
		return nil, 0, nil
	}
	for i := range parts {
		rest := slices.Concat(slices.Concat(parts[:i]...), slices.Concat(parts[i+1:]...))
		bad, err := s.ask(ctx, rest)
		if err != nil {
			return nil, 0, err
		}
		if bad {
			return rest, len(parts) - 1, nil
		}
	}
	return nil, 0, nil
}

func (s *search[T]) ask(ctx context.Context, indices []int) (bool, error) {
	key := fmt.Sprint(indices)
	if bad, ok := s.known[key]; ok {
		return bad, nil
	}
	if err := s.count.take(ctx); err != nil {
		return false, err
	}
	bad, err := s.fails(ctx, s.pick(indices))
	if err != nil {
		return false, err
	}
	s.known[key] = bad
	return bad, nil
}

func (s *search[T]) pick(indices []int) []T {
	out := make([]T, len(indices))
	for i, at := range indices {
		out[i] = s.items[at]
	}
	return out
}

func (s *search[T]) reduced(minimal bool) Reduced[T] {
	return Reduced[T]{Items: s.pick(s.best), Indices: slices.Clone(s.best), Minimal: minimal, Asked: s.count.asked}
}

// split cuts list into n parts whose lengths differ by at most one.
func split(list []int, n int) [][]int {
	parts := make([][]int, 0, n)
	for i := range n {
		parts = append(parts, list[i*len(list)/n:(i+1)*len(list)/n])
	}
	return parts
}

// OneMinimal checks that items fails and that without any one of its items it
// passes. If it is not so, spare is the index of an item that can go, or -1 if
// items itself passes.
func OneMinimal[T any](ctx context.Context, items []T, fails Oracle[T]) (minimal bool, spare int, err error) {
	bad, err := fails(ctx, items)
	if err != nil || !bad {
		return false, -1, err
	}
	for i := range items {
		bad, err := fails(ctx, slices.Concat(items[:i], items[i+1:]))
		if err != nil {
			return false, -1, err
		}
		if bad {
			return false, i, nil
		}
	}
	return true, -1, nil
}
