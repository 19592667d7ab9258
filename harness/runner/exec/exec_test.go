//go:build unix

package exec_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/exec"
)

// suite is a shell script that writes a report: $1 is where, $2 the name of
// the one test to run, if any. FAIL, KEEP and SLOW change what it does.
const suite = `#!/bin/sh
case "$KEEP" in yes) exit 0;; esac
case "$SLOW" in yes) sleep 60;; esac
one() { [ -z "$only" ] || [ "$only" = "$1" ]; }
only=$2
{
echo "<testsuite name='demo'>"
one 'bus delivers (1)' && echo "<testcase classname='t/bus.ts' name='bus &gt; delivers (1)' time='0.01'/>"
if one 'bus fails'; then
  if [ "$FAIL" = no ]; then echo "<testcase classname='t/bus.ts' name='bus &gt; fails'/>"
  else echo "<testcase classname='t/bus.ts' name='bus &gt; fails'><failure message='got 0 of 1 on $REDIS_ADDR'/></testcase>"; fi
fi
echo "</testsuite>"
} > "$1"
[ "$CODE" ] && exit $CODE
[ "$FAIL" = no ] || exit 1
`

type bench struct {
	dir string
	t   *testing.T
}

func setUp(t *testing.T) bench {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "suite.sh"), []byte(suite), 0o755))
	return bench{dir, t}
}

func (b bench) runner(c exec.Config) *exec.Runner {
	b.t.Helper()
	c.Dir = b.dir
	r, err := exec.New(c)
	require.NoError(b.t, err)
	return r
}

func where(trial int) runner.Exec {
	return runner.Exec{Trial: trial, Worker: 1, Seed: 9, Arm: harness.Survey, Redis: runner.Endpoint{Addr: "127.0.0.1:7001"}}
}

func verdicts(out []harness.Outcome) string {
	var s []string
	for _, o := range out {
		line := o.Test.Name + "=" + string(o.Verdict)
		if o.Failure != nil {
			line += ":" + string(o.Failure.Kind)
		}
		s = append(s, line)
	}
	return strings.Join(s, " ")
}

const (
	delivers = "t/bus.ts > bus > delivers (1)"
	fails    = "t/bus.ts > bus > fails"
)

func TestJUnitSuite(t *testing.T) {
	b := setUp(t)
	for name, c := range map[string]exec.Config{
		"own directory": {Argv: []string{"./suite.sh", "{dir}/out.xml"}, JUnit: "{dir}/*.xml"},
		"shared file":   {Argv: []string{"./suite.sh", "reports-out.xml"}, JUnit: "**/*-out.xml"},
	} {
		t.Run(name, func(t *testing.T) {
			r := b.runner(c)
			for trial := 1; trial <= 3; trial++ {
				out, err := r.Run(t.Context(), where(trial))
				require.NoError(t, err)
				require.Equal(t, delivers+"=pass "+fails+"=fail:assertion", verdicts(out))
				require.Equal(t, trial, out[1].Trial)
				require.Equal(t, harness.Survey, out[1].Arm)
				require.Equal(t, "got 0 of 1 on 127.0.0.1:7001", out[1].Failure.Message)
				require.Equal(t, "t/bus.ts", out[1].Test.File)
			}
			tests, err := r.List(t.Context())
			require.NoError(t, err)
			require.Len(t, tests, 2)
		})
	}
}

func TestStaleReportIsNotRead(t *testing.T) {
	b := setUp(t)
	r := b.runner(exec.Config{Argv: []string{"./suite.sh", "out.xml"}, JUnit: "*.xml"})
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	require.Len(t, out, 2)

	t.Setenv("KEEP", "yes") // the second trial writes nothing, and exits 0
	out, err = r.Run(t.Context(), where(2))
	require.ErrorContains(t, err, "exit 0, but it wrote no report that matches")
	require.Empty(t, out)

	t.Setenv("KEEP", "no")
	t.Setenv("SLOW", "yes")
	r = b.runner(exec.Config{Argv: []string{"./suite.sh", "out.xml"}, JUnit: "*.xml", Timeout: 100 * time.Millisecond})
	out, err = r.Run(t.Context(), where(3))
	require.Empty(t, out, "never a test (command)")
	require.ErrorAs(t, err, new(*runner.Unusable))
	require.ErrorContains(t, err, "it did not end within 100ms, and no report was written that matches")
}

