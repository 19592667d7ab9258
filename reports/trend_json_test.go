package reports

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

func TestTrendJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, TrendJSON(&b, &trend.Report{Tests: []trend.Line{{
		TestID: harness.TestID{Name: "a", Suite: "s"}, Cells: []trend.Cell{{HasMargin: true, Margin: harness.Duration(time.Millisecond)}},
	}}}))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	assert.InDelta(t, TrendVersion, got["schema"], 0)
	assert.Equal(t, []any{}, got["runs"])
	line := got["tests"].([]any)[0].(map[string]any)
	assert.Equal(t, "a", line["name"])
	cell := line["cells"].([]any)[0].(map[string]any)
	assert.Equal(t, "1ms", cell["margin"])
	assert.InDelta(t, 1e6, cell["margin_ns"], 0)
	for _, m := range regexp.MustCompile(`"([^"]+)":`).FindAllStringSubmatch(b.String(), -1) {
		assert.Regexp(t, `^[a-z0-9_]+$`, m[1])
	}
}
