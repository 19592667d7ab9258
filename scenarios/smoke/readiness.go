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

// publishAfterSubscribe is the first thing that two new services do, one after
// the other: subscribe, and send the first message.
func publishAfterSubscribe(t spec.T, env *spec.Env) {
	for _, service := range []string{"shop", "billing"} {
		own := env.Fresh(t)
		inbox := own.Subscribe(t, service)
		own.Publish(t, service, own.Message("service.started", nil))
		inbox.Await(t, 1)
	}
}

// readyMeansSubscribed waits until a new service says that it is ready, and then
// publishes from elsewhere; so for two services.
func readyMeansSubscribed(t spec.T, env *spec.Env) {
	for _, service := range []string{"shop", "billing"} {
		own := env.Fresh(t)
		inbox := own.Subscribe(t, service)
		require.NoError(t, own.Bus.Ready(t.Context()))
		sent := env.Message("service.wanted", nil)
		env.Publish(t, service, sent)
		assert.Equal(t, sent.ID, inbox.Await(t, 1)[0].Envelope.ID)
	}
}
