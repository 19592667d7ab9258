package integration

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func retry() spec.Category {
	return spec.Category{Name: "retry (backoff, maximum attempts)", Slug: "retry", Scenarios: []spec.Scenario{
		{Name: "until-it-succeeds", Run: untilItSucceeds},
		{Name: "backoff-grows-to-its-cap", NoRedis: true, Run: backoffGrows},
		{Name: "gives-up-at-the-maximum", NoRedis: true, Run: givesUp},
		{Name: "not-for-hopeless-errors", NoRedis: true, Run: notForHopeless},
		{Name: "ends-with-its-context", NoRedis: true, Run: endsWithContext},
	}}
}

// quick is a policy that waits for hardly any time.
func quick(attempts int) fixtures.RetryPolicy {
	return fixtures.RetryPolicy{MaxAttempts: attempts, BaseDelay: 5 * time.Millisecond, MaxDelay: 20 * time.Millisecond}
}

var errBusy = errors.New("the service is busy")

// untilItSucceeds counts its attempts in Redis, and succeeds with the third.
func untilItSucceeds(t spec.T, env *spec.Env) {
	err := fixtures.NewRetrier(quick(5), nil).Do(t.Context(), func(ctx context.Context, attempt int) error {
		n, err := env.KV.Incr(ctx, "attempts")
		if err != nil {
			return err
		}
		assert.EqualValues(t, n, attempt)
		if n < 3 {
			return errBusy
		}
		return env.KV.Set(ctx, "result", "done", 0)
	})
	require.NoError(t, err)
	env.ExpectPresent(t, "result", "after the attempt that succeeded")
}

func backoffGrows(t spec.T, env *spec.Env) {
	var delays []time.Duration
	policy := fixtures.RetryPolicy{MaxAttempts: 6, BaseDelay: 2 * time.Millisecond, MaxDelay: 10 * time.Millisecond,
		OnRetry: func(_ int, delay time.Duration, _ error) { delays = append(delays, delay) }}
	start := time.Now()
	err := fixtures.NewRetrier(policy, nil).Do(t.Context(), func(context.Context, int) error { return errBusy })

	require.ErrorIs(t, err, errBusy)
	want := []time.Duration{2, 4, 8, 10, 10}
	total := time.Duration(0)
	for i := range want {
		want[i] *= time.Millisecond
		total += want[i]
	}
	assert.Equal(t, want, delays)
	assert.GreaterOrEqual(t, time.Since(start), total, "it did not wait for as long as it said")
}

func givesUp(t spec.T, env *spec.Env) {
	var attempts []int
	err := fixtures.NewRetrier(quick(3), nil).Do(t.Context(), func(_ context.Context, attempt int) error {
		attempts = append(attempts, attempt)
		return errBusy
	})
	require.ErrorIs(t, err, fixtures.ErrExhausted)
	assert.ErrorIs(t, err, errBusy, "the last error is the one that says why")
	assert.Equal(t, []int{1, 2, 3}, attempts)
}

func notForHopeless(t spec.T, env *spec.Env) {
	hopeless := errors.New("no such account")
	calls := 0
	err := fixtures.NewRetrier(quick(5), nil).Do(t.Context(), func(context.Context, int) error {
		calls++
		return fixtures.NonRetryable(hopeless)
	})
	require.ErrorIs(t, err, hopeless)
	assert.Equal(t, 1, calls)
}

func endsWithContext(t spec.T, env *spec.Env) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	calls := 0
	policy := fixtures.RetryPolicy{MaxAttempts: 5, BaseDelay: time.Minute, MaxDelay: time.Minute}
	err := fixtures.NewRetrier(policy, nil).Do(ctx, func(context.Context, int) error {
		calls++
		return errBusy
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, 1, calls)
	assert.NoError(t, t.Context().Err(), "it waited for its next attempt although its context had ended")
}
