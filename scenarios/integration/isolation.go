package integration

import (
	"context"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func handlerIsolation() spec.Category {
	exposes := []fixtures.Defect{fixtures.HandlerError}
	return spec.Category{Name: "handler isolation", Slug: "isolation", Scenarios: []spec.Scenario{
		{Name: "error-leaves-the-others", Exposes: exposes, Run: errorLeavesOthers},
		{Name: "panic-leaves-the-listener", Exposes: exposes, Run: panicLeavesListener},
		{Name: "slow-handler-leaves-other-topics", Exposes: exposes, Run: slowLeavesOtherTopics},
	}}
}

// errorLeavesOthers puts a handler that fails between two that do not.
func errorLeavesOthers(t spec.T, env *spec.Env) {
	own := env.Own(t)
	before := own.Subscribe(t, "orders")
	own.Handle(t, "orders", func(context.Context, fixtures.Message) error { return errBusy })
	after := own.Subscribe(t, "orders")
	own.Publish(t, "orders", own.Message("order.created", nil))
	own.AwaitAll(t, map[string]*spec.Inbox{"the one before": before, "the one after": after})
}

// panicLeavesListener has a handler that panics with the first of two messages.
func panicLeavesListener(t spec.T, env *spec.Env) {
	own := env.Own(t)
	own.Handle(t, "orders", func(_ context.Context, msg fixtures.Message) error {
		if msg.Envelope.Type == "order.created" {
			panic("no price for this item")
		}
		return nil
	})
	audit := own.Subscribe(t, "orders")
	own.Publish(t, "orders", own.Message("order.created", nil))
	own.Publish(t, "orders", own.Message("order.paid", nil))
	assert.Len(t, audit.Await(t, 2), 2)
}

// slowLeavesOtherTopics has a handler that is at work until the scenario has
// seen a message on another topic.
func slowLeavesOtherTopics(t spec.T, env *spec.Env) {
	own := env.Own(t)
	release := make(chan struct{})
	defer close(release)
	own.Handle(t, "reports", func(ctx context.Context, _ fixtures.Message) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	})
	orders := own.Subscribe(t, "orders")
	own.Publish(t, "reports", own.Message("report.wanted", nil))
	own.Publish(t, "orders", own.Message("order.created", nil))
	orders.Await(t, 1)
}
