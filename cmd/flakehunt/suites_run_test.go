package main

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// TestForeignSuites runs the suites by the bare command, as users do.
func TestForeignSuites(t *testing.T) {
	if testing.Short() {
		t.Skip("runs whole suites of other languages")
	}
	// Debian's packages are for Debian's python.
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, s := range suitesOf() {
		t.Run(s.dir, func(t *testing.T) { s.try(t) })
	}
}

// enter goes to the suite's directory, and skips the test where its programs are
// missing.
func (s foreignSuite) enter(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "fixtures", "external", s.dir))
	for _, need := range s.needs {
		if out, err := exec.Command(need[0], need[1:]...).CombinedOutput(); err != nil {
			require.Empty(t, os.Getenv("CI"), "CI needs %q: %v: %s", need, err, out)
			t.Skipf("%q: %v", need, err)
		}
	}
}

// pool has one worker for a command.
func (s foreignSuite) pool(t *testing.T, p redisenv.Provider, argv []string) *trial.Pool {
	target, err := (&runFlags{}).target(nil, argv)
	require.NoError(t, err)
	r, err := foreignRunner(t.Context(), &messages{err: io.Discard}, target, nil, 0)
	require.NoError(t, err)
	pool := trial.NewPool(trial.PoolConfig{Provider: p, Runner: r, TempDir: t.TempDir()})
	t.Cleanup(func() {
		require.NoError(t, pool.Close())
		require.NoError(t, r.Close())
	})
	return pool
}

func (s foreignSuite) try(t *testing.T) {
	s.enter(t)
	for _, argv := range s.commands {
		target, err := (&runFlags{}).target(nil, argv)
		require.NoError(t, err)
		require.Equal(t, s.runner, target.Runner, "%q", argv)
	}
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	names := s.names(t, provider)
	require.GreaterOrEqual(t, len(names), 12)

	pool := s.pool(t, provider, s.commands[0])
	whole, err := pool.Do(t.Context(), trial.Job{Index: 1, Suite: s.dir, Arm: harness.Survey, Keep: true})
	require.NoError(t, err)
	s.wholeSuite(t, whole, names)
	for i, name := range s.alone {
		one, err := pool.Do(t.Context(), trial.Job{Index: 2 + i, Suite: s.dir, Tests: []string{name}, Arm: harness.Survey, Keep: true})
		require.NoError(t, err)
		require.Len(t, one.Trial.Outcomes, 1, name)
		o := one.Trial.Outcomes[0]
		require.Equal(t, name, o.Test.Name)
		require.Equal(t, harness.Passed, o.Verdict, "%s: %+v", name, o.Failure)
		require.True(t, o.Boundary.Exact(), "%s: %s", name, o.Boundary)
		require.NotZero(t, s.frames(t, o, one.Events[name]), name)
	}
}

// names are those of the runner's own report.
func (s foreignSuite) names(t *testing.T, p redisenv.Provider) map[string]string {
	redis, err := p.Start(t.Context())
	require.NoError(t, err)
	defer redis.Close(t.Context())
	report := filepath.Join(t.TempDir(), "report")
	argv := slices.Clone(s.own)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "{report}", report)
	}
	c := exec.Command(argv[0], argv[1:]...)
	host, port, _ := strings.Cut(redis.Addr(), ":")
	c.Env = append(os.Environ(), "REDIS_URL=redis://"+redis.Addr(), "REDIS_ADDR="+redis.Addr(), "REDIS_HOST="+host, "REDIS_PORT="+port)
	out, _ := c.CombinedOutput() // some of the tests fail
	text, err := os.ReadFile(report)
	require.NoError(t, err, "%s", out)
	return s.read(t, text)
}

// wholeSuite checks names, verdicts and whose each frame is.
func (s foreignSuite) wholeSuite(t *testing.T, d *trial.Done, names map[string]string) {
	told := map[string]string{}
	silent := 0
	for _, o := range d.Trial.Outcomes {
		if o.Test.Title == "" { // the Go test that runs the specs
			continue
		}
		told[o.Test.Classname+" "+o.Test.Title] = ""
		require.Equal(t, harness.BoundaryMarked, o.Boundary, o.Test.Name)
		require.NotZero(t, o.Test.Line, o.Test.Name)
		require.FileExists(t, filepath.Join("..", "..", "..", o.Test.File), o.Test.Name)
		if s.frames(t, o, d.Events[o.Test.Name]) == 0 {
			silent++
		}
	}
	require.Equal(t, names, told)
	require.Equal(t, s.silent, silent, "tests that sent nothing")
	for name, want := range s.verdicts {
		o := d.Outcome(name)
		require.NotNil(t, o, name)
		got := string(o.Verdict)
		if o.Failure != nil {
			got += " " + string(o.Failure.Kind) + " " + o.Failure.Message
		}
		require.True(t, strings.HasPrefix(got, want), "%s: %s\nwant %s", name, got, want)
	}
	for name, want := range s.warned {
		require.Contains(t, strings.Join(d.Outcome(name).Warnings, "; "), want)
	}
}

