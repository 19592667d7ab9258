package integration

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func messageBus() spec.Category {
	return spec.Category{Name: "message bus (pub/sub)", Slug: "bus", Scenarios: []spec.Scenario{
		{Name: "topic-gets-only-its-own", Run: topicGetsOnlyItsOwn},
		{Name: "key-and-payload-travel", Run: keyAndPayloadTravel},
		{Name: "publish-counts-receivers", Run: publishCountsReceivers},
		{Name: "close-waits-for-handlers", Run: closeWaitsForHandlers},
	}}
}

func topicGetsOnlyItsOwn(t spec.T, env *spec.Env) {
	orders, invoices := env.Subscribe(t, "orders"), env.Subscribe(t, "invoices")
	env.Publish(t, "orders", env.Message("order.created", nil))

	assert.Equal(t, "order.created", orders.Await(t, 1)[0].Envelope.Type)
	invoices.ExpectNone(t, "on a topic to which nobody published")
}

func keyAndPayloadTravel(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	payload := map[string]any{"order": "A-1", "lines": []any{map[string]any{"item": "tea", "count": 2.0}}}
	env.Publish(t, "orders", env.Message("order.created", payload), fixtures.PublishOptions{Key: "customer-7"})

	got := inbox.Await(t, 1)[0]
	assert.Equal(t, "customer-7", got.Key)
	assert.Equal(t, payload, got.Envelope.Payload)
}

func publishCountsReceivers(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	n := env.Publish(t, "orders", env.Message("order.created", nil))
	assert.Positive(t, n, "no Redis client received the message")
	inbox.Await(t, 1)
}

// closeWaitsForHandlers closes the bus while a handler is at work for 50 ms.
func closeWaitsForHandlers(t spec.T, env *spec.Env) {
	own := env.Own(t)
	started, finished := make(chan struct{}), atomic.Bool{}
	own.Handle(t, "orders", func(context.Context, fixtures.Message) error {
		close(started)
		time.Sleep(50 * time.Millisecond)
		finished.Store(true)
		return nil
	})
	own.Publish(t, "orders", own.Message("order.created", nil))
	own.AwaitClosed(t, started, "the handler to begin")

	require.NoError(t, own.Bus.Close(t.Context()))
	assert.True(t, finished.Load(), "Close returned while a handler was still at work")
}
