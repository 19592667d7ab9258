package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	load := func(t *testing.T, text string) (settings, *pflag.FlagSet, error) {
		file := filepath.Join(t.TempDir(), "s.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
		flags.Int("trials", 20, "")
		flags.Uint64("seed", 0, "")
		flags.StringArray("env", nil, "")
		require.NoError(t, flags.Parse([]string{"--trials", "3"}))
		s, err := loadSettings(file, flags)
		return s, flags, err
	}

	s, flags, err := load(t, "# ours\ntrials: 50\nseed: 18446744073709551615\nenv: ['A={addr}', 'B={port}']\nsuites: [smoke]\ncommand: [go, test, './...']\n")
	require.NoError(t, err)
	assert.Equal(t, settings{Suites: []string{"smoke"}, Command: []string{"go", "test", "./..."}}, s)
	trials, _ := flags.GetInt("trials")
	assert.Equal(t, 3, trials, "flags win")
	seed, _ := flags.GetUint64("seed")
	assert.Equal(t, uint64(1<<64-1), seed, "no digit is lost")
	env, _ := flags.GetStringArray("env")
	assert.Equal(t, []string{"A={addr}", "B={port}"}, env)

	s, _, err = load(t, "suites: [smoke]\n---\ncommand: [go, test]\n")
	require.NoError(t, err)
	assert.Equal(t, settings{Suites: []string{"smoke"}, Command: []string{"go", "test"}}, s, "every document counts")
	_, _, err = load(t, "seed: 1\n---\nseed: 2\n")
	assert.ErrorContains(t, err, "s.yaml:3: seed is given twice, first in line 1")

	for _, empty := range []string{"", "# nothing\n", "---\n"} {
		s, _, err := load(t, empty)
		require.NoError(t, err, "%q", empty)
		assert.Zero(t, s)
	}
	for text, want := range map[string]string{
		"- trials":               "s.yaml:1: want 'setting: value' lines, such as 'trials: 20'",
		"\ntrails: 5":            `s.yaml:2: unknown setting "trails"; did you mean "trials"?`,
		"seed: x":                `s.yaml:1: invalid argument "x" for "--seed" flag`,
		"seed: 1\nseed: 2":       "s.yaml:2: seed is given twice, first in line 1: delete one",
		"env: {A: b}":            "s.yaml:1: env: want a value or a list, not a block of settings",
		"env: [{A: b}]":          "s.yaml:1: env: want a list of values",
		"seed:":                  "s.yaml:1: seed: has no value",
		"suites: [smoke\nx: 1\n": "s.yaml: line 1: did not find expected ',' or ']'",
	} {
		_, _, err := load(t, text)
		require.Error(t, err, "%q", text)
		assert.Contains(t, err.Error(), want)
		assert.NotContains(t, err.Error(), "\n", "one line")
	}
}

// FuzzSettings: whatever a settings file holds is applied, or refused in one line.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"trials: 5\n", "suites: [smoke]\n", "command: [go, test]\nfaults: [disconnect]\n", "trials: &a 5\nseed: *a\n", "a: {b: c}\n",
		"trials: 1\ntrials: 2\n", "- x\n", "---\nfor: 1m\n---\nshard: 1/2\n", "env: [A=b]\nnull\n", "trals: 5\n"} {
		f.Add(s)
	}
	path := filepath.Join(f.TempDir(), "flakehunt.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var flags runFlags
		set := pflag.NewFlagSet("run", pflag.ContinueOnError)
		flags.register(set)
		if _, err := loadSettings(path, set); err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("more than one line: %q", err)
		}
	})
}