// frames counts the commands among the test's frames whose key holds a name, and
// fails where that is another's.
func (s foreignSuite) frames(t *testing.T, o harness.Outcome, events []harness.Event) (n int) {
	key := o.Test.Name
	if s.key != nil {
		key = s.key(o)
	}
	want := "test:" + key
	for _, e := range events {
		if e.Kind != harness.Request || len(e.Args) < 2 {
			continue
		}
		at := strings.Index(e.Args[1], "test:")
		if at < 0 {
			continue
		}
		n++
		// History cuts long words; what is left must be the name's beginning.
		word, cut := strings.CutSuffix(strings.TrimSuffix(e.Args[1][at:], ":tries"), "…")
		ok := word == want || cut && strings.HasPrefix(want, word)
		require.True(t, ok, "%s: a frame of another test: %q", cmp.Or(o.Test.Name, "?"), e.Args)
	}
	return n
}

// TestForeignWorkers: tests of one run in several processes share the wire, and
// it is said so; alone they have it to themselves.
func TestForeignWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a suite of another language")
	}
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
	s := foreignSuite{dir: "py-orders", runner: "pytest", needs: [][]string{{"python3", "-c", "import pytest, redis, xdist, pytest_rerunfailures"}}}
	s.enter(t)
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	pool := s.pool(t, provider, []string{"python3", "-m", "pytest", "-n", "2"})
	whole, err := pool.Do(t.Context(), trial.Job{Index: 1, Suite: s.dir, Arm: harness.Survey, Keep: true})
	require.NoError(t, err)
	require.Len(t, whole.Trial.Outcomes, 27)
	for _, o := range whole.Trial.Outcomes {
		require.Equal(t, harness.BoundaryOverlapping, o.Boundary, o.Test.Name)
	}
	const name = `tests/test_orders.py::test_named[c"d]`
	one, err := pool.Do(t.Context(), trial.Job{Index: 2, Suite: s.dir, Arm: harness.Survey, Keep: true, Tests: []string{name}})
	require.NoError(t, err)
	require.Len(t, one.Trial.Outcomes, 1)
	require.True(t, one.Trial.Outcomes[0].Boundary.Exact())
	require.NotZero(t, s.frames(t, one.Trial.Outcomes[0], one.Events[name]))
}

// TestForeignSuitesThatCannotWork are told once, after the first trial, in the
// runner's own words.
func TestForeignSuitesThatCannotWork(t *testing.T) {
	if testing.Short() {
		t.Skip("runs suites of other languages")
	}
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
	broken := map[string]string{
		"py/test_x.py":      "import nothing_of_this_name\n",
		"rb/spec/a_spec.rb": "require 'nothing_of_this_name'\n",
		"php/XTest.php":     "<?php\nrequire 'nothing_of_this_name.php';\nclass XTest extends PHPUnit\\Framework\\TestCase { public function testX(): void {} }\n",
	}
	for _, c := range []struct {
		dir  string
		argv []string
		need []string
		want string
		code int
	}{
		{"py", []string{"python3", "-m", "pytest"}, []string{"python3", "-c", "import pytest"}, "No module named 'nothing_of_this_name'", exitHarness},
		{"py", []string{"python3", "-m", "pytest", "--no-such-option"}, []string{"python3", "-c", "import pytest"}, "unrecognized arguments: --no-such-option", exitHarness},
		{"", []string{"python3", "-m", "pytest", "-k", "no_such_test"}, []string{"python3", "-c", "import pytest, redis"}, "27 deselected", exitHarness},
		{"rb", []string{"rspec"}, []string{"ruby", "-e", `require "rspec"`}, "cannot load such file -- nothing_of_this_name", exitHarness},
		{"php", []string{"phpunit", "XTest.php"}, []string{"phpunit", "--version"}, "nothing_of_this_name.php", exitHarness},
	} {
		t.Run(strings.Join(c.argv, " "), func(t *testing.T) {
			if out, err := exec.Command(c.need[0], c.need[1:]...).CombinedOutput(); err != nil {
				require.Empty(t, os.Getenv("CI"), "CI needs %q: %v: %s", c.need, err, out)
				t.Skipf("%q: %v", c.need, err)
			}
			dir := t.TempDir()
			for file, text := range broken {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
			}
			if c.dir == "" {
				t.Chdir(filepath.Join("..", "..", "fixtures", "external", "py-orders"))
			} else {
				t.Chdir(filepath.Join(dir, c.dir))
			}
			var out, errs bytes.Buffer
			args := append([]string{"run", "--redis", "embedded", "--out", filepath.Join(dir, "out"), "--"}, c.argv...)
			code := run(t.Context(), args, strings.NewReader(""), &out, &errs)
			require.Equal(t, c.code, code, "%s%s", &out, &errs)
			require.Contains(t, errs.String(), c.want)
			require.NotContains(t, out.String(), "broken")
			require.NotContains(t, out.String(), "not-redis")
		})
	}
}
