package gotest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

func TestBoundaries(t *testing.T) {
	for events, want := range map[string]string{
		"run A, pass A, run B, fail B":                                                  "+A -A +B -B",
		"run A, run A/x, pass A/x, run A/y, skip A/y, pass A, run B":                    "+A -A +A/x -A/x +A/y -A/y +B -B",
		"run P, pause P, run Q, pause Q, run A, pass A, cont P, cont Q, pass P, pass Q": "+P -P +Q -Q +A -A +P -P",
		"run P, pause P, cont P, pass P":                                                "+P -P +P -P",
		"run A":                                                                         "+A -A",
	} {
		var got []string
		b := boundaries{name: func(s string) string { return s },
			begin: func(s string) { got = append(got, "+"+s) }, end: func(s string) { got = append(got, "-"+s) }}
		for e := range strings.SplitSeq(events, ", ") {
			action, test, _ := strings.Cut(e, " ")
			b.see(ingest.GoEvent{Action: action, Test: test})
		}
		b.close()
		require.Equal(t, want, strings.Join(got, " "), events)
	}
}

func TestParse(t *testing.T) {
	c, err := parse([]string{"go", "-C", "sub", "test", "-race", "-tags", "a b", "-run=X/y", "./...", "--count", "3", "-v", "-json", "-coverprofile=c.out", "-custom=1", "-p=4", "-exec", "env X=1", "-timeout", "5s", "./z", "-args", "-run", "kept"})
	require.NoError(t, err)
	require.Equal(t, command{
		Go: "go", Chdir: "sub", Build: []string{"-race", "-tags=a b"}, Patterns: []string{"./...", "./z"}, Test: []string{"-test.count=3"},
		Args: []string{"-custom=1", "-run", "kept"}, Exec: "env X=1", Run: "X/y", Timeout: "5s", Warnings: c.Warnings,
	}, c)
	require.Len(t, c.Warnings, 2)
}

func TestPatterns(t *testing.T) {
	require.Equal(t, `^TestX$/^a_b_\(1\|2\)$`, exactly("TestX/a_b_(1|2)"))
	require.Equal(t, `^(TestA|TestB)$`, anyOf([]string{"TestA", "TestB"}))
	require.Equal(t, `^TestA$`, anyOf([]string{"TestA"}))
	require.Equal(t, `U|^TestA$|^TestB$/^s$`, skipping("U", []string{"TestA", "TestB/s"}))
	require.Empty(t, skipping("", nil))
}
