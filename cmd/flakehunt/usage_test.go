package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ran(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestWhatWasMeant(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"rnu"}, `unknown command "rnu": did you mean run?`},
		{[]string{"tend"}, "did you mean trend?"},
		{[]string{"frobnicate"}, `unknown command "frobnicate": want one of doctor, gate,`},
		{[]string{"run", "--trails", "3"}, "unknown flag --trails: did you mean --trials?"},
		{[]string{"run", "--trials", "many"}, `--trials "many": want a whole number`},
		{[]string{"run", "--for", "long"}, `--for "long": want a duration, such as 500ms`},
		{[]string{"gate", "--alpha", "x"}, `--alpha "x": want a number`},
		{[]string{"run", "--seed", "99999999999999999999999"}, `want a whole number`},
	} {
		code, _, errs := ran(t, c.args...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Contains(t, errs, c.want)
		assert.NotContains(t, errs, "strconv", c.args)
		assert.Equal(t, 1, strings.Count(errs, "\n"), "one line: %q", errs)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"run", "run", 0}, {"rnu", "run", 1}, {"", "ab", 2}, {"trails", "trials", 1}, {"gate", "merge", 4}} {
		assert.Equal(t, c.want, distance(c.a, c.b), c)
		assert.Equal(t, c.want, distance(c.b, c.a), c)
	}
	assert.Empty(t, nearest("x", []string{"y"}), "a letter is like any other")
}

func TestVersionFlag(t *testing.T) {
	code, out, _ := ran(t, "--version")
	assert.Zero(t, code)
	assert.Equal(t, "flakehunt "+builtFrom().String()+"\n", out)
	assert.Regexp(t, `^1\.2\.3 \(0123456789ab, 2026-01-02T03:04:05Z, go\S+, \w+/\w+\)$`,
		build{"1.2.3", "0123456789abcdef0123456789abcdef01234567", "2026-01-02T03:04:05Z"}.String())
}

func TestRunHelpHasItsFlagsInGroups(t *testing.T) {
	code, out, _ := ran(t, "run", "--help")
	require.Zero(t, code)
	last := -1
	for _, g := range runGroups {
		at := strings.Index(out, "\n"+g.title+":\n")
		assert.Greater(t, at, last, "%s is missing or out of order", g.title)
		last = at
	}
	for _, flag := range []string{"--trials", "--redis", "--takeover", "--defect", "--db", "--verbose"} {
		assert.Equal(t, 1, strings.Count(out, "      "+flag+" ")+strings.Count(out, ", "+flag+" "), flag)
	}
	assert.Contains(t, out, "Exit codes:")
}

func TestManAndCompletion(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := ran(t, "man", dir)
	require.Zero(t, code, errs)
	for _, name := range []string{"flakehunt", "flakehunt-run", "flakehunt-gate", "flakehunt-verify"} {
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		require.NoError(t, err)
		assert.Contains(t, string(page), ".SH NAME\n"+strings.ReplaceAll(name, "-", `\-`))
		assert.Contains(t, string(page), ".SH OPTIONS\n")
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, _ := ran(t, "completion", shell)
		assert.Zero(t, code)
		assert.Contains(t, out, "flakehunt", shell)
	}
}
