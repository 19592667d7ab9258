package minimize

import "context"

// Repeat makes a noisy oracle steadier: the input fails if it fails in at least
// k of n tries. It stops as soon as the answer is settled, so with k = n an
// input that passes once is not tried again, and with k = 1 one that fails.
//
// With p the failure rate of one try, P(answer is "fails") is the upper tail
// of Binomial(n, p) from k.
func Repeat[T any](fails Oracle[T], k, n int) Oracle[T] {
	k = max(k, 1)
	n = max(n, k)
	return func(ctx context.Context, input []T) (bool, error) {
		failed := 0
		for i := range n {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			bad, err := fails(ctx, input)
			if err != nil {
				return false, err
			}
			if bad {
				failed++
			}
			if failed >= k {
				return true, nil
			}
			if failed+n-i-1 < k {
				return false, nil
			}
		}
		return false, nil
	}
}
