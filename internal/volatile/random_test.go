package volatile

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLooksRandom(t *testing.T) {
	for _, w := range []string{
		"TestOrdersOfCustomer12", "WithoutShouldStopOnReadErrors", "subscriberReadOnlyReplica", "XMLHTTPRequestHandler",
		"averyveryverylongword", "AVERYVERYVERYLONGWORD", "GetUserByIDAndTenantID", "Q4x7", "",
	} {
		require.False(t, LooksRandom(w), w)
	}
	for _, w := range []string{"GWGzLeKq6krFRMGzHvUdBY", "s8pS3FQRH3ZcDLdBq5TERc", "4evXEYjwhDJNj6EHgSH5k9", "V1StGXR8Z5jdHi6BmyT"} {
		require.True(t, LooksRandom(w), w)
		require.True(t, LooksRandom([]byte(w)), w)
	}
}

// Of 10,000 short UUIDs fewer than ten are taken for names. The seed is fixed, so chance has
// no part in it.
func TestLooksRandomMissesFew(t *testing.T) {
	const letters, n = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	missed := 0
	for range n {
		w := make([]byte, 22)
		for i := range w {
			w[i] = letters[rng.IntN(len(letters))]
		}
		if !LooksRandom(w) {
			missed++
		}
	}
	t.Logf("%d of %d missed", missed, n)
	require.Less(t, missed, 10)
}

// names are identifiers that people chose: those of Go's standard library, split
// at underscores, of five characters or more. Of crypto and internal, not among
// them, about twice as many look random: AVX512VNNI, MLKEM768P256.
func names(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	goroot := strings.TrimSpace(string(out))
	seen := map[string]bool{}
	for _, dir := range []string{"net", "encoding", "database", "go", "text", "html", "log", "os", "time", "sync", "container", "mime", "testing"} {
		root := filepath.Join(goroot, "src", dir)
		require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			var s scanner.Scanner
			s.Init(token.NewFileSet().AddFile(file, -1, len(source)), source, func(token.Position, string) {}, 0)
			for {
				_, tok, text := s.Scan()
				if tok == token.EOF {
					return nil
				}
				for _, w := range strings.Split(text, "_") {
					if tok == token.IDENT && len(w) >= leastRandom && strings.IndexFunc(w, func(r rune) bool { return r > 'z' }) < 0 {
						seen[w] = true
					}
				}
			}
		}))
	}
	require.Greater(t, len(seen), 2000)
	return slices.Sorted(maps.Keys(seen))
}

// The rates at which names are taken for random, over tens of thousands of
// identifiers. Names in the place of a suffix are rarer than this sample: most
// keys end in a plain word or a number.
func TestLooksRandomSparesNames(t *testing.T) {
	all := names(t)
	anywhere, suffix := 0, 0
	for _, w := range all {
		if LooksRandom(w) {
			anywhere++
		}
		if LooksRandomSuffix(w) {
			suffix++
		}
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(len(all)) }
	t.Logf("of %d identifiers %.2f %% look random, %.2f %% as a suffix", len(all), share(anywhere), share(suffix))
	require.Less(t, share(anywhere), 1.0)
	require.Less(t, share(suffix), 2.5)
	for _, w := range []string{
		"orders", "userID", "sha256", "base64", "sessionToken", "HTTPServer", "GitHub", "iPhone", "eCommerce", "bullmq", "sidekiq",
		"asynq", "redlock", "WebSocket", "item12", "worker7", "completed", "priority", "delayed", "stalled", "h264", "oauth",
		"XREADGROUP", "qwerty", "foobar", "pubsub", "feedback", "decade", "facade",
	} {
		require.False(t, LooksRandom(w), w)
	}
}

// How many random words of each kind are told, by length. The seed is fixed.
func TestLooksRandomFindsRandomSuffixes(t *testing.T) {
	const digits, lower, upper = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const n = 5000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name, letters string
		length        int
		least         float64
	}{
		{"base 62", digits + lower + upper, 6, 94}, {"base 62", digits + lower + upper, 8, 97}, {"base 62", digits + lower + upper, 10, 99},
		{"base 62", digits + lower + upper, 21, 99.9}, {"base 36", digits + lower, 6, 85}, {"base 36", digits + lower, 8, 94},
		{"base 36", digits + lower, 10, 97}, {"base 58", "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 6, 94},
		{"hexadecimal", digits + "abcdef", 6, 80}, {"hexadecimal", digits + "abcdef", 8, 95}, {"hexadecimal", digits + "abcdef", 12, 99},
		{"lower case", lower, 10, 80}, {"base 32", "234567" + upper, 10, 97},
	} {
		found, numbers := 0, 0
		for range n {
			w := make([]byte, c.length)
			for i := range w {
				w[i] = c.letters[rng.IntN(len(c.letters))]
			}
			if strings.Trim(string(w), digits) == "" {
				numbers++ // named {n}, whatever it is
			} else if LooksRandomSuffix(w) {
				found++
			}
		}
		share := 100 * float64(found+numbers) / n
		t.Logf("%s of %d: %.1f %%", c.name, c.length, share)
		assert.GreaterOrEqual(t, share, c.least, "%s of %d", c.name, c.length)
	}
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
