package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

func TestJSONComesBack(t *testing.T) {
	for _, s := range sample.All() {
		if s.Name == "hostile" {
			continue // bytes that are not UTF-8 cannot come back: the next test
		}
		var buf bytes.Buffer
		require.NoError(t, JSON(&buf, s.Result, Options{}))
		back, err := ReadJSON(&buf)
		require.NoError(t, err, s.Name)
		assert.Empty(t, cmp.Diff(asJudged(s.Result), back, cmpopts.EquateEmpty()), s.Name)
	}
}

func TestJSONOfHostileTextIsStable(t *testing.T) {
	var first, second bytes.Buffer
	hostile := sample.Hostile()
	require.NoError(t, JSON(&first, hostile, Options{}))
	_, err := ReadJSON(&first)
	require.ErrorContains(t, err, "an ID is F- and hexadecimal digits", "IDs become names of files")
	named(hostile)
	first.Reset()
	require.NoError(t, JSON(&first, hostile, Options{}))
	once, err := ReadJSON(&first)
	require.NoError(t, err)
	require.NoError(t, JSON(&second, once, Options{}))
	twice, err := ReadJSON(&second)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(once, twice), "written, read, written and read again")
}

// named gives all findings IDs that a file may have.
func named(r *harness.Result) {
	for i := range r.Findings {
		r.Findings[i].ID = fmt.Sprintf("F-%08x", i)
	}
	for i := range r.Tests {
		t := &r.Tests[i]
		for j := range t.Findings {
			t.Findings[j] = fmt.Sprintf("F-%08x", j)
		}
		for j := range t.Groups {
			t.Groups[j].Finding = "F-00000000"
		}
	}
}

func TestJSONFillsVersion(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, JSON(&buf, &harness.Result{}, Options{}))
	back, err := ReadJSON(&buf)
	require.NoError(t, err)
	assert.Equal(t, harness.ResultVersion, back.Version)
	assert.NotNil(t, back.Tests)
}

func TestReadJSONSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"schema": 99, "tool": "flakehunt 9.1.0", "tests": "new form"}`, "read result: schema 99, written by flakehunt 9.1.0; this build reads up to 1: use that version of flakehunt or a later one"},
		{`{"schema": 2}`, "read result: schema 2, written by a newer flakehunt; this build reads up to 1: use that version of flakehunt or a later one"},
		{`{"schema": 0}`, "read result: schema 0 does not exist (first is 1): write the result again with `flakehunt report`"},
		{`{"tests": []}`, `read result: no "schema" number: this is not a flakehunt result.json`},
		{"{\n\"schema\": 1,\n]", "read result: invalid character ']' looking for beginning of object key string (line 3)"},
		{"", "read result: unexpected end of JSON input (line 1)"},
	} {
		_, err := ReadJSON(strings.NewReader(c.in))
		require.EqualError(t, err, c.want, c.in)
		assert.NotContains(t, err.Error(), "\n")
	}
	_, err := ReadJSON(strings.NewReader("{\"schema\": 1,\n\"trials_done\": \"many\"}"))
	assert.ErrorContains(t, err, "trials_done")
	assert.ErrorContains(t, err, "(line 2)")
}

func FuzzReadJSON(f *testing.F) {
	// Small seeds: the engine shortens each interesting input byte by byte, in
	// time that grows with the square of its length.
	for _, s := range []string{"", "{}", `{"schema":1}`, `{"schema":-1}`, `{"schema":1,"findings":[{"timeline":[{"at":"1ms"}]}]}`, `{"schema":1e9}`,
		`{"schema":1,"tests":[{"name":"a","suite":"s","status":"flaky","runs":2,"failures":1,"strip":".F","groups":[{"kind":"race","message":"m","count":1}]}]}`,
		`{"schema":1,"tests":[{"name":"s.a","suite":"s","status":"broken","p50":"-9223372036854775808ns","line":1,"file":"a_test.go"}]}`,
		`{"schema":1,"tests":[{"name":"a","classname":"b","title":"c","margin":{"edge":"e","size":"1ms"}}]}`,
		`{"schema":1,"findings":[{"id":"F-00000001","test":"a","class":"race/lost-update","title":"t","schedule":{"decisions":[{"action":"delay"}]}}]}`,
		`{"schema":1,"infra":[{"what":"redis died","error":"e"}],"latent":[{"test":"a"}],"meta":{"commit":"c"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		// What can be read can be shown, by every writer.
		for _, format := range Formats() {
			if err := format.Write(discard{}, r, Options{}); err != nil {
				t.Fatalf("%s: %v", format.Name, err)
			}
		}
		if err := Terminal(discard{}, r, Options{Color: true, Width: 1}); err != nil {
			t.Fatal(err)
		}
	})
}
