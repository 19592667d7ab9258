package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
)

func TestWithoutNpx(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, "node_modules", ".bin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "jest"), []byte("#!/bin/sh\n"), 0o755))
	below := filepath.Join(root, "packages", "a")
	for line, want := range map[string]string{
		"npx jest --ci":        filepath.Join(bin, "jest") + " --ci",
		"npx --yes jest a":     filepath.Join(bin, "jest") + " a",
		"npx vitest run":       "npx vitest run", // not installed: npx says so
		"npx -p x jest":        "npx -p x jest",
		"npx jest@27":          "npx jest@27",
		"npx":                  "npx",
		"npm test":             "npm test",
		"./scripts/npx-like a": "./scripts/npx-like a",
	} {
		in := Adapters()[1].Invoke(suite.Job{Argv: strings.Fields(line), Dir: below, Plugin: "/p q", Env: func(name string) string {
			return map[string]string{"PATH": "/bin", "NODE_OPTIONS": "--trace-warnings"}[name]
		}})
		require.Equal(t, want, strings.Join(in.Argv, " "))
		require.Contains(t, in.Env, `NODE_OPTIONS=--trace-warnings --require "/p q/preload.cjs"`)
		if strings.HasPrefix(want, bin) {
			require.Contains(t, in.Env, "PATH="+bin+":/bin")
		}
	}
}
