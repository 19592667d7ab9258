package smoke

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func kvStore() spec.Category {
	return spec.Category{Name: "KV store (get/set, TTL, counter)", Slug: "kv", Scenarios: []spec.Scenario{
		{Name: "set-then-get", Run: setThenGet},
		{Name: "session-expires", Exposes: []fixtures.Defect{fixtures.TTLLate}, Run: sessionExpires},
		{Name: "two-workers-count", Exposes: []fixtures.Defect{fixtures.LostUpdate}, Run: twoWorkersCount},
	}}
}

func setThenGet(t spec.T, env *spec.Env) {
	type profile struct {
		Name string `json:"name"`
		Age  int    `json:"age"`
	}
	want := profile{Name: "Ada", Age: 36}
	require.NoError(t, env.KV.Set(t.Context(), "profile", want, 0))

	var got profile
	found, err := env.KV.Get(t.Context(), "profile", &got)
	require.NoError(t, err)
	require.True(t, found, "the profile that was just set is absent")
	assert.Equal(t, want, got)
}

// sessionExpires logs a user in, which notes and counts the login and then opens
// a session of one second, and expects the session to be gone afterwards.
func sessionExpires(t spec.T, env *spec.Env) {
	login := func(ctx context.Context) error {
		if err := env.KV.Set(ctx, "last-login", "ada", 0); err != nil {
			return err
		}
		if _, err := env.KV.Incr(ctx, "logins"); err != nil {
			return err
		}
		return env.KV.Set(ctx, "session", "ada", spec.ShortTTL)
	}

	if env.Defects.Has(fixtures.TTLLate) {
		start := time.Now()
		env.Go(t, login)
		env.Sleep(t, spec.ExpiryWait-time.Since(start))
	} else {
		require.NoError(t, login(t.Context()))
		env.Sleep(t, spec.ExpiryWait)
	}

	env.ExpectAbsent(t, "session", "after its time to live of 1s")
}

// twoWorkersCount has two workers that take a job every 40 ms, half a period
// apart, and count it.
func twoWorkersCount(t spec.T, env *spec.Env) {
	const period, jobs = 40 * time.Millisecond, 3
	env.Both(t, period/2, func(ctx context.Context, _ int) error {
		return spec.Every(ctx, 0, period, jobs, func(int) error {
			_, err := env.KV.Incr(ctx, "jobs")
			return err
		})
	})

	var total int
	_, err := env.KV.Get(t.Context(), "jobs", &total)
	require.NoError(t, err)
	assert.Equal(t, 2*jobs, total, "two workers did %d jobs each, and the counter says %d", jobs, total)
}
