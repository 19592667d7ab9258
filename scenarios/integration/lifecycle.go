package integration

import (
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func lifecycle() spec.Category {
	return spec.Category{Name: "suite lifecycle (connect, reconnect, disconnect)", Slug: "lifecycle", Scenarios: []spec.Scenario{
		{Name: "three-connections-answer", Run: threeConnections},
		{Name: "disconnect-twice", Run: disconnectTwice},
		{Name: "connect-again", Run: connectAgain},
	}}
}

// connect makes a suite that is disconnected with the scenario.
func connect(t spec.T, env *spec.Env) *fixtures.Suite {
	t.Helper()
	suite, err := fixtures.NewSuite(t.Context(), env.Redis)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := spec.TearDown(t)
		defer cancel()
		if err := suite.Disconnect(ctx); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return suite
}

func threeConnections(t spec.T, env *spec.Env) {
	suite := connect(t, env)
	for _, client := range []*redis.Client{suite.Base, suite.Pub, suite.Sub} {
		assert.NoError(t, client.Ping(t.Context()).Err(), "the connection %s does not answer", client.Options().ClientName)
	}
	assert.NotSame(t, suite.Pub, suite.Sub)
	assert.NotSame(t, suite.Base, suite.Pub)
}

// disconnectTwice disconnects a suite of which one connection is gone already.
func disconnectTwice(t spec.T, env *spec.Env) {
	suite := connect(t, env)
	require.NoError(t, suite.Pub.Close())
	require.NoError(t, suite.Disconnect(t.Context()), "a connection that is gone must not matter")
	require.NoError(t, suite.Disconnect(t.Context()), "a second disconnect must be harmless")
	assert.Error(t, suite.Base.Ping(t.Context()).Err(), "a connection still answers after the disconnect")
}

// connectAgain writes over one suite, disconnects it, and goes on over another.
func connectAgain(t spec.T, env *spec.Env) {
	first := env.Own(t)
	require.NoError(t, first.KV.Set(t.Context(), "progress", 42, 0))
	require.NoError(t, first.Container.Shutdown(t.Context()))

	second := env.Own(t)
	var progress int
	found, err := second.KV.Get(t.Context(), "progress", &progress)
	require.NoError(t, err)
	require.True(t, found, "what the first connection wrote is gone")
	assert.Equal(t, 42, progress)

	inbox := second.Subscribe(t, "orders")
	second.Publish(t, "orders", second.Message("order.created", nil))
	inbox.Await(t, 1)
}
