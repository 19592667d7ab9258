package splitmix

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The first numbers of SplitMix64 from seed 0, as its authors' code gives them.
func TestMixIsSplitMix64(t *testing.T) {
	var z uint64
	for _, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		z += Golden
		require.Equal(t, want, Mix(z))
	}
}

func TestWordsAreApart(t *testing.T) {
	h := func(words ...string) uint64 {
		z := uint64(Start)
		for _, w := range words {
			z = Word(z, w)
		}
		return z
	}
	require.NotEqual(t, h("ab", "c"), h("a", "bc"))
	require.NotEqual(t, h("a"), h("a", ""))
}
