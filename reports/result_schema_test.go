package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

const schemaFile = "schema/result.schema.json"

// TestResultSchemaIsThatOfTheTypes compares the schema in the repository with
// the types that result.json is written from.
func TestResultSchemaIsThatOfTheTypes(t *testing.T) {
	got, err := json.MarshalIndent(ResultSchema(), "", " ")
	require.NoError(t, err)
	got = append(got, '\n')
	if *update {
		require.NoError(t, os.WriteFile(schemaFile, got, 0o644))
	}
	want, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "write it with: go test ./reports -run Schema -update")
}

// against checks a value by a schema of the kind that ResultSchema makes; it
// says what is wrong.
func against(root, s map[string]any, v any, at string) (wrong []string) {
	if ref, ok := s["$ref"].(string); ok {
		s = root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	bad := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	switch v := v.(type) {
	case map[string]any:
		if s["type"] != "object" {
			bad("an object, want %v", s["type"])
			return wrong
		}
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				bad("no %s", name)
			}
		}
		for name, x := range v {
			inner, ok := properties[name].(map[string]any)
			if more, free := s["additionalProperties"].(map[string]any); !ok && free {
				inner, ok = more, true
			}
			if !ok {
				bad("unknown %s", name)
				continue
			}
			wrong = append(wrong, against(root, inner, x, at+"/"+name)...)
		}
	case []any:
		if s["type"] != "array" {
			bad("an array, want %v", s["type"])
			return wrong
		}
		for i, x := range v {
			wrong = append(wrong, against(root, s["items"].(map[string]any), x, fmt.Sprintf("%s/%d", at, i))...)
		}
	case string:
		if s["type"] != "string" {
			bad("a string, want %v", s["type"])
		} else if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			bad("%q is not %s", v, p)
		}
	case json.Number:
		if _, err := v.Int64(); s["type"] != "number" && (s["type"] != "integer" || err != nil) {
			bad("%s, want %v", v, s["type"])
		}
	case bool:
		if s["type"] != "boolean" {
			bad("a boolean, want %v", s["type"])
		}
	case nil:
		bad("null, want %v", s["type"])
	}
	return wrong
}

func schemaOf(t *testing.T) (root, top map[string]any) {
	data, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &root))
	return root, map[string]any{"$ref": root["$ref"]}
}

func number(t *testing.T, data []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

func TestResultsAreOfTheirSchema(t *testing.T) {
	root, top := schemaOf(t)
	for _, s := range sample.All() {
		var b bytes.Buffer
		require.NoError(t, JSON(&b, s.Result, Options{}))
		assert.Empty(t, against(root, top, number(t, b.Bytes()), s.Name))
		assert.NotContains(t, b.String(), ": null", "%s: a list is an array", s.Name)
	}
	for text, want := range map[string]string{
		`{"schema": 1.5}`:            "/schema: 1.5, want integer",
		`{"tests": {}}`:              "/tests: an object, want array",
		`{"tests": [{"status": 3}]}`: "/tests/0/status: 3, want string",
		`{"for": "soon"}`:            `/for: "soon" is not`,
		`{"extra": 1}`:               ": unknown extra",
		`{}`:                         ": no findings",
		`{"interrupted": "yes"}`:     "/interrupted: a string, want boolean",
		`{"margins": null}`:          "/margins: null, want array",
		`{"machine": {"timer_p50": "1ms", "x_ns": "1ms"}}`: "/machine: unknown x_ns",
	} {
		found := strings.Join(against(root, top, number(t, []byte(text)), ""), "\n")
		assert.Contains(t, found, want, text)
	}
}

func TestDurationsStandInNanosecondsToo(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, JSON(&b, sample.Flaky(), Options{}))
	var r struct {
		Tests []struct {
			P50    string `json:"p50"`
			P50ns  int64  `json:"p50_ns"`
			Groups []any  `json:"groups"`
		} `json:"tests"`
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &r))
	require.NotEmpty(t, r.Tests)
	for i, x := range r.Tests {
		assert.Equal(t, int64(sample.Flaky().Tests[i].P50), x.P50ns)
		assert.NotNil(t, x.Groups, "an array even when it is empty")
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"Runs": "runs", "LastFailure": "last_failure", "TestID": "test_id", "CIRun": "ci_run", "P": "p", "HasMargin": "has_margin"} {
		assert.Equal(t, want, snake(in))
	}
}

func TestExtraFormatsAreAskedFor(t *testing.T) {
	all, err := Select(nil)
	require.NoError(t, err)
	for _, f := range Extra() {
		assert.False(t, slices.ContainsFunc(all, func(x Format) bool { return x.Name == f.Name }))
		one, err := Select([]string{f.Name})
		require.NoError(t, err)
		require.Len(t, one, 1)
		assert.Equal(t, f.File, one[0].File)
	}
}

// TestOpenMetricsIsOfItsForm parses what is written, line by line.
func TestOpenMetricsIsOfItsForm(t *testing.T) {
	line := regexp.MustCompile(`^[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[0-9.e+-]+$`)
	for _, s := range sample.All() {
		var b bytes.Buffer
		require.NoError(t, OpenMetrics(&b, s.Result, Options{}))
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		assert.Equal(t, "# EOF", lines[len(lines)-1])
		family := ""
		for _, l := range lines[:len(lines)-1] {
			if rest, ok := strings.CutPrefix(l, "# TYPE "); ok {
				family, _, _ = strings.Cut(rest, " ")
			} else if !strings.HasPrefix(l, "# HELP "+family+" ") {
				assert.Regexp(t, line, l, s.Name)
				assert.True(t, strings.HasPrefix(l, family), "%s: a family's samples stand together", l)
			}
		}
	}
}
