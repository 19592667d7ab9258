package phrase

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestForms(t *testing.T) {
	require.Equal(t, "a b", FirstLine("\n\n a b \r\nc"))
	require.Equal(t, "", FirstLine(" \n"))
	require.Equal(t, "a b c", OneLine("\n a\tb \r\n\n c"))
	require.Equal(t, "äö", Short("äö", 2))
	require.Equal(t, "ä…", Short("äö", 1))
	require.Equal(t, "ä", Cut("äö", 3))
	require.Equal(t, "", Cut("ä", 1))
	require.Equal(t, []string{"0 trials", "1 trial", "2 trials"}, []string{Plural(0, "trial"), Plural(1, "trial"), Plural(2, "trial")})
	for want, d := range map[string]time.Duration{
		"0 ms": 0, "0.01 ms": 5 * time.Microsecond, "1.53 ms": 1_530_400, "99.99 ms": 99_990_000, "203 ms": 203_400_000,
		"-3 ms": -3 * time.Millisecond, "-203 ms": -203 * time.Millisecond, "12.4s": 12_380 * time.Millisecond, "9999 ms": 9_999_400_000,
	} {
		require.Equal(t, want, Ms(d))
	}
}

func TestCutsAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "s"), rapid.IntRange(0, 40).Draw(t, "n")
		if c := Cut(s, n); len(c) > n || utf8.ValidString(s) && !utf8.ValidString(c) {
			t.Fatalf("%q", c)
		}
		if c := Short(s, n); utf8.RuneCountInString(c) > n+1 {
			t.Fatalf("%q", c)
		}
	})
}
