package smoke

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func readiness() spec.Category {
	exposes := []fixtures.Defect{fixtures.ListenerNotReady}
	return spec.Category{Name: "listener readiness", Slug: "listener", Scenarios: []spec.Scenario{
		{Name: "publish-right-after-subscribe", Exposes: exposes, Run: publishAfterSubscribe},
		{Name: "ready-means-subscribed", Exposes: exposes, Run: readyMeansSubscribed},
	}}
}

// publishAfterSubscribe is the first thing that a new service does: subscribe,
// and send the first message.
func publishAfterSubscribe(t spec.T, env *spec.Env) {
	own := env.Fresh(t)
	inbox := own.Subscribe(t, "orders")
	own.Publish(t, "orders", own.Message("order.created", map[string]any{"order": "A-1"}))
	inbox.Await(t, 1)
}

// readyMeansSubscribed waits for Ready, and then publishes from elsewhere.
func readyMeansSubscribed(t spec.T, env *spec.Env) {
	own := env.Fresh(t)
	inbox := own.Subscribe(t, "orders")
	require.NoError(t, own.Bus.Ready(t.Context()))
	sent := env.Message("order.created", map[string]any{"order": "A-1"})
	env.Publish(t, "orders", sent)
	assert.Equal(t, sent.ID, inbox.Await(t, 1)[0].Envelope.ID)
}
