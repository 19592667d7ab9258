package reports

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

func TestWriteAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "out")
	files, err := WriteAll(dir, nil, sample.Flaky(), Options{})
	require.NoError(t, err)
	var want []string
	for _, f := range Formats() {
		want = append(want, filepath.Join(dir, f.File))
	}
	assert.Equal(t, want, files)
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		assert.Greater(t, info.Size(), int64(1000), f)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, len(files), "no temporary file stays")
}

func TestWriteAllChoosesFormats(t *testing.T) {
	files, err := WriteAll(t.TempDir(), []string{"json,junit", " MD "}, sample.Clean(), Options{})
	require.NoError(t, err)
	require.Len(t, files, 3)
	assert.Equal(t, "junit.xml", filepath.Base(files[0]), "in the table's order")
}

func TestWriteAllLeavesNothingHalfWritten(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		formats []string
		o       Options
		want    string
	}{
		{[]string{"pdf"}, Options{}, `report format "pdf": unknown; choose from junit, html, md, json, comment, ctrf, openmetrics`},
		{nil, Options{JUnitFlaky: "maybe"}, `junit-flaky "maybe": want pass or fail`},
	} {
		files, err := WriteAll(dir, c.formats, sample.Clean(), c.o)
		assert.EqualError(t, err, c.want)
		assert.Empty(t, files)
	}
	bad := sample.Clean()
	bad.Tests[0].Rate = nan() // JSON has no such number: the last format fails
	old := filepath.Join(dir, "junit.xml")
	require.NoError(t, os.WriteFile(old, []byte("old"), 0o644))
	files, err := WriteAll(dir, nil, bad, Options{})
	require.ErrorContains(t, err, "result.json")
	assert.Empty(t, files)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	kept, err := os.ReadFile(old)
	require.NoError(t, err)
	assert.Equal(t, "old", string(kept))
}

func TestWriteAllNamesTheDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := WriteAll(file, nil, sample.Clean(), Options{})
	assert.ErrorContains(t, err, file)
}

func nan() float64 { var zero float64; return zero / zero }

// TestWritersDoNotChangeTheResult compares each sample before and after.
func TestWritersDoNotChangeTheResult(t *testing.T) {
	for _, s := range sample.All() {
		before := s.Result
		_, err := WriteAll(t.TempDir(), nil, before, Options{})
		require.NoError(t, err, s.Name)
		require.NoError(t, Terminal(discard{}, before, Options{Color: true}))
		require.NoError(t, Annotations(discard{}, before))
		for _, fresh := range sample.All() {
			if fresh.Name == s.Name {
				assert.Equal(t, fresh.Result, before, s.Name)
			}
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
