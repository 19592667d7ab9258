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
	"github.com/flakehunt/flakehunt/harness/runner/wiretap"
)

// calling is what the suite of each runner does with node-redis: CLIENT is how it
// gets the package, TEST how it declares a test.
const calling = `CLIENT
const key = (name) => 'node:' + name
TEST('calls', async () => {
  const client = createClient({ url: process.env.REDIS_URL })
  await client.connect()
  await client.set(key('a'), 'é'.repeat(40)) // line 6
  await Promise.all([
    client.get(key('b')), // line 8
    client.get(key('c')), // line 9
  ])
  const sub = client.duplicate()
  await sub.connect()
  await sub.subscribe(key('d'), () => {}) // line 13
  await client.publish(key('e'), 'v') // line 14
  await client.sendCommand(['GET', key('f')]) // line 15
  await client.multi().incr(key('g')).exec() // line 16
  await sub.disconnect()
  await client.disconnect()
})
`

// callingIO is the same with ioredis.
const callingIO = `const Redis = require('ioredis')
const key = (name) => 'node:' + name
it('calls', async () => {
  const client = new Redis(process.env.REDIS_URL)
  const early = client.set(key('a'), 'é'.repeat(40)) // line 5, before it is connected
  await early
  await Promise.all([
    client.get(key('b')), // line 8
    client.get(key('c')), // line 9
  ])
  const sub = client.duplicate()

  await sub.subscribe(key('d')) // line 13
  await client.publish(key('e'), 'v') // line 14
  await client.call('GET', key('f')) // line 15
  await client.pipeline().incr(key('g')).exec() // line 16
  sub.disconnect()
  client.disconnect()
})
`

// TestCalls: the bytes that the plugin names are the commands of the line that it
// names, under every runner.
func TestCalls(t *testing.T) {
	needed(t)
	modules, err := filepath.Abs(filepath.Join(project, "node_modules"))
	require.NoError(t, err)
	const cjs, esm = "const { createClient } = require('redis')", "import { createClient } from 'redis'"
	for name, s := range map[string]struct{ file, argv, client, test string }{
		"ioredis":     {"calls.cjs", "npx mocha calls.cjs", "", ""},
		"mocha":       {"calls.cjs", "npx mocha calls.cjs", cjs, "it"},
		"jest":        {"calls.test.cjs", "npx jest --testMatch **/calls.test.cjs", cjs, "test"},
		"vitest":      {"calls.test.mjs", "npx vitest run", "import { test } from 'vitest'; " + esm, "test"},
		"node --test": {"calls.test.mjs", "node --test calls.test.mjs", "import test from 'node:test'; " + esm, "test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600))
			text := strings.NewReplacer("CLIENT", s.client, "TEST", s.test).Replace(calling)
			set := "6"
			if name == "ioredis" {
				text, set = callingIO, "5"
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, s.file), []byte(text), 0o600))
			argv := strings.Fields(s.argv)
			a, err := suite.Choose(node.Adapters(), argv, dir)
			require.NoError(t, err)
			tap := wiretap.New(t)
			r, err := suite.New(suite.Config{Argv: argv, Dir: dir, Adapter: a})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, r.Close()) })
			out, err := r.Run(t.Context(), runner.Exec{Trial: 1, Redis: runner.Endpoint{Addr: tap.Addr}, Called: tap.Called})
			require.NoError(t, err)
			require.Len(t, out, 1)
			require.Equal(t, harness.Passed, out[0].Verdict, "%+v", out[0].Failure)
			at := func(line string) string { return s.file + ":" + line }
			require.Equal(t, map[string]string{
				"SET node:a": at(set), "GET node:b": at("8"), "GET node:c": at("9"), "SUBSCRIBE node:d": at("13"),
				"PUBLISH node:e": at("14"), "GET node:f": at("15"), "INCR node:g": at("16"),
			}, tap.Places())
		})
	}
}
