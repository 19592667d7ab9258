package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestLinesAt(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	write("repo/a/b.go", "one\ntwo\nthree\nfour  \n\tfive\nsix\n"+strings.Repeat("é", 200)+"\n")
	write("repo/binary", "one\x00\n")
	write("secret", "outside\n")
	require.NoError(t, os.Symlink("../secret", filepath.Join(root, "repo", "link")))
	repo := filepath.Join(root, "repo")
	at := func(file string, line int) (harness.Snippet, bool) {
		return LinesAt(repo, harness.Call{File: file, Line: line})
	}
	s, ok := at("a/b.go", 3)
	require.True(t, ok)
	require.Equal(t, harness.Snippet{Call: harness.Call{File: "a/b.go", Line: 3}, First: 1, Lines: []string{"one", "two", "three", "four", "\tfive"}}, s)
	s, ok = at("a/b.go", 1)
	require.True(t, ok)
	require.Equal(t, []string{"one", "two", "three"}, s.Lines)
	s, ok = at("a/b.go", 7)
	require.True(t, ok)
	require.Equal(t, strings.Repeat("é", 100)+"…", s.Lines[2])
	for file, line := range map[string]int{"a/b.go": 8, "binary": 1, "link": 1, "../secret": 1, filepath.Join(root, "secret"): 1, "none": 1, "a": 1} {
		_, ok := at(file, line)
		require.False(t, ok, "%s:%d", file, line)
	}
	_, ok = at("a/b.go", 0)
	require.False(t, ok)
}

func TestNames(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	dir := filepath.Join(root, "pkg", "deep")
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".git"), 0o700))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.Equal(t, root, Root(dir))
	require.Equal(t, "pkg/deep/x.py", Rel(root, dir, "x.py"))
	require.Equal(t, "pkg/x.py", Rel(root, dir, "file://"+filepath.Join(root, "pkg", "x.py")))
	require.Equal(t, "/elsewhere/x.py", Rel(root, dir, "/elsewhere/x.py"))
	require.Empty(t, Rel(root, dir, ""))
}
