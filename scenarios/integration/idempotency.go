package integration

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func idempotency() spec.Category {
	return spec.Category{Name: "idempotency (dedup, TTL expiry)", Slug: "idempotency", Scenarios: []spec.Scenario{
		{Name: "runs-once", Run: runsOnce},
		{Name: "redelivery-while-at-work", Exposes: []fixtures.Defect{fixtures.CheckThenActOnce}, Run: redeliveryWhileAtWork},
		{Name: "new-again-after-expiry", Exposes: []fixtures.Defect{fixtures.TTLLate}, Run: newAfterExpiry},
		{Name: "refused-until-expiry", Exposes: []fixtures.Defect{fixtures.TTLEarly}, Run: refusedUntilExpiry},
	}}
}

func nothing(context.Context) error { return nil }

func runsOnce(t spec.T, env *spec.Env) {
	ctx := t.Context()
	seen, err := env.Idempotency.Seen(ctx, "payment-1")
	require.NoError(t, err)
	require.False(t, seen, "an id was seen before it was used")

	broken := errors.New("the bank is closed")
	_, err = env.Idempotency.Once(ctx, "payment-1", time.Minute, func(context.Context) error { return broken })
	require.ErrorIs(t, err, broken)

	for i, want := range []bool{true, false} {
		ran, err := env.Idempotency.Once(ctx, "payment-1", time.Minute, nothing)
		require.NoError(t, err)
		assert.Equal(t, want, ran, "call %d after the one that failed", i+1)
	}
	seen, err = env.Idempotency.Seen(ctx, "payment-1")
	require.NoError(t, err)
	assert.True(t, seen, "an id was not seen after it was used")
}

// redeliveryWhileAtWork gets four payments twice each: the broker, without an
// acknowledgement, sends each again after 30 ms.
func redeliveryWhileAtWork(t spec.T, env *spec.Env) {
	ids := []string{"payment-1", "payment-2", "payment-3", "payment-4"}
	paid := make([]atomic.Int64, len(ids))
	env.Both(t, 30*time.Millisecond, func(ctx context.Context, _ int) error {
		return spec.Every(ctx, 0, 60*time.Millisecond, len(ids), func(i int) error {
			_, err := env.Idempotency.Once(ctx, ids[i], time.Minute, func(context.Context) error {
				paid[i].Add(1)
				return nil
			})
			return err
		})
	})
	for i, id := range ids {
		assert.EqualValues(t, 1, paid[i].Load(), "%s was delivered twice and paid %d times", id, paid[i].Load())
	}
}

// newAfterExpiry notes and counts a delivery and handles it once, for one second;
// 1.1 s later the id must be new. The faulty form does not wait for the handling.
func newAfterExpiry(t spec.T, env *spec.Env) {
	deliver := func(ctx context.Context) error {
		if err := env.KV.Set(ctx, "last-delivery", "payment-1", 0); err != nil {
			return err
		}
		if _, err := env.KV.Incr(ctx, "deliveries"); err != nil {
			return err
		}
		_, err := env.Idempotency.Once(ctx, "payment-1", spec.ShortTTL, nothing)
		return err
	}
	if env.Defects.Has(fixtures.TTLLate) {
		start := time.Now()
		env.Go(t, deliver)
		env.Sleep(t, spec.ExpiryWait-time.Since(start))
	} else {
		require.NoError(t, deliver(t.Context()))
		env.Sleep(t, spec.ExpiryWait)
	}
	ran, err := env.Idempotency.Once(t.Context(), "payment-1", spec.ShortTTL, nothing)
	require.NoError(t, err)
	assert.True(t, ran, "expected id payment-1 to be new 1.1s after it was used for 1s, it was refused")
}

// refusedUntilExpiry sends a payment again while its id is remembered. The
// faulty form remembers it for 1 s, and sends it again after 800 ms and two
// commands.
func refusedUntilExpiry(t spec.T, env *spec.Env) {
	ctx := t.Context()
	ttl, pause := time.Minute, 50*time.Millisecond
	if env.Defects.Has(fixtures.TTLEarly) {
		ttl, pause = spec.ShortTTL, 800*time.Millisecond
	}
	ran, err := env.Idempotency.Once(ctx, "payment-1", ttl, nothing)
	require.NoError(t, err)
	require.True(t, ran)

	env.Sleep(t, pause)
	require.NoError(t, env.KV.Set(ctx, "payment-1", "booked", 0))
	_, err = env.KV.Incr(ctx, "payments")
	require.NoError(t, err)

	ran, err = env.Idempotency.Once(ctx, "payment-1", ttl, nothing)
	require.NoError(t, err)
	assert.False(t, ran, "id payment-1 was handled a second time while it should have been remembered")
}
