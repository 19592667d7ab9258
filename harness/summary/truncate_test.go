package summary

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTruncateQuoted(t *testing.T) {
	log := `"` + strings.Repeat(`level=INFO msg=\"x\" `, 50) + `"`
	short := TruncateQuoted(log+` does not contain "fail to read"`, 60)
	require.Less(t, len(short), 110)
	require.True(t, strings.HasPrefix(short, `"level=INFO`), short)
	require.True(t, strings.HasSuffix(short, `" does not contain "fail to read"`), short)
	require.Contains(t, short, "…")

	for _, same := range []string{"", `no quotes`, `"short" is not "other"`, `an open "quote` + strings.Repeat("x", 200)} {
		require.Equal(t, same, TruncateQuoted(same, 60))
	}
}

func FuzzTruncateQuoted(f *testing.F) {
	for _, s := range []string{`"a" b "c`, `"\"` + strings.Repeat("ü", 90) + `"`, `"\\"`} {
		f.Add(s, 40)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 8 + (most&0x7fff)%1000
		got := TruncateQuoted(s, most)
		if len(got) > len(s)+len("…") {
			t.Fatalf("longer than before: %q of %q", got, s)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("made invalid text of %q", s)
		}
	})
}
