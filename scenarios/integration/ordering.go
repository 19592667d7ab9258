package integration

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func ordering() spec.Category {
	exposes := []fixtures.Defect{fixtures.NoOrder}
	return spec.Category{Name: "message ordering", Slug: "ordering", Scenarios: []spec.Scenario{
		{Name: "one-publisher", Exposes: exposes, Run: onePublisher},
		{Name: "each-of-two-topics", Exposes: exposes, Run: eachOfTwoTopics},
		{Name: "last-state-wins", Exposes: exposes, Run: lastStateWins},
		{Name: "stream-keeps-publish-order", Run: streamKeepsOrder},
	}}
}

// pause is what a publisher leaves between two messages.
const pause = 20 * time.Millisecond

var orderEvents = []string{"order.created", "order.paid", "order.shipped"}

// events of an order that is withdrawn at once
var withdrawal = []string{"order.created", "order.withdrawn"}

// opening is what handlers do for the first message about an order, which needs
// more than those that follow: the order, and a number for it.
func opening(ctx context.Context, env *spec.Env, order string) error {
	if err := env.KV.Set(ctx, order, "open", 0); err != nil {
		return err
	}
	_, err := env.KV.Incr(ctx, "orders")
	return err
}

// publishEvents sends events to the topics, in order.
func publishEvents(t spec.T, env *spec.Env, events []string, topics ...string) {
	t.Helper()
	for _, typ := range events {
		for _, topic := range topics {
			env.Publish(t, topic, env.Message(typ, nil))
		}
		env.Sleep(t, pause)
	}
}

func types(messages []fixtures.Message) []string {
	list := make([]string, len(messages))
	for i, m := range messages {
		list[i] = m.Envelope.Type
	}
	return list
}

func onePublisher(t spec.T, env *spec.Env) {
	handled := env.Inbox()
	env.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		if msg.Envelope.Type == "order.created" {
			if err := opening(ctx, env, "order-A-1"); err != nil {
				return err
			}
		}
		return handled.Put(ctx, msg)
	})
	publishEvents(t, env, orderEvents, "orders")
	assert.Equal(t, orderEvents, types(handled.AwaitAfter(t, 2, 3)), "events were handled in another order than published")
}

func eachOfTwoTopics(t spec.T, env *spec.Env) {
	topics := []string{"orders-north", "orders-south"}
	handled := make([]*spec.Inbox, len(topics))
	for i, topic := range topics {
		box := env.Inbox()
		handled[i] = box
		env.Handle(t, topic, func(ctx context.Context, msg fixtures.Message) error {
			if msg.Envelope.Type == "order.created" {
				if err := opening(ctx, env, topic); err != nil {
					return err
				}
			}
			return box.Put(ctx, msg)
		})
	}
	publishEvents(t, env, orderEvents, topics...)
	for i, box := range handled {
		assert.Equal(t, orderEvents, types(box.AwaitAfter(t, 2, 3)), "events on %s were handled in another order than published", topics[i])
	}
}

// lastStateWins lets each event of an order that is withdrawn at once write the
// order's state, and expects that of the last event in the end.
func lastStateWins(t spec.T, env *spec.Env) {
	handled := env.Inbox()
	env.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		if msg.Envelope.Type == "order.created" {
			if err := opening(ctx, env, "order-A-1"); err != nil {
				return err
			}
		}
		if err := env.KV.Set(ctx, "state-A-1", msg.Envelope.Type, 0); err != nil {
			return err
		}
		return handled.Put(ctx, msg)
	})
	publishEvents(t, env, withdrawal, "orders")
	handled.AwaitAfter(t, 4, 2)

	var state string
	_, err := env.KV.Get(t.Context(), "state-A-1", &state)
	require.NoError(t, err)
	assert.Equal(t, "order.withdrawn", state, "the last event published is not the last one that took effect")
}

func streamKeepsOrder(t spec.T, env *spec.Env) {
	var want []string
	for i := range 5 {
		message := env.Message("order.created", nil, fixtures.WithID(fmt.Sprintf("order-%d", i)))
		want = append(want, message.ID)
		env.Publish(t, "orders", message, fixtures.PublishOptions{Mirror: true})
	}
	var got []string
	for _, entry := range streamed(t, env, "orders") {
		got = append(got, entry.Envelope.ID)
	}
	assert.Equal(t, want, got, "the stream has the messages in another order than published")
}
