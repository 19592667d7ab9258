package capture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness/runner/capture"
)

// The buffer against the obvious model: keep everything, cut at the end.
func TestBufferKeepsHeadAndTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := capture.Buffer{Head: rapid.IntRange(1, 9).Draw(t, "head"), Tail: rapid.IntRange(1, 9).Draw(t, "tail")}
		var all string
		for _, w := range rapid.SliceOf(rapid.StringMatching(`[a-z]{0,30}`)).Draw(t, "writes") {
			n, err := b.WriteString(w)
			require.NoError(t, err)
			require.Equal(t, len(w), n)
			all += w
		}
		want := all
		if cut := len(all) - b.Head - b.Tail; cut > 0 {
			want = all[:b.Head] + fmt.Sprintf("\n… %d bytes not kept …\n", cut) + all[len(all)-b.Tail:]
			require.EqualValues(t, cut, b.Cut())
		} else {
			require.Zero(t, b.Cut())
		}
		require.Equal(t, want, b.String())
		require.EqualValues(t, len(all), b.Len())
	})
}

func TestBufferIsBounded(t *testing.T) {
	var b capture.Buffer
	line := strings.Repeat("x", 1<<20)
	for range 100 {
		_, _ = b.WriteString(line)
	}
	require.EqualValues(t, 100<<20, b.Len())
	require.Less(t, len(b.String()), capture.DefaultHead+capture.DefaultTail+100)
}

func TestNegativeLimitsKeepNothing(t *testing.T) {
	b := capture.Buffer{Head: -1, Tail: -1}
	_, _ = b.WriteString("abc")
	require.Equal(t, "\n… 3 bytes not kept …\n", b.String())
}
