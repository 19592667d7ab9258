package integration

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func kvStore() spec.Category {
	return spec.Category{Name: "KV store (get/set/del, TTL, CAS, counters)", Slug: "kv", Scenarios: []spec.Scenario{
		{Name: "set-get-del", Run: setGetDel},
		{Name: "remaining-time", Exposes: []fixtures.Defect{fixtures.TTLExact}, Run: remainingTime},
		{Name: "expires", Exposes: []fixtures.Defect{fixtures.TTLLate}, Run: expires},
		{Name: "lock-outlives-its-work", Exposes: []fixtures.Defect{fixtures.TTLEarly}, Run: lockOutlivesWork},
		{Name: "cas-has-one-winner", Exposes: []fixtures.Defect{fixtures.LostUpdate}, Run: casHasOneWinner},
		{Name: "concurrent-counter", Exposes: []fixtures.Defect{fixtures.LostUpdate}, Run: concurrentCounter},
	}}
}

func setGetDel(t spec.T, env *spec.Env) {
	ctx := t.Context()
	value := "untouched"
	found, err := env.KV.Get(ctx, "color", &value)
	require.NoError(t, err)
	require.False(t, found, "a key that was never set was found")
	require.Equal(t, "untouched", value)

	require.NoError(t, env.KV.Set(ctx, "color", "green", 0))
	found, err = env.KV.Get(ctx, "color", &value)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "green", value)

	removed, err := env.KV.Del(ctx, "color", "never-set")
	require.NoError(t, err)
	assert.EqualValues(t, 1, removed)
	env.ExpectAbsent(t, "color", "after its deletion")
}

// remainingTime asks for the time to live right after a SET. The faulty form
// expects it to be untouched.
func remainingTime(t spec.T, env *spec.Env) {
	ctx := t.Context()
	require.NoError(t, env.KV.Set(ctx, "token", "t-1", spec.ShortTTL))
	ttl, err := env.KV.TTL(ctx, "token")
	require.NoError(t, err)

	if env.Defects.Has(fixtures.TTLExact) {
		assert.Greater(t, ttl, spec.ShortTTL-10*time.Millisecond, "a token set with 1s to live has %v left", ttl)
	} else {
		assert.LessOrEqual(t, ttl, spec.ShortTTL)
		assert.Positive(t, ttl)
	}

	require.NoError(t, env.KV.Set(ctx, "token", "t-2", 0))
	ttl, err = env.KV.TTL(ctx, "token")
	require.NoError(t, err)
	assert.EqualValues(t, -1, ttl, "a SET without a time to live must remove the former one")
}

// expires sets a key for one second and expects it to be gone 1.1 s later. The
// sound form counts from the reply to the SET, the faulty one from before it was
// sent, and so has 100 ms for the SET to take effect.
func expires(t spec.T, env *spec.Env) {
	set := func(ctx context.Context) error { return env.KV.Set(ctx, "token", "t-1", spec.ShortTTL) }
	if env.Defects.Has(fixtures.TTLLate) {
		start := time.Now()
		env.Go(t, set)
		env.Sleep(t, spec.ExpiryWait-time.Since(start))
	} else {
		require.NoError(t, set(t.Context()))
		env.ExpectPresent(t, "token", "right after it was set for 1s")
		env.Sleep(t, spec.ExpiryWait)
	}
	env.ExpectAbsent(t, "token", "1.1s after it was set for 1s")
}

// lockOutlivesWork takes a lock, works for a while, and expects still to hold
// the lock. The faulty form gives the lock little more time than the work takes
// on a good day: 1 s for 800 ms and three commands.
func lockOutlivesWork(t spec.T, env *spec.Env) {
	ctx := t.Context()
	ttl, work := time.Minute, 50*time.Millisecond
	if env.Defects.Has(fixtures.TTLEarly) {
		ttl, work = spec.ShortTTL, 800*time.Millisecond
	}
	taken, err := env.KV.CAS(ctx, "lock", nil, "worker-1", ttl)
	require.NoError(t, err)
	require.True(t, taken, "the lock was taken although nobody held it")

	env.Sleep(t, work)
	require.NoError(t, env.KV.Set(ctx, "report", "draft", 0))
	_, err = env.KV.Incr(ctx, "reports")
	require.NoError(t, err)

	env.ExpectPresent(t, "lock", "while its holder is at work")
}

// casHasOneWinner has two workers that want to lead, the second 20 ms after the
// first, for each of three tasks.
func casHasOneWinner(t spec.T, env *spec.Env) {
	tasks := []string{"leader-of-billing", "leader-of-mail", "leader-of-search"}
	won := [2]int{}
	env.Both(t, 20*time.Millisecond, func(ctx context.Context, worker int) error {
		return spec.Every(ctx, 0, 60*time.Millisecond, len(tasks), func(i int) error {
			swapped, err := env.KV.CAS(ctx, tasks[i], nil, worker, 0)
			if swapped {
				won[worker]++
			}
			return err
		})
	})
	assert.Equal(t, len(tasks), won[0]+won[1], "%d tasks have %d leaders: worker 0 leads %d, worker 1 leads %d",
		len(tasks), won[0]+won[1], won[0], won[1])
}

// concurrentCounter has two workers that each count five visits, in turns.
func concurrentCounter(t spec.T, env *spec.Env) {
	const visits = 5
	env.Both(t, 15*time.Millisecond, func(ctx context.Context, _ int) error {
		return spec.Every(ctx, 0, 30*time.Millisecond, visits, func(int) error {
			_, err := env.KV.Incr(ctx, "visits")
			return err
		})
	})
	var total int
	_, err := env.KV.Get(t.Context(), "visits", &total)
	require.NoError(t, err)
	assert.Equal(t, 2*visits, total, "%d visits were counted, and the counter says %d", 2*visits, total)
}
