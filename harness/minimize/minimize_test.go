package minimize

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// needs returns an oracle that fails when all of the guilty are there.
func needs(guilty ...int) Oracle[int] {
	return func(_ context.Context, input []int) (bool, error) {
		for _, g := range guilty {
			if !slices.Contains(input, g) {
				return false, nil
			}
		}
		return true, nil
	}
}

func TestDDMinFindsExactlyTheGuilty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "n")
		guilty := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(n, 5), rapid.ID[int]).Draw(rt, "guilty")
		got, err := DDMin(t.Context(), numbers(n), needs(guilty...), Config{})
		require.NoError(rt, err)
		slices.Sort(guilty)
		if !slices.Equal(got.Items, guilty) || !got.Minimal || !slices.Equal(got.Indices, guilty) {
			rt.Fatalf("guilty %v, got %+v", guilty, got)
		}
		if limit := n*n + 3*n + 2; got.Asked > limit {
			rt.Fatalf("asked %d times, more than the bound %d", got.Asked, limit)
		}
	})
}

// TestDDMinIsOneMinimalOnAnyOracle uses oracles that are not monotone: any set
// of subsets fails, as long as the whole does and nothing does not.
func TestDDMinIsOneMinimalOnAnyOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(rt, "n")
		seed := rapid.Uint64().Draw(rt, "seed")
		asked := map[string]int{}
		oracle := func(_ context.Context, input []int) (bool, error) {
			if len(input) == n || len(input) == 0 {
				return len(input) == n, nil
			}
			h := seed
			key := ""
			for _, v := range input {
				h = (h ^ uint64(v+1)) * 0x9e3779b97f4a7c15
				key += string(rune('a' + v))
			}
			asked[key]++
			return h>>60 < 5, nil
		}
		got, err := DDMin(t.Context(), numbers(n), oracle, Config{})
		require.NoError(rt, err)
		for key, times := range asked {
			if times > 1 {
				rt.Fatalf("asked about %s %d times", key, times)
			}
		}
		minimal, spare, err := OneMinimal(t.Context(), got.Items, oracle)
		require.NoError(rt, err)
		if !minimal {
			rt.Fatalf("%v fails without item %d too", got.Items, spare)
		}
	})
}

func TestDDMinAsksLittleForOneGuilty(t *testing.T) {
	got, err := DDMin(t.Context(), numbers(1024), needs(700), Config{})
	require.NoError(t, err)
	assert.Equal(t, []int{700}, got.Items)
	assert.LessOrEqual(t, got.Asked, 2*10+2)
}

func TestDDMinNothingGuilty(t *testing.T) {
	got, err := DDMin(t.Context(), numbers(5), needs(), Config{})
	require.NoError(t, err)
	assert.Empty(t, got.Items)
	assert.True(t, got.Minimal)
}

func TestDDMinWholePasses(t *testing.T) {
	_, err := DDMin(t.Context(), numbers(5), needs(9), Config{})
	assert.ErrorIs(t, err, ErrPasses)
}

func TestBudgetReturnsTheBestSoFar(t *testing.T) {
	got, err := DDMin(t.Context(), numbers(64), needs(3, 40), Config{Budget: 12})
	require.ErrorIs(t, err, ErrBudget)
	assert.False(t, got.Minimal)
	assert.Equal(t, 12, got.Asked)
	bad, _ := needs(3, 40)(t.Context(), got.Items)
	assert.True(t, bad, "the best so far does not fail: %v", got.Items)
}

func TestCancelledAndFailingOracles(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	_, err := DDMin(ctx, numbers(64), func(ctx context.Context, in []int) (bool, error) {
		if asked++; asked == 3 {
			cancel()
		}
		return needs(3, 40)(ctx, in)
	}, Config{})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 3, asked)

	broken := errors.New("redis died")
	_, err = DDMin(t.Context(), numbers(4), func(context.Context, []int) (bool, error) { return false, broken }, Config{Sure: true})
	assert.ErrorIs(t, err, broken)
	_, _, err = OneMinimal(t.Context(), numbers(4), func(context.Context, []int) (bool, error) { return false, broken })
	assert.ErrorIs(t, err, broken)
}

func TestOneMinimalNamesTheSpare(t *testing.T) {
	minimal, spare, err := OneMinimal(t.Context(), []int{4, 7, 9}, needs(4, 9))
	require.NoError(t, err)
	assert.False(t, minimal)
	assert.Equal(t, 1, spare)
	minimal, spare, err = OneMinimal(t.Context(), []int{4}, needs(9))
	require.NoError(t, err)
	assert.False(t, minimal)
	assert.Equal(t, -1, spare)
}

func TestRepeatCountsAndStopsEarly(t *testing.T) {
	script := []bool{true, false, true, true, true}
	asked := 0
	oracle := func(context.Context, []int) (bool, error) { asked++; return script[asked-1], nil }
	for _, c := range []struct {
		k, n, asks int
		want       bool
	}{
		{1, 5, 1, true}, {2, 5, 3, true}, {5, 5, 2, false}, {4, 5, 5, true}, {4, 4, 2, false}, {0, 0, 1, true},
	} {
		asked = 0
		got, err := Repeat(oracle, c.k, c.n)(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%d of %d", c.k, c.n)
		assert.Equal(t, c.asks, asked, "%d of %d", c.k, c.n)
	}
}

// TestDDMinUnderNoise: a guilty pair fails 9 times in 10, all else passes. With
// an answer of "fails" at 1 of 8, the guilty are lost with probability 1e-8 at
// each of under 100 questions: odds of a false alarm under 1e-6.
func TestDDMinUnderNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noisy := func(ctx context.Context, in []int) (bool, error) {
		bad, _ := needs(3, 17)(ctx, in)
		return bad && rng.Float64() < 0.9, nil
	}
	got, err := DDMin(t.Context(), numbers(20), Repeat(noisy, 1, 8), Config{})
	require.NoError(t, err)
	assert.Equal(t, []int{3, 17}, got.Items)
}

func TestThresholdEndsAtTheResolution(t *testing.T) {
	ms := time.Millisecond
	lo, hi, err := Threshold(t.Context(), 0, 600*ms, func(d time.Duration) time.Duration { return max(ms, d/20) },
		func(d time.Duration) (bool, error) { return d > 97*ms, nil })
	require.NoError(t, err)
	assert.LessOrEqual(t, lo, 97*ms)
	assert.Greater(t, hi, 97*ms)
	assert.LessOrEqual(t, hi-lo, hi/20)

	broken := errors.New("no trial")
	_, top, err := Threshold(t.Context(), 0, 8, func(int) int { return 1 }, func(int) (bool, error) { return false, broken })
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, 8, top)
}

func TestReduceTrustsTheWhole(t *testing.T) {
	asked := 0
	got, err := Reduce(t.Context(), numbers(8), func(ctx context.Context, in []int) (bool, error) {
		asked++
		assert.Less(t, len(in), 8)
		return needs(2, 5)(ctx, in)
	})
	require.NoError(t, err)
	assert.Equal(t, []int{2, 5}, got)
	assert.Positive(t, asked)
}
