package smoke

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func cleanup() spec.Category {
	return spec.Category{Name: "resource cleanup", Slug: "cleanup", Scenarios: []spec.Scenario{
		{Name: "unsubscribe-stops-delivery", Run: unsubscribeStops},
		{Name: "shutdown-twice", Run: shutdownTwice},
	}}
}

func unsubscribeStops(t spec.T, env *spec.Env) {
	inbox := env.Inbox()
	unsubscribe, err := env.Bus.Subscribe(t.Context(), env.Key("orders"), inbox.Put, fixtures.SubscribeOptions{})
	require.NoError(t, err)
	require.NoError(t, unsubscribe(t.Context()))
	require.NoError(t, unsubscribe(t.Context()), "a second unsubscribe must be harmless")

	env.Publish(t, "orders", env.Message("order.created", map[string]any{"order": "A-1"}))
	inbox.ExpectNone(t, "after the unsubscribe")
}

func shutdownTwice(t spec.T, env *spec.Env) {
	own := env.Own(t)
	require.NoError(t, own.KV.Set(t.Context(), "flag", true, 0))
	require.NoError(t, own.Container.Shutdown(t.Context()))
	require.NoError(t, own.Container.Shutdown(t.Context()), "a second shutdown must be harmless")

	_, err := own.KV.Get(t.Context(), "flag", nil)
	assert.Error(t, err, "the connections still answer after the shutdown")
}
