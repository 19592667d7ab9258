//go:build unix

package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/node"
)

// turning are suites that fail and say which process they are of, how much of the
// module's state they found, and which trial it is.
var turning = map[string]struct{ file, argv, text string }{
	"mocha": {"turn.cjs", "npx mocha turn.cjs", `
const seen = []
it('turns', () => { seen.push(1); throw new Error(['pid', process.pid, 'left', seen.length, 'trial', process.env.FLAKEHUNT_TRIAL].join(' ')) })
it('leaves a timer', () => { setTimeout(() => {}, 1500); throw new Error(['pid', process.pid, 'left', 1, 'trial', process.env.FLAKEHUNT_TRIAL].join(' ')) })
after(() => { setTimeout(() => {}, 1) })
`},
	"jest": {"turn.test.cjs", "npx jest --testMatch **/turn.test.cjs", `
const seen = []
test('turns', () => { seen.push(1); throw new Error(['pid', process.pid, 'left', seen.length, 'trial', process.env.FLAKEHUNT_TRIAL].join(' ')) })
`},
	"vitest": {"turn.test.mjs", "npx vitest run", `
import { test } from 'vitest'
const seen = []
test('turns', () => { seen.push(1); throw new Error(['pid', process.pid, 'left', seen.length, 'trial', process.env.FLAKEHUNT_TRIAL].join(' ')) })
test('leaves a timer', () => { setTimeout(() => {}, 1500); throw new Error(['pid', process.pid, 'left', 1, 'trial', process.env.FLAKEHUNT_TRIAL].join(' ')) })
`},
}

// TestTurns: a process of the runner serves several trials, each of which finds the
// module as it was loaded; one that leaves something behind serves one.
func TestTurns(t *testing.T) {
	needed(t)
	modules, err := filepath.Abs(filepath.Join(project, "node_modules"))
	require.NoError(t, err)
	for name, s := range turning {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
			require.NoError(t, os.WriteFile(filepath.Join(dir, s.file), []byte(s.text), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600))
			argv := strings.Fields(s.argv)
			a, err := suite.Choose(node.Adapters(), argv, dir)
			require.NoError(t, err)
			r, err := suite.New(suite.Config{Argv: argv, Dir: dir, Adapter: a})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, r.Close()) })
			trial := 0
			play := func(test string, warm bool) (pid string) {
				trial++
				out, err := r.Run(t.Context(), runner.Exec{
					Trial: trial, Arm: harness.Reduce, Tests: []string{s.file + " > " + test}, Warm: warm, Redis: runner.Endpoint{Addr: "127.0.0.1:1"},
				})
				require.NoError(t, err)
				require.Len(t, out, 1)
				require.NotNil(t, out[0].Failure, "%v", out[0])
				words := strings.Fields(out[0].Failure.Message)
				for words[0] != "pid" {
					words = words[1:]
				}
				require.Equal(t, "1", words[3], "it finds the module as it was loaded")
				return words[1]
			}
			first := play("turns", true)
			require.Equal(t, first, play("turns", true))
			require.Equal(t, first, play("turns", true))
			require.NotEqual(t, first, play("turns", false))
			if name != "jest" {
				require.NotEqual(t, play("leaves a timer", true), play("leaves a timer", true))
			}
			require.Equal(t, first, play("turns", true), "it has waited meanwhile")
		})
	}
}