func TestOneTest(t *testing.T) {
	b := setUp(t)
	c := exec.Config{Argv: []string{"./suite.sh", "{dir}/out.xml"}, JUnit: "{dir}/*.xml", OneTest: "./suite.sh {dir}/out.xml {name}"}
	for _, first := range []bool{true, false} {
		r := b.runner(c)
		if first { // the second runner knows no report yet
			_, err := r.Run(t.Context(), where(1))
			require.NoError(t, err)
		}
		x := where(2)
		x.Tests = []string{delivers}
		var marks []string
		x.Begin = func(test string) { marks = append(marks, "begin "+test) }
		x.End = func(test string) { marks = append(marks, "end "+test) }
		out, err := r.Run(t.Context(), x)
		require.NoError(t, err)
		require.Equal(t, []string{"begin " + delivers, "end " + delivers}, marks)
		require.Equal(t, delivers+"=pass", verdicts(out))
		require.Equal(t, harness.BoundaryAlone, out[0].Boundary)
		require.Contains(t, fmt.Sprint(out[0].Warnings), "exit 1", "the command's end contradicts its report")
	}
}

func TestOneTestThatDoesNotRun(t *testing.T) {
	b := setUp(t)
	r := b.runner(exec.Config{Argv: []string{"./suite.sh", "{dir}/o.xml"}, JUnit: "{dir}/*.xml", OneTest: "./suite.sh {dir}/o.xml {title}"})
	t.Setenv("FAIL", "no")
	x := where(1)
	x.Tests = []string{fails}
	_, err := r.Run(t.Context(), x)
	require.ErrorContains(t, err, "no test is in its report")
}

func TestEndContradictsReport(t *testing.T) {
	b := setUp(t)
	t.Setenv("FAIL", "no")
	r := b.runner(exec.Config{Argv: []string{"./suite.sh", "{dir}/out.xml"}, JUnit: "{dir}/*.xml"})
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	require.Equal(t, delivers+"=pass "+fails+"=pass", verdicts(out))
	t.Setenv("CODE", "3")
	out, err = r.Run(t.Context(), where(2))
	require.NoError(t, err)
	require.Equal(t, delivers+"=pass "+fails+"=pass "+exec.Command+"=fail:exit", verdicts(out))
	t.Setenv("CODE", "")
	out, err = r.Run(t.Context(), where(3))
	require.NoError(t, err)
	require.Equal(t, exec.Command+"=pass", verdicts(out[2:]), "once it failed, its passes count too")
}

func TestWithoutJUnit(t *testing.T) {
	b := setUp(t)
	for script, want := range map[string]string{
		"exit 0":                                          "pass",
		"echo boom >&2; exit 7":                           "fail:exit",
		"kill -9 $$":                                      "fail:exit",
		"echo 'WARNING: DATA RACE';exit 1":                "fail:race",
		"exec >&- 2>&-; exit 0":                           "pass",
		"printf '\\377\\376'; exit 2":                     "fail:exit",
		"setsid sleep 60 & exit 0":                        "pass",
		"head -c 10485760 /dev/zero | tr '\\0' x; exit 3": "fail:exit",
	} {
		r := b.runner(exec.Config{Argv: []string{"sh", "-c", script}})
		out, err := r.Run(t.Context(), where(1))
		require.NoError(t, err)
		require.Equal(t, exec.Command+"="+want, verdicts(out), script)
		require.Less(t, len(out[0].Output), 128<<10)
		if out[0].Failure != nil {
			require.NotEmpty(t, out[0].Failure.Fingerprint)
			require.Less(t, len(out[0].Failure.Message), 2000)
		}
	}
	r := b.runner(exec.Config{Argv: []string{"sh", "-c", "exec sleep 60"}, Timeout: 50 * time.Millisecond})
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	require.Equal(t, exec.Command+"=fail:timeout", verdicts(out))

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r = b.runner(exec.Config{Argv: []string{"sh", "-c", "exec sleep 60"}})
	_, err = r.Run(ctx, where(1))
	require.ErrorIs(t, err, context.DeadlineExceeded, "an interrupted hunt is not a failure of the suite")

	// What is there at first may be gone later.
	program := filepath.Join(b.dir, "passing.sh")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
	r = b.runner(exec.Config{Argv: []string{"./passing.sh"}})
	require.NoError(t, os.Remove(program))
	_, err = r.Run(t.Context(), where(1))
	require.ErrorContains(t, err, "starting ./passing.sh")
}

