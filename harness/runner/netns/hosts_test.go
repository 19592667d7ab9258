package netns

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindHost(t *testing.T) {
	const file = "127.0.0.1 localhost # loopback\n\n::1 redis ip6\nbad redis\n10.1.2.3\tcache Redis\n# 10.9.9.9 hidden\n"
	for name, want := range map[string]string{"redis": "10.1.2.3", "REDIS": "10.1.2.3", "ip6": "::1", "cache": "10.1.2.3", "hidden": "", "10.1.2.3": "", "red": ""} {
		got, ok := findHost(strings.NewReader(file), name)
		require.Equal(t, want, got, name)
		require.Equal(t, want != "", ok, name)
	}
}
