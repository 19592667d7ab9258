package smoke

import (
	"time"

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

// services start one after another. Each needs a moment after it has subscribed,
// which on a good network is time enough for the subscription to take effect.
var services = []string{"shop", "billing", "shipping"}

const moment = 10 * time.Millisecond

// publishAfterSubscribe is the first thing that a new service does: it
// subscribes, and sends the first message.
func publishAfterSubscribe(t spec.T, env *spec.Env) {
	for _, service := range services {
		own := env.Fresh(t)
		inbox := own.Subscribe(t, service)
		env.Sleep(t, moment)
		own.Publish(t, service, own.Message("service.started", nil))
		inbox.Await(t, 1)
	}
}

// readyMeansSubscribed waits until a new service says that it is ready, and then
// publishes from elsewhere.
func readyMeansSubscribed(t spec.T, env *spec.Env) {
	for _, service := range services {
		own := env.Fresh(t)
		inbox := own.Subscribe(t, service)
		require.NoError(t, own.Bus.Ready(t.Context()))
		env.Sleep(t, moment)
		sent := env.Message("service.wanted", nil)
		env.Publish(t, service, sent)
		assert.Equal(t, sent.ID, inbox.Await(t, 1)[0].Envelope.ID)
	}
}
