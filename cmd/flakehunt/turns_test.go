package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// needsPytest has the system's Python found first, and skips where it has no pytest
// and redis, but not in CI.
func needsPytest(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := exec.Command("python3", "-c", "import pytest, redis").CombinedOutput(); err != nil {
		require.Empty(t, os.Getenv("CI"), "CI needs pytest and redis: %v: %s", err, out)
		t.Skip("needs python3-pytest and python3-redis")
	}
}

// TestTurnsAndChosenTests: with default flags aimed trials of a pytest suite share
// processes, --run leaves its other tests out of all that is recorded, and one that
// matches nothing is told after the first trial.
func TestTurnsAndChosenTests(t *testing.T) {
	needsPytest(t)
	dir := t.TempDir()
	parents := filepath.Join(dir, "parents")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test_it.py"), fmt.Appendf(nil, `
import os
import redis

def test_pair():
    with open(%q, "a") as f:
        f.write("%%d\n" %% os.getppid())
    r = redis.Redis.from_url(os.environ["REDIS_URL"])
    r.set("a", "1")
    assert r.get("a") == b"1"

def test_other():
    pass
`, parents), 0o600))
	t.Chdir(dir)
	hunt := func(name string) (code int, errs string) {
		var out, e bytes.Buffer
		code = run(t.Context(), []string{"run", "--redis", "embedded", "--trials", "5", "--seed", "1", "--out", "out", "--run", name, "--", "python3", "-m", "pytest", "-p", "no:cacheprovider"},
			strings.NewReader(""), &out, &e)
		return code, e.String()
	}
	code, errs := hunt("test_pair")
	require.Zero(t, code, errs)
	b, err := os.ReadFile(parents)
	require.NoError(t, err)
	of := map[string]int{}
	for _, parent := range strings.Fields(string(b)) {
		of[parent]++
	}
	delete(of, fmt.Sprint(os.Getpid())) // of processes that ran the test once
	shared := 0
	for _, n := range of {
		shared = max(shared, n)
	}
	require.Greater(t, shared, 1, "no process ran the test twice: %v", of)
	journal, err := os.ReadFile(filepath.Join("out", "trials.jsonl"))
	require.NoError(t, err)
	require.Contains(t, string(journal), "test_pair")
	require.NotContains(t, string(journal), "test_other")

	code, errs = hunt("nothing_of_this_name")
	require.Equal(t, exitUsage, code, errs)
	require.Contains(t, errs, "--run matches none of the 2 tests that ran")
}
