package harness

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMadeUp(t *testing.T) {
	for _, w := range []string{
		"TestOrdersOfCustomer12", "WithoutShouldStopOnReadErrors", "subscriberReadOnlyReplica", "XMLHTTPRequestHandler",
		"averyveryverylongword", "AVERYVERYVERYLONGWORD", "GetUserByIDAndTenantID", "Q4x7", "",
	} {
		require.False(t, MadeUp(w), w)
	}
	for _, w := range []string{"GWGzLeKq6krFRMGzHvUdBY", "s8pS3FQRH3ZcDLdBq5TERc", "4evXEYjwhDJNj6EHgSH5k9", "V1StGXR8Z5jdHi6BmyT"} {
		require.True(t, MadeUp(w), w)
		require.True(t, MadeUp([]byte(w)), w)
	}
}

// Of 10,000 short UUIDs few are taken for names. The seed is fixed, so chance has
// no part in it.
func TestMadeUpMissesFew(t *testing.T) {
	const letters, n = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	missed := 0
	for range n {
		w := make([]byte, 22)
		for i := range w {
			w[i] = letters[rng.IntN(len(letters))]
		}
		if !MadeUp(w) {
			missed++
		}
	}
	t.Logf("%d of %d missed", missed, n)
	require.Less(t, missed, 500)
}

func TestULID(t *testing.T) {
	for w, want := range map[string]bool{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV": true, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ": true,
		"8ZZZZZZZZZZZZZZZZZZZZZZZZZ": false, "01arz3ndektsv4rrffq69g5fav": false, "01ARZ3NDEKTSV4RRFFQ69G5FAU": false,
		"01ARZ3NDEKTSV4RRFFQ69G5FA": false, "01234567890123456789012345": false, "": false,
	} {
		require.Equal(t, want, ULID(w), w)
	}
}
