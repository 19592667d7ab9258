package reports

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test ./reports -run Golden -update")
	assert.Equal(t, string(want), string(got), "%s; if the change is meant: go test ./reports -run Golden -update", path)
}

func TestGolden(t *testing.T) {
	writers := []struct {
		file  string
		write func(w io.Writer, r *harness.Result) error
	}{
		{"junit.xml", func(w io.Writer, r *harness.Result) error { return JUnit(w, r, Options{}) }},
		{"junit-fail.xml", func(w io.Writer, r *harness.Result) error { return JUnit(w, r, Options{JUnitFlaky: "fail"}) }},
		{"report.html", func(w io.Writer, r *harness.Result) error { return HTML(w, r, Options{}) }},
		{"summary.md", func(w io.Writer, r *harness.Result) error { return Markdown(w, r, Options{}) }},
		{"result.json", func(w io.Writer, r *harness.Result) error { return JSON(w, r, Options{}) }},
		{"terminal.txt", func(w io.Writer, r *harness.Result) error { return Terminal(w, r, Options{}) }},
		{"annotations.txt", Annotations},
		{"comment.md", func(w io.Writer, r *harness.Result) error { return Comment(w, r, Options{}) }},
		{"ctrf.json", func(w io.Writer, r *harness.Result) error { return CTRF(w, r, Options{}) }},
		{"metrics.txt", func(w io.Writer, r *harness.Result) error { return OpenMetrics(w, r, Options{}) }},
	}
	for _, s := range sample.All() {
		if s.Name == "hostile" {
			continue // megabytes; its tests ask for properties
		}
		for _, w := range writers {
			var buf bytes.Buffer
			require.NoError(t, w.write(&buf, s.Result))
			got := buf.Bytes()
			if w.file == "report.html" { // style and script are files of their own
				text := strings.Replace(buf.String(), pageStyle(), "/* assets */", 1)
				text = strings.Replace(text, pageScript(), "/* assets */", 1)
				from := strings.Index(text, "'sha256-")
				to := from + strings.Index(text[from+1:], "'") + 1
				got = []byte(text[:from] + "'sha256-…" + text[to:])
			}
			golden(t, s.Name+"/"+w.file, got)
		}
	}
}
