package reports

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// luminance is relative luminance as WCAG 2.1 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestColoursCanBeRead wants the contrast of WCAG's level AA for text, in both schemes.
func TestColoursCanBeRead(t *testing.T) {
	light, rest, found := strings.Cut(styleSource, "@media (prefers-color-scheme: dark)")
	require.True(t, found)
	dark, _, _ := strings.Cut(rest, "* { box-sizing")
	variable := regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6})`)
	for scheme, block := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(block, -1) {
			colours[m[1]] = m[2]
		}
		for _, text := range []string{"ink", "muted", "link", "stable", "flaky", "broken", "infrastructure", "undecided", "skipped", "l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7"} {
			for _, ground := range []string{"bg", "card", "sunk", "mark"} {
				require.Contains(t, colours, text)
				require.Contains(t, colours, ground)
				a, b := luminance(t, colours[text]), luminance(t, colours[ground])
				ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05)
				assert.GreaterOrEqual(t, ratio, 4.5, "%s: %s on %s", scheme, text, ground)
			}
		}
	}
}
