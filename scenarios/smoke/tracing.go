package smoke

import (
	"context"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func tracing() spec.Category {
	return spec.Category{Name: "correlation and tracing", Slug: "tracing", Scenarios: []spec.Scenario{
		{Name: "ids-cross-the-bus", Run: idsCrossTheBus},
		{Name: "reply-keeps-correlation", Run: replyKeepsCorrelation},
	}}
}

func idsCrossTheBus(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	sent := env.Message("order.created", map[string]any{"order": "A-1"})
	sent.CorrelationID, sent.TraceID, sent.Source = "checkout-7", "trace-7", "shop"
	sent.Headers = map[string]string{"tenant": "north"}
	env.Publish(t, "orders", sent)

	got := inbox.Await(t, 1)[0].Envelope
	assert.Equal(t, "checkout-7", got.CorrelationID)
	assert.Equal(t, "trace-7", got.TraceID)
	assert.Equal(t, "shop", got.Source)
	assert.Equal(t, map[string]string{"tenant": "north"}, got.Headers)
}

func replyKeepsCorrelation(t spec.T, env *spec.Env) {
	replies := env.Subscribe(t, "replies")
	env.Handle(t, "requests", func(ctx context.Context, msg fixtures.Message) error {
		reply := env.Message("price.answer", map[string]any{"cents": 995.0})
		reply.CorrelationID, reply.TraceID = msg.Envelope.CorrelationID, msg.Envelope.TraceID
		_, err := env.Bus.Publish(ctx, env.Key("replies"), reply, fixtures.PublishOptions{})
		return err
	})
	request := env.Message("price.question", map[string]any{"item": "tea"})
	request.CorrelationID, request.TraceID = "basket-3", "trace-3"
	env.Publish(t, "requests", request)

	reply := replies.AwaitAfter(t, 1, 1)[0].Envelope
	assert.Equal(t, "basket-3", reply.CorrelationID)
	assert.Equal(t, "trace-3", reply.TraceID)
	assert.NotEqual(t, request.ID, reply.ID)
}
