package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/reports"
)

// jest itself says which tests import what changed: in a package below the
// repository's root, with the suite in the working tree.
func TestSinceAsksJest(t *testing.T) {
	modules, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "external", "js-runners", "node_modules"))
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(modules, ".bin", "jest")); err != nil {
		require.Empty(t, os.Getenv("CI"), "CI needs jest: %v", err)
		t.Skip("jest is not installed")
	}
	repo := t.TempDir()
	for name, text := range map[string]string{
		".gitignore":             "node_modules\nout\n",
		"pkg/package.json":       `{"name":"p","private":true}`,
		"pkg/low.js":             "exports.key = 1;\n",
		"pkg/test/uses.test.js":  "const { key } = require('../low');\ntest('uses', () => expect(key).toBeTruthy());\n",
		"pkg/test/apart.test.js": "test('apart', () => {});\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(repo, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(repo, name), []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink(modules, filepath.Join(repo, "pkg", "node_modules")))
	t.Chdir(filepath.Join(repo, "pkg"))
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", ".."},
		{"add", "-A", ".."},
		{"-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "one"},
	} {
		out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.NoError(t, os.WriteFile("low.js", []byte("exports.key = 2;\n"), 0o600))

	var out, told bytes.Buffer
	code := run(t.Context(), []string{"run", "--redis", "embedded", "--trials", "1", "--strategy", "none", "--since", "HEAD", "--out", "out", "--", "npx", "jest"}, nil, &out, &told)
	require.Equal(t, 0, code, told.String())
	require.Contains(t, told.String(), "--since HEAD: by what jest says that they import")

	f := runFlags{since: "HEAD"}
	target, err := f.target(nil, []string{"npx", "jest"})
	require.NoError(t, err)
	app := &app{messages: messages{err: &told}, printer: printer{out: &out}}
	r, err := foreignRunner(t.Context(), &app.messages, target, nil, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	aimed, err := touched(t.Context(), app, f.since, target, r)
	require.NoError(t, err)
	file, err := os.Open(filepath.Join("out", "result.json"))
	require.NoError(t, err)
	defer file.Close()
	result, err := reports.ReadJSON(file)
	require.NoError(t, err)
	require.Len(t, result.Tests, 2)
	for _, test := range result.Tests {
		require.Equal(t, filepath.Base(test.File) == "uses.test.js", aimed(test.TestID), "%+v", test.TestID)
	}
}
