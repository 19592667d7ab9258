package smoke

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

func envelopeFormat() spec.Category {
	return spec.Category{Name: "envelope format", Slug: "envelope", Scenarios: []spec.Scenario{
		{Name: "creation-fills-in", NoRedis: true, Run: creationFillsIn},
		{Name: "raw-payload-keeps-its-shape", Exposes: []fixtures.Defect{fixtures.EnvelopeUnwrap}, Run: rawKeepsShape},
	}}
}

func creationFillsIn(t spec.T, env *spec.Env) {
	before := time.Now()
	a := env.Message("order.created", map[string]any{"order": "A-1"})
	b := env.Message("order.created", map[string]any{"order": "A-1"})

	require.NoError(t, a.Validate())
	assert.NotEmpty(t, a.ID)
	assert.NotEqual(t, a.ID, b.ID, "two envelopes share an id")
	assert.Equal(t, 1, a.Attempt)
	assert.WithinRange(t, a.Timestamp, before.Add(-time.Millisecond), time.Now().Add(time.Millisecond))
}

// rawKeepsShape publishes a log record, not an envelope, that happens to have a
// field called msg.
func rawKeepsShape(t spec.T, env *spec.Env) {
	inbox := env.Subscribe(t, "logs")
	env.PublishRaw(t, "logs", `{"level":"warn","msg":"disk is nearly full"}`)

	got := inbox.Await(t, 1)[0]
	assert.JSONEq(t, `{"level":"warn","msg":"disk is nearly full"}`, string(got.Raw))
}
