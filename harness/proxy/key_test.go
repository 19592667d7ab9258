package proxy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestNormalise(t *testing.T) {
	for key, want := range map[string]string{
		"":                "",
		"orders":          "orders",
		"user:1":          "user:{n}",
		"v2.orders":       "v{n}.orders",
		"t:1732450000123": "t:{ts}",
		"order-6f1c2a34-9b1e-4c0a-8d52-0123456789ab:x": "order-{uuid}:x",
		"6F1C2A34-9B1E-4C0A-8D52-0123456789AB":         "{uuid}",
		"6f1c2a34-9b1e-4c0a-8d52-0123456789abc":        "{hex}-{n}b{n}e-{n}c{n}a-{n}d{n}-{hex}",
		"sess:9f86d081884c7d659a2feaa0c55ad015":        "sess:{hex}",
		"deadbeef":                                     "deadbeef",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":                   "{ulid}",
		"job/Xy12ab34Cd56Ef78":                         "job/{id}",
		"naïve:ключ:7":                                 "naïve:ключ:{n}",
		"\x00\xff1":                                    "\x00\xff{n}",
		strings.Repeat("k", 300):                       strings.Repeat("k", 199) + "…",
	} {
		assert.Equal(t, want, normalise([]byte(key)), "%q", key)
	}
}

// Keys that differ in their numbers alone have one name.
func TestNormaliseForgetsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[g-z]{1,8}[:./-]`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		num := rapid.StringMatching(`[0-9]{1,9}`)
		ts := rapid.StringMatching(`[0-9]{10,19}`)
		uuid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
		name := func(label string) string {
			return normalise([]byte(a + num.Draw(t, label) + ":" + b + uuid.Draw(t, label) + "/" + ts.Draw(t, label)))
		}
		if x, y := name("x"), name("y"); x != y {
			t.Fatalf("%q and %q", x, y)
		}
	})
}
