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
}

// A suite in any language may mark its tests; here this binary does.
func TestBoundariesMarkedByTheSuite(t *testing.T) {
	script := `echo "<testsuite name='s'><testcase name='a'/><testcase name='b'/></testsuite>" > $FLAKEHUNT_DIR/r.xml; MARK_TEST=a "$0"`
	require.Equal(t, map[string]harness.Boundary{"a": harness.BoundaryMarked, "b": harness.BoundaryUnknown}, boundaries(t, script))
}
