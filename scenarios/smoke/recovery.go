package smoke

import (
	"context"
	"errors"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func errorRecovery() spec.Category {
	return spec.Category{Name: "error recovery", Slug: "recovery", Scenarios: []spec.Scenario{
		{Name: "handler-error-then-next-message", Exposes: []fixtures.Defect{fixtures.HandlerError}, Run: handlerErrorThenNext},
		{Name: "bad-json-then-next-message", Run: badJSONThenNext},
	}}
}

// handlerErrorThenNext has a handler that fails, and one beside it that must
// see both messages all the same.
func handlerErrorThenNext(t spec.T, env *spec.Env) {
	own := env.Own(t)
	own.Handle(t, "orders", func(context.Context, fixtures.Message) error {
		return errors.New("the billing service is down")
	})
	audit := own.Subscribe(t, "orders")

	own.Publish(t, "orders", own.Message("order.created", map[string]any{"order": "A-1"}))
	own.Publish(t, "orders", own.Message("order.paid", map[string]any{"order": "A-1"}))

	assert.Len(t, audit.Await(t, 2), 2)
}

func badJSONThenNext(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	env.PublishRaw(t, "orders", `{"key":"A-1","msg":{`)
	good := env.Message("order.created", map[string]any{"order": "A-1"})
	env.Publish(t, "orders", good)

	got := inbox.AwaitExactly(t, 1)
	assert.Equal(t, good.ID, got[0].Envelope.ID)
}
