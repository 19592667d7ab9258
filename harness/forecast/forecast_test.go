package forecast

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

func TestPredict(t *testing.T) {
	ms := func(n int) harness.Duration { return harness.Duration(time.Duration(n) * time.Millisecond) }
	at := func(verb string) harness.Point { return harness.Point{Role: "base", Verb: verb, Key: "k", N: 1} }
	dist, err := stats.ParseDistribution("uniform(0ms,100ms)")
	require.NoError(t, err)
	got := Predict([]harness.Margin{
		{Test: "two", At: at("SET"), Size: ms(50)},
		{Test: "two", At: at("GET"), Size: ms(80)},
		{Test: "kept", At: at("SET"), Size: ms(1), Ordered: true},
		{Test: "refuted", At: at("SET"), Size: ms(1), Predicted: true},
		{Test: "refuted", At: at("SET"), Size: ms(90)},
		{Test: "wide", At: at("SET"), Size: ms(1000)},
	}, dist)
	require.Len(t, got, 3)
	assert.Equal(t, "two", got[0].Test)
	assert.InDelta(t, 0.6, got[0].Rate, 1e-9) // 1 - (1-0.5)(1-0.2)
	assert.InDelta(t, 0.5, dist.Exceeds(time.Duration(got[0].Worst.Size)), 1e-9)
	assert.Equal(t, "SET", got[0].Worst.At.Verb)
	assert.Equal(t, "refuted", got[1].Test)
	assert.InDelta(t, 0.1, got[1].Rate, 1e-9)
	assert.Zero(t, got[2].Rate)
	assert.Empty(t, Predict(nil, dist))
}
