//go:build unix

package exec_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/exec"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// TestMain lets this binary be a suite that marks a test of its own.
func TestMain(m *testing.M) {
	if test := os.Getenv("MARK_TEST"); test != "" {
		c, err := net.Dial("unix", os.Getenv(marks.Var))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		in := bufio.NewReader(c)
		for _, word := range []string{"begin", "end"} {
			fmt.Fprintf(c, "%s %s\n", word, test)
			_, _ = in.ReadString('\n')
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// boundaries runs a script that writes a report to $FLAKEHUNT_DIR/r.xml.
func boundaries(t *testing.T, script string) map[string]harness.Boundary {
	t.Helper()
	r, err := exec.New(exec.Config{Argv: []string{"sh", "-c", script, os.Args[0]}, JUnit: "{dir}/r.xml"})
	require.NoError(t, err)
	out, err := r.Run(t.Context(), where(1))
	require.NoError(t, err)
	m := map[string]harness.Boundary{}
	for _, o := range out {
		m[o.Test.Name] = o.Boundary
	}
	return m
}

// Of a report alone little is known: only the times that it tells, if it does.
func TestBoundariesOfReports(t *testing.T) {
	report := func(cases string) string {
		return `echo "<testsuite name='s'>` + cases + `</testsuite>" > $FLAKEHUNT_DIR/r.xml;`
	}
	const a, b = "<testcase name='a'/>", "<testcase name='b' timestamp='2026-01-02T03:04:05' time='0.1'/>"
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryAlone}, boundaries(t, report(a)))
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryUnknown, "b": harness.BoundaryReport}, boundaries(t, report(a+b)))
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryUnknown, "b": harness.BoundaryReport, exec.Command: harness.BoundaryAlone},
		boundaries(t, report(a+b)+"exit 3"), "the command as a whole has all frames")
	suite := `echo "<testsuite name='s' timestamp='2026-01-02T03:04:05'>` + a + "<testcase name='b'/>" + `</testsuite>" > $FLAKEHUNT_DIR/r.xml;`
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryUnknown, "b": harness.BoundaryUnknown}, boundaries(t, suite), "a suite's time is no test's")
}

// A suite in any language may mark its tests; here this binary does.
func TestBoundariesMarkedByTheSuite(t *testing.T) {
	script := `echo "<testsuite name='s'><testcase name='a'/><testcase name='b'/></testsuite>" > $FLAKEHUNT_DIR/r.xml; MARK_TEST=a "$0"`
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryMarked, "b": harness.BoundaryUnknown}, boundaries(t, script))
}

// Tests that share a time have that of their suite, or of the report's making:
// it tells of none when it ran.
func TestASuitesTimeIsNoTests(t *testing.T) {
	script := `echo "<testsuite name='s' timestamp='2026-01-02T03:04:05'><testcase name='a' time='0.1'/><testcase name='b' time='0.1'/></testsuite>" > $FLAKEHUNT_DIR/r.xml`
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryUnknown, "b": harness.BoundaryUnknown}, boundaries(t, script))
}

// A decision names its test, and where nobody says when that began it cannot
// have been carried out: an aimed trial proves nothing then, either way.
func TestAimedTrialsWithoutWindows(t *testing.T) {
	for _, c := range []struct {
		name, report string
		one          bool
		want         harness.Verdict
		began        []string
	}{
		{"several tests", "<testcase name='a'/><testcase name='b'/>", false, harness.Unknown, nil},
		{"the only test", "<testcase name='a'/>", false, harness.Passed, []string{"a"}},
		{"run alone", "<testcase name='a'/><testcase name='b'/>", true, harness.Passed, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := `echo "<testsuite name='s'>` + c.report + `</testsuite>" > $FLAKEHUNT_DIR/r.xml`
			one := ""
			if c.one {
				one = `sh -c 'echo "<testsuite><testcase name=\"a\"/></testsuite>" > $FLAKEHUNT_DIR/r.xml' {name}`
			}
			r, err := exec.New(exec.Config{Argv: []string{"sh", "-c", script}, JUnit: "{dir}/r.xml", OneTest: one})
			require.NoError(t, err)
			x := where(1)
			_, err = r.Run(t.Context(), x)
			require.NoError(t, err)
			var began []string
			x.Arm, x.Tests = harness.Provoke, []string{"a"}
			x.Begin = func(test string) { began = append(began, test) }
			out, err := r.Run(t.Context(), x)
			require.NoError(t, err)
			require.Len(t, out, 1)
			require.Equal(t, c.want, out[0].Verdict)
			require.Equal(t, c.began, began)
			if c.want == harness.Unknown {
				require.Contains(t, out[0].Warnings[0], "decision not applied")
			}
		})
	}
}
