package minimize

import (
	"context"
	"slices"
)

// Integer is what can be shrunk; time.Duration is one.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

// Tolerance says when a threshold is known well enough: when its bounds are no
// further apart than Absolute, or than Relative times the upper one.
type Tolerance[N Integer] struct {
	Absolute N       // below 1 it is 1
	Relative float64 // 0.05 is five percent
}

func (t Tolerance[N]) met(lo, hi N) bool {
	return hi-lo <= max(t.Absolute, 1) || float64(hi-lo) <= t.Relative*float64(hi)
}

// Bracket is a threshold between its bounds: Lo was seen to pass, Hi to fail.
// If even the least value fails, both are that value.
type Bracket[N Integer] struct {
	Lo, Hi N
	Asked  int
}

// Shrink finds by bisection the smallest value between lo and hi that fails,
// given that hi does (which is asked first unless cfg.Sure) and that what is
// above a failing value fails too. On an error the bracket so far is returned
// with it.
func Shrink[N Integer](ctx context.Context, lo, hi N, fails func(context.Context, N) (bool, error), tol Tolerance[N], cfg Config) (Bracket[N], error) {
	count := newCounter(cfg.Budget)
	b := Bracket[N]{Lo: lo, Hi: hi}
	ask := func(v N) (bool, error) {
		if err := count.take(ctx); err != nil {
			return false, err
		}
		b.Asked = count.asked
		return fails(ctx, v)
	}
	if !cfg.Sure {
		bad, err := ask(hi)
		if err != nil {
			return b, err
		}
		if !bad {
			return b, ErrPasses
		}
	}
	if hi <= lo {
		return b, nil
	}
	bad, err := ask(lo)
	if err != nil {
		return b, err
	}
	if bad {
		b.Hi = lo
		return b, nil
	}
	for !tol.met(b.Lo, b.Hi) {
		mid := b.Lo + (b.Hi-b.Lo)/2
		bad, err := ask(mid)
		if err != nil {
			return b, err
		}
		if bad {
			b.Hi = mid
		} else {
			b.Lo = mid
		}
	}
	return b, nil
}

// ShrinkEach lowers each of several values as far as it goes while the others
// stay, and goes round again until none can be lowered. It returns the values
// and the bracket of each. On an error the values so far, which fail, are
// returned with it.
func ShrinkEach[N Integer](ctx context.Context, values []N, fails Oracle[N], tol Tolerance[N], cfg Config) ([]N, []Bracket[N], error) {
	count := newCounter(cfg.Budget)
	best := slices.Clone(values)
	brackets := make([]Bracket[N], len(best))
	ask := func(input []N) (bool, error) {
		if err := count.take(ctx); err != nil {
			return false, err
		}
		return fails(ctx, input)
	}
	if !cfg.Sure {
		bad, err := ask(best)
		if err != nil {
			return best, brackets, err
		}
		if !bad {
			return best, brackets, ErrPasses
		}
	}
	// What passed while another value was higher may fail now that it is lower,
	// so each look begins from 0 again; it is over when no value was lowered
	// since all were last looked at.
	for i, settled := 0, 0; settled < len(best); i = (i + 1) % len(best) {
		try := func(_ context.Context, v N) (bool, error) {
			input := slices.Clone(best)
			input[i] = v
			return ask(input)
		}
		before := best[i]
		b, err := Shrink(ctx, 0, before, try, tol, Config{Sure: true})
		b.Asked += brackets[i].Asked
		best[i], brackets[i] = b.Hi, b
		if err != nil {
			return best, brackets, err
		}
		if settled++; !tol.met(b.Hi, before) {
			settled = 1
		}
	}
	return best, brackets, nil
}