func TestDamagedReport(t *testing.T) {
	b := setUp(t)
	r := b.runner(exec.Config{Argv: []string{"sh", "-c", `printf "<testsuite name='s'><testcase name='a'/><testcase na" > $FLAKEHUNT_DIR/x.xml; exit 9`}, JUnit: "{dir}/x.xml"})
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	require.Equal(t, "a=pass "+exec.Command+"=fail:exit", verdicts(out))
	require.Contains(t, fmt.Sprint(out[1].Warnings), "x.xml: reading junit report: after 1 test cases")

	r = b.runner(exec.Config{Argv: []string{"sh", "-c", `echo "<html>" > $FLAKEHUNT_DIR/x.xml`}, JUnit: "{dir}/x.xml"})
	_, err = r.Run(t.Context(), where(1))
	require.ErrorContains(t, err, "cannot be read: x.xml")
}

func TestConfigErrors(t *testing.T) {
	here := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(here, "plain.txt"), nil, 0o644))
	for want, c := range map[string]exec.Config{
		"no command to run":            {},
		"not a valid pattern":          {Argv: []string{"sh"}, JUnit: "a[b"},
		"--one-test needs":             {Argv: []string{"sh"}, OneTest: "sh {name}"},
		"does not say which":           {Argv: []string{"sh"}, JUnit: "*.xml", OneTest: "sh"},
		"not a command line":           {Argv: []string{"sh"}, JUnit: "*.xml", OneTest: "sh '{name}"},
		"no placeholder {hots}":        {Argv: []string{"sh"}, Env: []string{"A={hots}"}},
		"pytset: no such program on":   {Argv: []string{"pytset"}},
		"vitset: no such program on":   {Argv: []string{"sh"}, JUnit: "*.xml", OneTest: "vitset {name}"},
		"./suite.sh: no such program:": {Argv: []string{"./suite.sh"}, Dir: here},
		"it cannot be executed":        {Argv: []string{"./plain.txt"}, Dir: here},
	} {
		_, err := exec.New(c)
		require.ErrorContains(t, err, want)
	}
}

// Two tests of one title in two suites stay two, also when each is run alone
// and reported alone, and in files of their own.
func TestEqualTitlesStayApart(t *testing.T) {
	b := setUp(t)
	script := `#!/bin/sh
for s in a b; do
  [ -n "$2" ] && [ "$2" != $s ] && continue
  f=; [ $s = b ] && f="<failure message='second'/>"
  echo "<testsuites><testsuite name='$s'><testcase name='works' time='NaN'>$f</testcase></testsuite></testsuites>" > "$1/$s.xml"
done
[ "$2" = a ] || exit 1
`
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "two.sh"), []byte(script), 0o755))
	r := b.runner(exec.Config{Argv: []string{"./two.sh", "{dir}"}, JUnit: "{dir}/*.xml", OneTest: "./two.sh {dir} {suite}"})
	x := where(1)
	x.Dir = t.TempDir()
	out, err := r.Run(t.Context(), x)
	require.NoError(t, err)
	require.Equal(t, "a > works=pass b > works=fail:assertion", verdicts(out))
	for i, want := range []string{"a > works=pass", "b > works=fail:assertion", "b > works=fail:assertion"} {
		if i == 2 { // a replay, which has seen no report of all tests
			r = b.runner(exec.Config{Argv: []string{"./two.sh", "{dir}"}, JUnit: "{dir}/*.xml", OneTest: "./two.sh {dir} {suite}"})
		}
		x := where(i + 2)
		x.Dir = t.TempDir()
		x.Tests = []string{strings.Split(want, "=")[0]}
		out, err := r.Run(t.Context(), x)
		require.NoError(t, err)
		require.Equal(t, want, verdicts(out))
	}
}

// A runner that only ends badly is told by the assertion that it printed.
func TestExitCodeAloneTellsTheAssertion(t *testing.T) {
	b := setUp(t)
	printed := "  1) bus\n       delivers:\n     AssertionError [ERR_ASSERTION]: 0 == 1\n      at Context.<anonymous> (bus.spec.js:4:12)\n      at process.processImmediate (node:internal/timers:483:21)\n"
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "printed.txt"), []byte(printed), 0o600))
	r := b.runner(exec.Config{Argv: []string{"sh", "-c", "cat printed.txt; exit 1"}})
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	require.Len(t, out, 1)
	require.Equal(t, "sh -c cat printed.txt; exit 1: exit 1: AssertionError [ERR_ASSERTION]: 0 == 1", out[0].Failure.Message)
}
