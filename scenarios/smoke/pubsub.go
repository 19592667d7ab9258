package smoke

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func pubSub() spec.Category {
	return spec.Category{Name: "pub/sub messaging", Slug: "pubsub", Scenarios: []spec.Scenario{
		{Name: "delivers-to-subscriber", Run: deliversToSubscriber},
		{Name: "delivers-to-both-subscribers", Exposes: []fixtures.Defect{fixtures.MultiSubscriber}, Run: deliversToBoth},
	}}
}

func deliversToSubscriber(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	sent := env.Message("order.created", map[string]any{"order": "A-1"})
	env.Publish(t, "orders", sent)

	got := inbox.Await(t, 1)[0]
	assert.Equal(t, env.Key("orders"), got.Topic)
	assert.Equal(t, sent.ID, got.Envelope.ID)
	assert.Equal(t, sent.Payload, got.Envelope.Payload)
}

// deliversToBoth starts two components that subscribe to the same topic, the
// second a moment after the first, and sends the first message as soon as the
// second one says that it is attached: subscribes to one topic are serialised, so
// then both are.
func deliversToBoth(t spec.T, env *spec.Env) {
	inboxes := map[string]*spec.Inbox{}
	for _, topic := range []string{"orders", "invoices", "parcels", "returns"} {
		billing, audit := env.Inbox(), env.Inbox()
		inboxes[topic+" of billing"], inboxes[topic+" of audit"] = billing, audit

		env.HandleLater(t, topic, billing.Put)
		env.Sleep(t, 10*time.Millisecond)
		env.Handle(t, topic, audit.Put)
		env.Publish(t, topic, env.Message("created", map[string]any{"topic": topic}))
	}
	env.AwaitAll(t, inboxes)
}
