package volatile

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestKey(t *testing.T) {
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
		"push-hXhZ6O":                                  "push-{id}",
		"bull:test-k3j9xq:events":                      "bull:test-{id}:events",
		"sess/a1b2c3":                                  "sess/{id}",
		"room:V1StGXR8_Z5jdHi6B-myT":                   "room:{id}",
		"room:-1StGXR8aZ5jdHi6B_myT:x":                 "room:{id}:x",
		"a-key-of-plain-words-x":                       "a-key-of-plain-words-x",
		"userID:sha256:orderCount":                     "userID:sha{n}:orderCount",
		"naïve:ключ:7":                                 "naïve:ключ:{n}",
		"\x00\xff1":                                    "\x00\xff{n}",
		strings.Repeat("k", 300):                       strings.Repeat("k", 199) + "…",
	} {
		assert.Equal(t, want, Key([]byte(key)), "%q", key)
	}
}

// Keys that differ in their numbers alone have one name.
func TestKeyForgetsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[g-z]{1,8}[:./-]`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		num := rapid.StringMatching(`[0-9]{1,9}`)
		ts := rapid.StringMatching(`[0-9]{10,19}`)
		uuid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
		name := func(label string) string {
			return Key([]byte(a + num.Draw(t, label) + ":" + b + uuid.Draw(t, label) + "/" + ts.Draw(t, label)))
		}
		if x, y := name("x"), name("y"); x != y {
			t.Fatalf("%q and %q", x, y)
		}
	})
}

// Of keys with a random suffix, two trials' names are the same in 95 % and more:
// for 2,000 pairs of each kind of suffix. The seed is fixed.
func TestKeySharesNamesAcrossTrials(t *testing.T) {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	rng := rand.New(rand.NewPCG(3, 4))
	const pairs = 2000
	for _, c := range []struct {
		kind, letters string
		length        int
		least         float64
	}{
		{"base 62", base62, 6, 93}, {"base 62", base62, 8, 95}, {"base 62", base62, 12, 99}, {"nanoid", base62 + "-_", 21, 95},
		{"base 36", base62[:10] + base62[36:], 8, 94}, {"base 36", base62[:10] + base62[36:], 11, 97},
		{"hexadecimal", base62[:10] + "abcdef", 12, 99}, {"hexadecimal", base62[:10] + "abcdef", 32, 99},
	} {
		same := 0
		for range pairs {
			word := func() string {
				w := make([]byte, c.length)
				for i := range w {
					w[i] = c.letters[rng.IntN(len(c.letters))]
				}
				return Key([]byte("bull:push-" + string(w) + ":wait"))
			}
			if a, b := word(), word(); a == b {
				same++
			}
		}
		share := 100 * float64(same) / pairs
		t.Logf("%s of %d: %.1f %%", c.kind, c.length, share)
		assert.GreaterOrEqual(t, share, c.least, "%s of %d", c.kind, c.length)
	}
}
