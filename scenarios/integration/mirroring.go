package integration

import (
	"encoding/json"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func mirroring() spec.Category {
	return spec.Category{Name: "stream mirroring", Slug: "mirroring", Scenarios: []spec.Scenario{
		{Name: "delivered-and-kept", Run: deliveredAndKept},
		{Name: "only-when-asked", Run: onlyWhenAsked},
		{Name: "kept-without-subscribers", Run: keptWithoutSubscribers},
	}}
}

var mirrored = fixtures.PublishOptions{Key: "customer-7", Mirror: true}

// entry is a message as a stream keeps it.
type entry struct {
	Key      string            `json:"key"`
	Envelope fixtures.Envelope `json:"msg"`
}

// streamed reads the stream of the scenario's topic.
func streamed(t spec.T, env *spec.Env, topic string) []entry {
	t.Helper()
	raw, err := env.Suite.Base.XRange(t.Context(), fixtures.StreamKey(env.Key(topic)), "-", "+").Result()
	require.NoError(t, err, "read the stream of %s", topic)
	list := make([]entry, len(raw))
	for i, e := range raw {
		data, _ := e.Values["data"].(string)
		require.NoError(t, json.Unmarshal([]byte(data), &list[i]), "entry %d of the stream of %s is %v", i, topic, e.Values)
	}
	return list
}

func deliveredAndKept(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	sent := env.Message("order.created", map[string]any{"order": "A-1"})
	env.Publish(t, "orders", sent, mirrored)

	assert.Equal(t, sent.ID, inbox.Await(t, 1)[0].Envelope.ID)
	kept := streamed(t, env, "orders")
	require.Len(t, kept, 1)
	assert.Equal(t, sent.ID, kept[0].Envelope.ID)
	assert.Equal(t, sent.Payload, kept[0].Envelope.Payload)
	assert.Equal(t, "customer-7", kept[0].Key)
}

func onlyWhenAsked(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	env.Publish(t, "orders", env.Message("order.created", nil))
	inbox.Await(t, 1)
	assert.Empty(t, streamed(t, env, "orders"), "a message was kept although nobody asked for it")
}

func keptWithoutSubscribers(t spec.T, env *spec.Env) {
	first, second := env.Message("order.created", nil), env.Message("order.paid", nil)
	env.Publish(t, "orders", first, mirrored)
	env.Publish(t, "orders", second, mirrored)

	kept := streamed(t, env, "orders")
	require.Len(t, kept, 2)
	assert.Equal(t, first.ID, kept[0].Envelope.ID)
	assert.Equal(t, second.ID, kept[1].Envelope.ID)
}
