package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A command is seen through whatever starts it.
func TestParseCommand(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"scripts": {
		"test": "npm run lint && cross-env NODE_ENV=test vitest run --coverage", "lint": "eslint .", "loop": "npm run loop",
		"unit": "c8 mocha 'a b.js'", "ci": "yarn unit; jest --ci", "serial": "FOO=1 node --import tsx --test test/*.ts"}}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "composer.json"), []byte(`{"scripts": {"test": ["@php lint.php", "phpunit --colors"]}}`), 0o600))
	for name, text := range map[string]string{
		"run-tests.sh": "#!/usr/bin/env bash\nset -eu\n# npx jest\nif true; then\n  exec npx vitest run \\\n    --bail 1 \"$@\"\nfi\n",
		"plain.sh":     "cd x && npx mocha\n",
		"tool.py":      "#!/usr/bin/python3\nnpx = 1\n",
		"Makefile":     ".PHONY: test\nall: build\nPY ?= python3\nRUN := $(PY) -m pytest\nbuild:\n\t@echo building\ntest: build unit ## tests\n\t-@$(RUN) -q \\\n\t  tests\nunit:\n\tgo test ./...\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for line, want := range map[string]string{
		"./run-tests.sh x":                        "run-tests.sh(x) set(-eu) true() vitest(run --bail 1) fi()",
		"bash plain.sh":                           "cd(x) mocha() bash(plain.sh)",
		"./tool.py":                               "tool.py()",
		"make test":                               "echo(building) go(test ./...) pytest(-q tests)",
		"make -C . unit":                          "go(test ./...)",
		"make":                                    "echo(building)",
		"npx ts-mocha -p tsconfig-cjs.json":       "ts-mocha(-p tsconfig-cjs.json)",
		"npx run-s --silent lint u*":              "eslint(.) mocha(a b.js)",
		"npx vitest run":                          "vitest(run)",
		"npx --yes vitest run":                    "vitest(run)",
		"npm test":                                "eslint(.) vitest(run --coverage)",
		"npm t -- -t x":                           "eslint(.) vitest(run --coverage -t x)",
		"npm run --silent unit":                   "mocha(a b.js)",
		"yarn ci":                                 "mocha(a b.js) jest(--ci)",
		"yarn vitest run":                         "vitest(run)",
		"pnpm exec jest":                          "jest()",
		"npm exec -- mocha x":                     "mocha(x)",
		"npm run loop":                            "",
		"npm run none":                            "",
		"npm run serial":                          "node(--import tsx --test test/*.ts) test/*.ts()",
		"sh -c 'cd x && npx jest'":                "cd(x) jest()",
		"env A=1 B=2 node_modules/.bin/mocha":     "mocha()",
		"A=1 ./node_modules/.bin/vitest.cmd":      "vitest()",
		"node node_modules/mocha/bin/mocha.js -w": "node(node_modules/mocha/bin/mocha.js -w) mocha(-w)",
		"python3.12 -m pytest tests":              "pytest(tests)",
		"poetry run pytest":                       "pytest()",
		"bundle exec rspec spec":                  "rspec(spec)",
		"vendor/bin/phpunit":                      "phpunit()",
		"composer test":                           "lint.php() phpunit(--colors)",
		"timeout 5m npx jest":                     "jest()",
		"go test ./...":                           "go(test ./...)",
	} {
		var argv []string
		if script, ok := strings.CutPrefix(line, "sh -c "); ok {
			argv = []string{"sh", "-c", strings.Trim(script, "'")}
		} else {
			argv = strings.Fields(line)
		}
		var got []string
		for _, c := range ParseCommand(argv, dir).Calls {
			got = append(got, c.Program+"("+strings.Join(c.Args, " ")+")")
		}
		if line == "npm run serial" {
			require.Equal(t, "node(--import tsx --test test/*.ts)", got[0])
			continue
		}
		require.Equal(t, want, strings.Join(got, " "), line)
	}
}

// Package files are strangers' texts.
func FuzzParseCommand(f *testing.F) {
	f.Add(`{"scripts":{"test":"npm test && sh -c 'x'"}}`, "npm test")
	f.Add(`{"scripts":{"test":"npm test && npm test && npm test && npm test && npm test && npm test && npm test && npm test"}}`, "npm test") // 8⁸ calls
	f.Add(`{"scripts":{"test":["a",1]}}`, "composer test --")
	f.Fuzz(func(t *testing.T, file, line string) {
		dir := t.TempDir()
		for _, name := range []string{"package.json", "composer.json"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(file), 0o600))
		}
		for _, c := range ParseCommand(strings.Fields(line), dir).Calls {
			require.NotContains(t, c.Program, "/")
		}
	})
}

// The first line of a message says what was wrong.
func TestPlain(t *testing.T) {
	for said, want := range map[string]string{
		"\x1b[2mexpect(\x1b[22mreceived\x1b[2m).\x1b[22mtoBe\x1b[2m(\x1b[22mexpected\x1b[2m) // Object.is equality\x1b[22m\n\nExpected: 1\nReceived: 2": "expect(received).toBe(expected): expected 1, received 2",
		"Expected values to be strictly equal:\n\n1 !== 2\n": "Expected values to be strictly equal: 1 !== 2",
		"no table":                              "no table",
		"":                                      "",
		"a\nb\nc\nd\ne\nf\ng\nh\ni":             "a\nb\nc\nd\ne\nf\ng\n…",
		"expect(received).toEqual(expected)\nx": "expect(received).toEqual(expected)\nx",
	} {
		require.Equal(t, want, plain(said))
	}
}
