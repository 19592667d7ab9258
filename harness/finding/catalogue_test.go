package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestCatalogueMergesOneCause(t *testing.T) {
	c := NewCatalogue()
	weak := harness.Finding{ID: "F-1", Fingerprint: "x", Class: harness.RaceLostUpdate, Standing: harness.Natural, Tests: []string{"b"}, Natural: harness.Count{K: 2}}
	strong := harness.Finding{
		ID: "F-1", Fingerprint: "x", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Tests: []string{"a"},
		Provoked: harness.Count{K: 3, N: 3}, Counter: harness.Count{N: 3}, Schedule: harness.Schedule{Decisions: make([]harness.Decision, 1)},
	}
	assert.True(t, c.Add(weak))
	assert.False(t, c.Add(strong))
	assert.False(t, c.Add(weak))
	assert.True(t, c.Add(harness.Finding{ID: "F-2", Fingerprint: "y", Tests: []string{"c"}}))
	all := c.All()
	require.Len(t, all, 2)
	got := all[0]
	assert.Equal(t, []string{"a", "b"}, got.Tests, "the test of the stronger proof is the one to replay")
	assert.Equal(t, harness.Natural, got.Standing)
	assert.Equal(t, 4, got.Natural.K)
	assert.Equal(t, harness.Count{K: 3, N: 3}, got.Provoked)
}

func TestFingerprintsNameTheCauseNotTheKeys(t *testing.T) {
	set := harness.Point{Role: "base", Verb: "SET", Key: "a", N: 1}
	get := harness.Point{Role: "base", Verb: "GET", Key: "a", N: 2}
	other := harness.Point{Role: "base", Verb: "SET", Key: "b", N: 7}
	assert.Equal(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceLostUpdate, other, get))
	assert.NotEqual(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceLostUpdate, get, set))
	assert.NotEqual(t, Fingerprint(harness.RaceLostUpdate, set, get), Fingerprint(harness.RaceCheckThenAct, set, get))
}

func TestCatalogueKeepsWhatWasShown(t *testing.T) {
	c := NewCatalogue()
	shown := harness.Finding{Fingerprint: "cafe", ID: "F-cafe", Class: harness.OrderMessages, Standing: harness.Provoked, Tests: []string{"a"},
		Failure: harness.Failure{Fingerprint: "f1"}, Provoked: harness.Count{K: 3, N: 3}, Counter: harness.Count{N: 3}}
	predicted := harness.Finding{Fingerprint: "cafe", ID: "F-cafe", Class: harness.OrderMessages, Standing: harness.Latent, Tests: []string{"b"}}
	other := harness.Finding{Fingerprint: "beef", ID: "F-beef", Class: harness.ConnectionLost, Standing: harness.Latent, Tests: []string{"a", "b", "c"}}
	merged := shown
	merged.Tests, merged.Failure.Fingerprint = []string{"d"}, "f2"
	assert.True(t, c.Add(shown))
	assert.False(t, c.Add(predicted))
	assert.False(t, c.Add(merged))
	assert.True(t, c.Add(other))
	list := c.All()
	require.Len(t, list, 2)
	assert.Equal(t, []string{"a", "d"}, list[0].Tests, "nothing was seen in b")
	assert.Equal(t, harness.Provoked, list[0].Standing)
	assert.Equal(t, harness.Latent, list[1].Standing, "last, although it is in more tests")

	f, ok := c.Whose(FailureKey{"d", "f2"})
	require.True(t, ok, "a failure that says the same in that test is of that cause")
	assert.Equal(t, "cafe", f.Fingerprint)
	_, ok = c.Whose(FailureKey{"d", "f1"})
	assert.False(t, ok)
}

// TestOneCauseHasOneFingerprint: however the hunt came upon it.
func TestOneCauseHasOneFingerprint(t *testing.T) {
	sub := harness.Point{Role: "sub", Verb: "SUBSCRIBE", Key: "a", N: 1}
	again := harness.Point{Role: "sub", Verb: "SUBSCRIBE", Key: "a", N: 2}
	publish := harness.Point{Role: "pub", Verb: "PUBLISH", Key: "a", N: 1}
	set := harness.Point{Role: "base", Verb: "SET", Key: "x", N: 1}
	get := harness.Point{Role: "base", Verb: "GET", Key: "x", N: 1}
	message := harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "pmessage", Key: "a", N: 2}

	assert.Equal(t, Fingerprint(harness.RaceDuplicateSubscribe, sub, publish), Fingerprint(harness.RaceDuplicateSubscribe, sub.Reply(), again))
	assert.Equal(t, Fingerprint(harness.OrderMessages, set, message), Fingerprint(harness.OrderMessages, get, message))
	byName := message
	byName.Verb = "message"
	assert.Equal(t, Fingerprint(harness.OrderMessages, set, message), Fingerprint(harness.OrderMessages, set, byName))
	assert.NotEqual(t, Fingerprint(harness.OrderMessages, set, message), Fingerprint(harness.OrderMessages, publish, publish), "two publishers are another cause")
	assert.NotEqual(t, Fingerprint(harness.RaceSubscribePublish, sub, publish), Fingerprint(harness.RaceSubscribePublish, sub.Reply(), publish))
}
