package integration

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func envelopeFormat() spec.Category {
	exposes := []fixtures.Defect{fixtures.EnvelopeUnwrap}
	return spec.Category{Name: "envelope format, retry handling", Slug: "envelope", Scenarios: []spec.Scenario{
		{Name: "next-attempt-keeps-ids", NoRedis: true, Run: nextAttemptKeepsIDs},
		{Name: "validation-names-the-field", NoRedis: true, Run: validationNamesField},
		{Name: "null-message-stays-null", Exposes: exposes, Run: nullStaysNull},
		{Name: "retry-raises-the-attempt", Run: retryRaisesAttempt},
		{Name: "exhausted-goes-to-dead-letter", Run: exhaustedToDeadLetter},
	}}
}

func nextAttemptKeepsIDs(t spec.T, env *spec.Env) {
	first := env.Message("order.created", map[string]any{"order": "A-1"},
		fixtures.WithCorrelation("checkout-7"), fixtures.WithTrace("trace-7"), fixtures.WithHeader("tenant", "north"))
	second := first.NextAttempt()
	second.Headers["tenant"] = "south"

	assert.Equal(t, 1, first.Attempt)
	assert.Equal(t, 2, second.Attempt)
	assert.Equal(t, first.ID, second.ID)
	assert.Equal(t, "checkout-7", second.CorrelationID)
	assert.Equal(t, "trace-7", second.TraceID)
	assert.Equal(t, "north", first.Headers["tenant"], "the attempts share their headers")
}

func validationNamesField(t spec.T, env *spec.Env) {
	for field, spoil := range map[string]func(*fixtures.Envelope){
		"id":        func(e *fixtures.Envelope) { e.ID = "" },
		"type":      func(e *fixtures.Envelope) { e.Type = "" },
		"timestamp": func(e *fixtures.Envelope) { e.Timestamp = time.Time{} },
		"attempt":   func(e *fixtures.Envelope) { e.Attempt = 0 },
	} {
		message := env.Message("order.created", nil)
		spoil(&message)
		var wrong *fixtures.FieldError
		require.ErrorAs(t, message.Validate(), &wrong, "an envelope with a bad %s", field)
		assert.Equal(t, field, wrong.Field)
	}
}

// nullStaysNull publishes the null that says, by convention, that the thing
// with that key is gone.
func nullStaysNull(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "customers")
	env.Publish(t, "customers", nil, fixtures.PublishOptions{Key: "customer-7"})

	got := inbox.Await(t, 1)[0]
	assert.Equal(t, "customer-7", got.Key)
	assert.JSONEq(t, `null`, string(got.Raw), "the handler was given an object instead of null")
}

// retryRaisesAttempt has a handler that asks for the message again until its
// third attempt.
func retryRaisesAttempt(t spec.T, env *spec.Env) {
	retrier := fixtures.NewRetrier(quick(5), env.Bus)
	done := env.Subscribe(t, "done")
	env.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		return retrier.Handle(ctx, msg.Topic, msg.Envelope, func(ctx context.Context, e fixtures.Envelope) error {
			if e.Attempt < 3 {
				return errBusy
			}
			_, err := env.Bus.Publish(ctx, env.Key("done"), e, fixtures.PublishOptions{})
			return err
		})
	})
	sent := env.Message("order.created", nil, fixtures.WithCorrelation("checkout-7"))
	env.Publish(t, "orders", sent)

	got := done.AwaitAfter(t, 1, 1)[0].Envelope
	assert.Equal(t, sent.ID, got.ID)
	assert.Equal(t, 3, got.Attempt)
	assert.Equal(t, "checkout-7", got.CorrelationID)
}

func exhaustedToDeadLetter(t spec.T, env *spec.Env) {
	graveyard := env.Inbox()
	unsubscribe, err := env.Bus.Subscribe(t.Context(), fixtures.DeadLetterTopic(env.Key("orders")), graveyard.Put, fixtures.SubscribeOptions{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, unsubscribe(t.Context())) }()

	sent := env.Message("order.created", map[string]any{"order": "A-1"})
	err = fixtures.NewRetrier(quick(3), env.Bus).Handle(t.Context(), env.Key("orders"), sent,
		func(context.Context, fixtures.Envelope) error { return errBusy })
	require.ErrorIs(t, err, fixtures.ErrExhausted)

	got := graveyard.Await(t, 1)[0].Envelope
	assert.Equal(t, sent.ID, got.ID)
	assert.Equal(t, 3, got.Attempt)
	assert.Equal(t, sent.Payload, got.Payload)
}
