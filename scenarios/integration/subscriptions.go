package integration

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func subscriptions() spec.Category {
	return spec.Category{Name: "subscription management (concurrent subscribe, dedup, unsubscribe)", Slug: "subscriptions", Scenarios: []spec.Scenario{
		{Name: "concurrent-subscribers-all-attached", Exposes: []fixtures.Defect{fixtures.MultiSubscriber}, Run: concurrentAllAttached},
		{Name: "concurrent-subscribe-handles-once", Exposes: []fixtures.Defect{fixtures.DuplicateSubscribe}, Run: concurrentHandlesOnce},
		{Name: "last-unsubscribe-ends-the-topic", Run: lastUnsubscribeEnds},
		{Name: "subscribe-again", Run: subscribeAgain},
	}}
}

// concurrentAllAttached starts two components for each of five regions, the
// second a moment after the first, and publishes as soon as the second says that
// it is attached: subscribes to one topic are serialised, so then both are.
func concurrentAllAttached(t spec.T, env *spec.Env) {
	inboxes := map[string]*spec.Inbox{}
	for _, region := range []string{"north", "east", "south", "west", "sea"} {
		stock, audit := env.Inbox(), env.Inbox()
		inboxes["stock of "+region], inboxes["audit of "+region] = stock, audit

		env.HandleLater(t, region, stock.Put)
		env.Sleep(t, 10*time.Millisecond)
		env.Handle(t, region, audit.Put)
		env.Publish(t, region, env.Message("stock.counted", nil))
	}
	env.AwaitAll(t, inboxes)
}

// concurrentHandlesOnce has two components subscribe to a topic, the second
// 20 ms after the first, and sends it a message when both are attached.
func concurrentHandlesOnce(t spec.T, env *spec.Env) {
	var boxes []*spec.Inbox
	for _, topic := range []string{"orders", "invoices"} {
		billing, audit := env.Inbox(), env.Inbox()
		boxes = append(boxes, billing, audit)

		attached := env.HandleLater(t, topic, billing.Put)
		env.Sleep(t, 20*time.Millisecond)
		env.Handle(t, topic, audit.Put)
		env.AwaitClosed(t, attached, "the first subscribe")
		env.Publish(t, topic, env.Message("created", nil))
	}
	for _, box := range boxes {
		box.Await(t, 1)
	}
	env.WatchForStray(t)
	for i, box := range boxes {
		assert.Len(t, box.Received(), 1, "subscriber %d handled its one message %d times", i+1, len(box.Received()))
	}
}

func lastUnsubscribeEnds(t spec.T, env *spec.Env) {
	first, second := env.Inbox(), env.Inbox()
	leaveFirst, err := env.Bus.Subscribe(t.Context(), env.Key("orders"), first.Put, fixtures.SubscribeOptions{})
	require.NoError(t, err)
	leaveSecond, err := env.Bus.Subscribe(t.Context(), env.Key("orders"), second.Put, fixtures.SubscribeOptions{})
	require.NoError(t, err)

	require.NoError(t, leaveFirst(t.Context()))
	env.Publish(t, "orders", env.Message("order.created", nil))
	second.Await(t, 1)

	require.NoError(t, leaveSecond(t.Context()))
	env.Publish(t, "orders", env.Message("order.paid", nil))
	env.WatchForStray(t)
	assert.Empty(t, first.Received(), "the first subscriber was given a message after it left")
	assert.Len(t, second.Received(), 1, "the second subscriber was given a message after it left")
}

func subscribeAgain(t spec.T, env *spec.Env) {
	before := env.Inbox()
	leave, err := env.Bus.Subscribe(t.Context(), env.Key("orders"), before.Put, fixtures.SubscribeOptions{})
	require.NoError(t, err)
	require.NoError(t, leave(t.Context()))

	after := env.Subscribe(t, "orders")
	env.Publish(t, "orders", env.Message("order.created", nil))
	after.AwaitExactly(t, 1)
	before.ExpectNone(t, "after the subscriber left")
}
