package integration

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func endToEnd() spec.Category {
	return spec.Category{Name: "end-to-end flow", Slug: "flow", Scenarios: []spec.Scenario{
		{Name: "order-is-confirmed", Run: orderConfirmed},
		{Name: "repeated-order-is-booked-once", Run: repeatedOrderOnce},
	}}
}

// orderConfirmed sends an order through all parts: bus, idempotency, store, and
// the bus again.
func orderConfirmed(t spec.T, env *spec.Env) {
	confirmations := env.Subscribe(t, "confirmations")
	env.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		_, err := env.Idempotency.Once(ctx, msg.Envelope.ID, time.Minute, func(ctx context.Context) error {
			if err := env.KV.Set(ctx, "order-A-1", "confirmed", 0); err != nil {
				return err
			}
			answer := env.Message("order.confirmed", msg.Envelope.Payload, fixtures.WithCause(msg.Envelope))
			_, err := env.Bus.Publish(ctx, env.Key("confirmations"), answer, fixtures.PublishOptions{})
			return err
		})
		return err
	})
	order := env.Message("order.created", map[string]any{"order": "A-1"},
		fixtures.WithID(env.Key("order-A-1")), fixtures.WithTrace("trace-7"))
	env.Publish(t, "orders", order)

	got := confirmations.AwaitAfter(t, 4, 1)[0].Envelope
	assert.Equal(t, order.ID, got.CorrelationID)
	assert.Equal(t, "trace-7", got.TraceID)
	var status string
	_, err := env.KV.Get(t.Context(), "order-A-1", &status)
	require.NoError(t, err)
	assert.Equal(t, "confirmed", status)
}

// repeatedOrderOnce sends the same order twice, one after the other, and then
// another one: when that is booked, so are those before it.
func repeatedOrderOnce(t spec.T, env *spec.Env) {
	booked := env.Inbox()
	env.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		_, err := env.Idempotency.Once(ctx, msg.Envelope.ID, time.Minute, func(ctx context.Context) error {
			return booked.Put(ctx, msg)
		})
		return err
	})
	first := env.Message("order.created", nil, fixtures.WithID(env.Key("order-A-1")))
	second := env.Message("order.created", nil, fixtures.WithID(env.Key("order-A-2")))
	for _, order := range []fixtures.Envelope{first, first, second} {
		env.Publish(t, "orders", order)
	}

	got := booked.AwaitAfter(t, 6, 2)
	require.Len(t, got, 2)
	ids := []string{got[0].Envelope.ID, got[1].Envelope.ID}
	assert.ElementsMatch(t, []string{first.ID, second.ID}, ids)
}
