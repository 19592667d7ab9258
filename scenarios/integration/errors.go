package integration

import (
	"context"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func errorHandling() spec.Category {
	return spec.Category{Name: "error handling (bad JSON, handler errors)", Slug: "errors", Scenarios: []spec.Scenario{
		{Name: "bad-json-is-dropped", Run: badJSONDropped},
		{Name: "failed-handler-gets-the-next", Exposes: []fixtures.Defect{fixtures.HandlerError}, Run: failedHandlerGetsNext},
	}}
}

func badJSONDropped(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "orders")
	for _, bad := range []string{"", "not json", `{"msg":`, "{\"msg\":\"\xff\"", `[1,2`} {
		env.PublishRaw(t, "orders", bad)
	}
	good := env.Message("order.created", nil)
	env.Publish(t, "orders", good)

	got := inbox.AwaitExactly(t, 1)
	assert.Equal(t, good.ID, got[0].Envelope.ID)
}

// failedHandlerGetsNext has a handler that fails with each message, and expects
// it, and the one that subscribed after it, to be given all of them.
func failedHandlerGetsNext(t spec.T, env *spec.Env) {
	own := env.Own(t)
	failing := own.Inbox()
	own.Handle(t, "orders", func(ctx context.Context, msg fixtures.Message) error {
		_ = failing.Put(ctx, msg)
		return errBusy
	})
	audit := own.Subscribe(t, "orders")
	for _, typ := range []string{"order.created", "order.paid", "order.shipped"} {
		own.Publish(t, "orders", own.Message(typ, nil))
	}
	assert.Len(t, failing.Await(t, 3), 3)
	assert.Len(t, audit.Await(t, 3), 3)
}
