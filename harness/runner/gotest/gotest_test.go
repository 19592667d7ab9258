//go:build unix

package gotest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/gotest"
	"github.com/flakehunt/flakehunt/harness/source"
)

const module = "example.com/suite"

func open(t *testing.T, args ...string) *gotest.Runner {
	t.Helper()
	r, err := gotest.New(t.Context(), gotest.Config{Argv: append([]string{"go", "test"}, args...), Dir: "testdata/suite"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// placed names a file of the suite relative to the root of the repository that this is.
func placed(t *testing.T, file string) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/suite")
	require.NoError(t, err)
	return source.Rel(source.Root(dir), dir, file)
}

func where() runner.Exec {
	return runner.Exec{Trial: 2, Worker: 1, Seed: 9, Arm: harness.Survey, Redis: runner.Endpoint{Addr: "127.0.0.1:7001"}, Deadline: 5 * time.Second}
}

func run(t *testing.T, r *gotest.Runner, x runner.Exec) []harness.Outcome {
	t.Helper()
	out, err := r.Run(t.Context(), x)
	require.NoError(t, err)
	return out
}

// verdicts folds outcomes into "TestX=pass TestY=fail:panic …", in order of name.
func verdicts(out []harness.Outcome) string {
	var s []string
	for _, o := range out {
		line := o.Test.Name
		if i := strings.Index(o.Test.Name, ".Test"); i >= 0 {
			line = o.Test.Name[i+1:]
		} else if strings.HasSuffix(o.Test.Name, ".(package)") {
			line = "(package)"
		}
		line += "=" + string(o.Verdict)
		if o.Failure != nil {
			line += ":" + string(o.Failure.Kind)
		}
		s = append(s, line)
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

func find(t *testing.T, out []harness.Outcome, name string) harness.Outcome {
	t.Helper()
	i := slices.IndexFunc(out, func(o harness.Outcome) bool { return strings.HasSuffix(o.Test.Name, name) })
	require.GreaterOrEqual(t, i, 0, "no outcome of %s in %s", name, verdicts(out))
	return out[i]
}

func TestPlain(t *testing.T) {
	r := open(t, "./plain")
	tests, err := r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, tests, 7)
	require.Equal(t, harness.TestID{Name: module + "/plain.TestPass", Suite: module + "/plain", File: placed(t, "plain/plain_test.go"), Line: 12}, tests[0])

	x := where()
	var marks []string
	x.Begin = func(test string) { marks = append(marks, "+"+strings.TrimPrefix(test, module+"/plain.")) }
	x.End = func(test string) { marks = append(marks, "-"+strings.TrimPrefix(test, module+"/plain.")) }
	out := run(t, r, x)
	require.Equal(t, "TestFail=fail:assertion TestLoud=pass TestParent/bad_(1|2)_[x]=fail:assertion TestParent/good=pass "+
		"TestParent/with/slash=pass TestParent=pass TestPass=pass TestShort=pass TestSkipped=skip TestWord=pass", verdicts(out))
	o := find(t, out, "TestFail")
	require.Equal(t, "got 0 of 1 at 127.0.0.1:7001", o.Failure.Message)
	require.Equal(t, 2, o.Trial)
	require.Equal(t, harness.Survey, o.Arm)
	require.False(t, o.Start.IsZero())
	require.Equal(t, []string{"+TestPass", "-TestPass", "+TestFail", "-TestFail"}, marks[:4])
	require.Equal(t, harness.BoundaryEvents, o.Boundary)
}

func TestFlagsAreKept(t *testing.T) {
	r := open(t, "-short", "-run=Test(Short|Word|Parent)", "-skip", "TestParent/[bw]", "-count=2", "-shuffle", "on", "-v", "./plain", "-args", "-word=hello")
	out := run(t, r, where())
	require.Equal(t, "TestParent/good=pass TestParent/good=pass TestParent=pass TestParent=pass TestShort=skip TestShort=skip TestWord=fail:assertion TestWord=fail:assertion", verdicts(out))
	require.Equal(t, "word is hello", find(t, out, "TestWord").Failure.Message)

	r = open(t, "-short", "-run=TestShort|TestParent/good", "-skip", "Word", "./plain")
	list, err := r.List(t.Context())
	require.NoError(t, err)
	var names []string
	for _, id := range list {
		names = append(names, strings.TrimPrefix(id.Name, module+"/plain."))
	}
	require.ElementsMatch(t, []string{"TestShort", "TestParent"}, names)

	r = open(t, "-skip", "Test(Parent|Pass)|TestFail/x", "./plain")
	list, err = r.List(t.Context())
	require.NoError(t, err)
	for _, id := range list {
		require.NotRegexp(t, "Parent|Pass", id.Name)
	}
	require.NotEmpty(t, list)
}

func TestSingleTests(t *testing.T) {
	r := open(t, "./...")
	x := where()
	var marks []string
	x.Begin = func(test string) { marks = append(marks, "begin "+test) }
	x.End = func(test string) { marks = append(marks, "end "+test) }
	bad := module + "/plain.TestParent/bad_(1|2)_[x]"
	x.Tests = []string{bad}
	require.Equal(t, "TestParent/bad_(1|2)_[x]=fail:assertion", verdicts(run(t, r, x)))
	require.Equal(t, []string{"begin " + bad, "end " + bad}, marks)
	require.Equal(t, harness.BoundaryAlone, find(t, run(t, r, x), "[x]").Boundary)

	x.Tests = []string{module + "/plain.TestPass", module + "/plain.TestFail", module + "/plain.TestParent/with/slash", module + "/ends.TestA"}
	require.Equal(t, "TestA=pass TestFail=fail:assertion TestParent/with/slash=pass TestPass=pass", verdicts(run(t, r, x)))

	x.Tests = []string{module + "/plain.TestGone"}
	out := run(t, r, x)
	require.Equal(t, "TestGone=", verdicts(out), "unknown, neither pass nor fail")
	require.Contains(t, fmt.Sprint(out[0].Warnings), "no test of this name ran")

	x.Tests = []string{"other.com/x.TestY"}
	_, err := r.Run(t.Context(), x)
	require.ErrorContains(t, err, "no such package")
}

func TestBuildFailureAndNoTests(t *testing.T) {
	r := open(t, "./...")
	require.Equal(t, []string{module + "/none"}, r.Untested())
	out := run(t, r, where())
	o := find(t, out, "/broken.(package)")
	require.Equal(t, harness.BuildFailure, o.Failure.Kind)
	require.Contains(t, o.Failure.Message, "cannot use \"text\"")
	require.Equal(t, harness.Passed, find(t, out, "/plain.TestPass").Verdict, "other packages run")
	require.Equal(t, harness.Passed, find(t, out, "/main.(package)").Verdict)

	_, err := gotest.New(t.Context(), gotest.Config{Argv: []string{"go", "test", "./none"}, Dir: "testdata/suite"})
	require.ErrorContains(t, err, "no test files in example.com/suite/none")
	_, err = gotest.New(t.Context(), gotest.Config{Argv: []string{"go", "test", "./nowhere/..."}, Dir: "testdata/suite"})
	require.ErrorContains(t, err, "nowhere")
}

// A test that ends the process costs only itself.
func TestEnds(t *testing.T) {
	r := open(t, "./ends")
	const others = "TestA=pass TestB/one=pass TestB/three=pass TestB/two=%s TestB=pass TestC=pass TestP1=pass TestP2=pass TestRace=pass TestZ=pass"
	for mode, want := range map[string]struct{ verdict, message string }{
		"none":        {"pass", ""},
		"exit":        {"fail:exit", "giving up on 127.0.0.1:4000"},
		"panic":       {"fail:panic", "two is broken"},
		"goroutine":   {"fail:panic", "from a goroutine"},
		"signal":      {"fail:exit", "ended by signal: killed"},
		"half a line": {"fail:exit", "ended by signal: killed"},
		"hang":        {"fail:timeout", "TestB/two ran longer than 300ms"},
		"stubborn":    {"fail:timeout", "TestB/two ran longer than 300ms"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Setenv("MODE", mode)
			x := where()
			if strings.HasPrefix(want.verdict, "fail:timeout") {
				x.Deadline = 300 * time.Millisecond
			}
			out := run(t, r, x)
			require.Equal(t, fmt.Sprintf(others, want.verdict), verdicts(out))
			o := find(t, out, "TestB/two")
			if want.message != "" {
				require.Contains(t, o.Failure.Message, want.message)
				require.NotEmpty(t, o.Failure.Fingerprint)
				require.Equal(t, placed(t, "ends/ends_test.go"), o.Test.File)
			}
			if mode == "hang" {
				require.Contains(t, o.Output, "ends.TestB.func2", "the goroutines' stacks say where it hung")
			}
		})
	}
}

func TestUsersTimeout(t *testing.T) {
	t.Setenv("MODE", "hang")
	r := open(t, "-timeout=300ms", "./ends")
	x := where()
	x.Deadline = 0
	out := run(t, r, x)
	o := find(t, out, "TestB/two")
	require.Equal(t, harness.TimeoutFailure, o.Failure.Kind)
	require.Contains(t, o.Failure.Message, "test timed out after 300ms")
	require.Equal(t, harness.Passed, find(t, out, "TestZ").Verdict)
}

// Two parallel tests run when one of them exits: each is tried alone.
func TestParallelExit(t *testing.T) {
	t.Setenv("MODE", "parallel")
	out := run(t, open(t, "./ends"), where())
	require.Equal(t, harness.ExitFailure, find(t, out, "TestP1").Failure.Kind)
	require.Equal(t, harness.Passed, find(t, out, "TestP2").Verdict)
	require.Contains(t, fmt.Sprint(find(t, out, "TestP2").Warnings), "run alone")
	require.Equal(t, harness.BoundaryAlone, find(t, out, "TestP2").Boundary)
	require.Equal(t, harness.Passed, find(t, out, "TestZ").Verdict)
}

func TestClosedOutput(t *testing.T) {
	t.Setenv("MODE", "closed")
	out := run(t, open(t, "./ends"), where())
	o := find(t, out, "TestB/two")
	require.NotEqual(t, harness.Passed, o.Verdict, "its end was not seen")
}

func TestDataRace(t *testing.T) {
	t.Setenv("MODE", "race")
	out := run(t, open(t, "-race", "./ends"), where())
	o := find(t, out, "TestRace")
	require.Equal(t, harness.DataRace, o.Failure.Kind)
	require.Contains(t, o.Failure.Message, "data race between")
	require.Equal(t, 1, strings.Count(verdicts(out), "fail"), verdicts(out))
}

func TestMainEnds(t *testing.T) {
	r := open(t, "./main")
	for mode, want := range map[string]struct{ verdicts, message string }{
		"none":  {"(package)=pass TestOnly=pass", ""},
		"early": {"(package)=fail:exit", "before any test began"},
		"late":  {"(package)=fail:exit TestOnly=pass", "leaked a goroutine"},
	} {
		t.Setenv("MODE", mode)
		out := run(t, r, where())
		require.Equal(t, want.verdicts, verdicts(out), mode)
		if want.message != "" {
			require.Contains(t, find(t, out, "(package)").Failure.Message, want.message)
		}
	}
}

func TestLoud(t *testing.T) {
	t.Setenv("LOUD", "1")
	r := open(t, "-run=TestLoud", "./plain")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := where()
	x.Deadline = time.Minute // for 100 MB on a busy machine
	out := run(t, r, x)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, "TestLoud=pass", verdicts(out))
	require.Less(t, len(out[0].Output), 8<<10)
	require.Less(t, after.Sys-min(before.Sys, after.Sys), uint64(64<<20), "100 MB of output must not be held")
}

func TestCommandLines(t *testing.T) {
	for _, argv := range [][]string{{"go", "test"}, {"/usr/local/go/bin/go", "test", "./..."}, {"go", "-C", "x", "test"}, {"go1.24.3", "test"}} {
		require.True(t, gotest.Is(argv), "%q", argv)
	}
	for _, argv := range [][]string{nil, {"go"}, {"go", "vet"}, {"make", "test"}, {"gotestsum", "--", "./..."}} {
		require.False(t, gotest.Is(argv), "%q", argv)
	}
	for want, args := range map[string][]string{
		"-c cannot be hunted with":    {"-c"},
		"-fuzz cannot be hunted with": {"-fuzz=X"},
		"flag -run needs a value":     {"-run"},
		"-timeout":                    {"-timeout=soon"},
	} {
		_, err := gotest.New(t.Context(), gotest.Config{Argv: append([]string{"go", "test"}, args...), Dir: "testdata/suite"})
		require.ErrorContains(t, err, want)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "flakehunt-*-gotest-*"))
	require.NoError(t, err)
	for _, dir := range left {
		require.NotContains(t, dir, fmt.Sprintf("-%d-", os.Getpid()), "New leaves nothing when it fails")
	}
}

// Subtests with a fresh UUID for a name are the same tests in each run, and can
// be run by themselves.
func TestVolatileNamesInEachRun(t *testing.T) {
	r := open(t, "./volatile")
	const all = "TestVolatile/{uuid}#01/inner=fail:assertion TestVolatile/{uuid}#01=pass TestVolatile/{uuid}#02/inner=pass " +
		"TestVolatile/{uuid}#02=pass TestVolatile/{uuid}/inner=pass TestVolatile/{uuid}=pass TestVolatile=pass"
	for range 2 {
		require.Equal(t, all, verdicts(run(t, r, where())))
	}
	x := where()
	x.Tests = []string{module + "/volatile.TestVolatile/{uuid}#01/inner"}
	require.Equal(t, "TestVolatile/{uuid}#01/inner=fail:assertion", verdicts(run(t, r, x)))
}
