package minimize

import "context"

// Integer is what a threshold may be of; time.Duration is one.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

// Threshold brackets the smallest value between lo and hi that fails, given
// that hi fails and lo passes, neither of which is asked about. It ends when
// the bounds are no further apart than resolution of the upper one.
func Threshold[N Integer](ctx context.Context, lo, hi N, resolution func(N) N, fails func(N) (bool, error)) (passes, failing N, err error) {
	for hi-lo > max(resolution(hi), 1) {
		if err := ctx.Err(); err != nil {
			return lo, hi, err
		}
		mid := lo + (hi-lo)/2
		bad, err := fails(mid)
		if err != nil {
			return lo, hi, err
		}
		if bad {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo, hi, nil
}

// Reduce is DDMin for items that are known to fail, without bounds: it returns
// the smallest failing part, or the best so far with the error that ended the
// search.
func Reduce[T any](ctx context.Context, items []T, fails Oracle[T]) ([]T, error) {
	r, err := DDMin(ctx, items, fails, Config{Sure: true})
	return r.Items, err
}
