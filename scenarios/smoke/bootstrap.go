package smoke

import (
	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func bootstrap() spec.Category {
	return spec.Category{Name: "bootstrap and container", Slug: "bootstrap", Scenarios: []spec.Scenario{
		{Name: "every-part-is-healthy", Run: everyPartHealthy},
		{Name: "parts-can-be-switched-off", Run: partsSwitchedOff},
		{Name: "first-message-after-start", Exposes: []fixtures.Defect{fixtures.ListenerNotReady}, Run: firstMessageAfterStart},
	}}
}

func everyPartHealthy(t spec.T, env *spec.Env) {
	health := env.Container.Health(t.Context())
	for _, part := range []string{"base", "pub", "bus", "kv", "idempotency", "retry"} {
		assert.Equal(t, fixtures.StateOK, health[part].State, "%s: %v", part, health[part].Err)
	}
	assert.True(t, health.OK())
}

func partsSwitchedOff(t spec.T, env *spec.Env) {
	own := env.Own(t, func(c *fixtures.Config) {
		c.Plan.Bus, c.Plan.Idempotency = new(false), new(false)
	})
	assert.Nil(t, own.Container.Bus, "the bus was built although it was switched off")
	assert.Nil(t, own.Container.Idempotency, "idempotency was built although it was switched off")

	health := own.Container.Health(t.Context())
	assert.Equal(t, fixtures.StateOff, health["bus"].State)
	assert.Equal(t, fixtures.StateOK, health["kv"].State)
	assert.True(t, health.OK(), "a part that is off is not a part that failed")
}

// firstMessageAfterStart is a service that starts, and a moment later sends
// itself its first message.
func firstMessageAfterStart(t spec.T, env *spec.Env) {
	own := env.Fresh(t)
	inbox := own.Subscribe(t, "commands")
	env.Sleep(t, moment)
	sent := own.Message("service.started", map[string]any{"service": "shop"})
	own.Publish(t, "commands", sent)
	assert.Equal(t, sent.ID, inbox.Await(t, 1)[0].Envelope.ID)
}
