package node_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/node"
)

// A program that starts one of the runners is known as that runner.
func TestProgramsOfRunners(t *testing.T) {
	for line, want := range map[string][]string{
		"mocha":       {"npx", "ts-mocha", "-p", "tsconfig.json"},
		"jest":        {"npx", "craco", "test"},
		"node --test": {"npx", "ts-node", "--test"},
		"vitest":      {"npx", "vitest", "run"},
	} {
		var known []string
		for _, a := range node.Adapters() {
			ok, err := a.Recognise(suite.ParseCommand(want, t.TempDir()))
			require.NoError(t, err)
			if ok {
				known = append(known, a.Name())
			}
		}
		require.Equal(t, []string{line}, known, "%v", want)
	}
}
