package integration

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func namespaces() spec.Category {
	return spec.Category{Name: "namespace isolation", Slug: "namespaces", Scenarios: []spec.Scenario{
		{Name: "same-key-two-values", Run: sameKeyTwoValues},
		{Name: "delete-and-count-apart", Run: deleteAndCountApart},
		{Name: "ids-are-new-in-each", Run: idsNewInEach},
	}}
}

func sameKeyTwoValues(t spec.T, env *spec.Env) {
	ctx := t.Context()
	north, south := env.KV.Namespace(env.Prefix+"/north"), env.KV.Namespace(env.Prefix+"/south")
	require.NoError(t, north.Set(ctx, "price", 10, 0))
	require.NoError(t, south.Set(ctx, "price", 20, 0))

	for i, store := range []fixtures.KV{north, south} {
		var got int
		found, err := store.Get(ctx, "price", &got)
		require.NoError(t, err)
		require.True(t, found)
		assert.Equal(t, 10*(i+1), got)
	}
	env.ExpectAbsent(t, "price", "outside of the two namespaces that have it")
}

func deleteAndCountApart(t spec.T, env *spec.Env) {
	ctx := t.Context()
	north, south := env.KV.Namespace(env.Prefix+"/north"), env.KV.Namespace(env.Prefix+"/south")
	for _, store := range []fixtures.KV{north, north, south} {
		_, err := store.Incr(ctx, "visits")
		require.NoError(t, err)
	}
	removed, err := north.Del(ctx, "visits")
	require.NoError(t, err)
	require.EqualValues(t, 1, removed)

	var left int
	found, err := south.Get(ctx, "visits", &left)
	require.NoError(t, err)
	require.True(t, found, "a deletion in one namespace took the key of another")
	assert.Equal(t, 1, left)
}

func idsNewInEach(t spec.T, env *spec.Env) {
	ctx := t.Context()
	for _, name := range []string{"north", "south"} {
		once := fixtures.NewIdempotency(env.Suite.Base, env.Prefix+"/"+name, env.Defects)
		ran, err := once.Once(ctx, "payment-1", time.Minute, nothing)
		require.NoError(t, err)
		assert.True(t, ran, "an id that was used in one namespace was refused in %s", name)
		seen, err := once.Seen(ctx, "payment-1")
		require.NoError(t, err)
		assert.True(t, seen)
	}
}
