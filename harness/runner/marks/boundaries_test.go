package marks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

func TestBoundaries(t *testing.T) {
	for events, want := range map[string]string{
		"+A -A +B -B":                   "+A -A +B -B",
		"+A +A/x -A/x +A/y -A/y -A +B":  "+A -A +A/x -A/x +A/y -A/y +B -B",
		"+P -P +Q -Q +A -A +P +Q -P -Q": "+P -P +Q -Q +A -A +P -P", // P and Q go on together
		"+P -P +P -P":                   "+P -P +P -P",
		"+A":                            "+A -A",
		"+A !+A !-A -A +B !+B -B !-B":   "+A -A +B -B", // the suite's own marks count, the others no more
	} {
		var got []string
		b := marks.Boundaries{Begin: func(s string) { got = append(got, "+"+s) }, End: func(s string) { got = append(got, "-"+s) }}
		for e := range strings.FieldsSeq(events) {
			e, exact := strings.CutPrefix(e, "!")
			if name, ok := strings.CutPrefix(e, "+"); ok {
				b.Began(name, exact)
			} else {
				b.Ended(e[1:], exact)
			}
		}
		b.Close()
		require.Equal(t, want, strings.Join(got, " "), events)
		require.Equal(t, strings.Contains(events, "!"), b.Exact())
	}
}

// How sure boundaries are: marks of the suite's own win, what overlapped is
// not known, and a parent and its subtests do not disturb each other.
func TestHowSureBoundariesAre(t *testing.T) {
	var b marks.Boundaries
	require.Equal(t, harness.BoundaryUnknown, b.Of("A"), "it has not begun")
	for _, test := range []string{"A", "A/sub", "B"} {
		b.Began(test, false)
		if test != "A" {
			b.Ended(test, false)
		}
		if test == "A/sub" {
			b.Ended("A", false)
		}
	}
	require.Equal(t, harness.BoundaryEvents, b.Of("A"))
	require.Equal(t, harness.BoundaryEvents, b.Of("A/sub"))
	require.Equal(t, harness.BoundaryEvents, b.Of("B"))

	b.Began("C", false)
	b.Began("D", false) // in parallel
	b.Ended("C", false)
	require.Equal(t, harness.BoundaryUnknown, b.Of("C"))
	require.Equal(t, harness.BoundaryUnknown, b.Of("D"))
	b.Ended("D", false)
	b.Began("C", false) // it goes on: what was known of its first half is not known now
	require.Equal(t, harness.BoundaryUnknown, b.Of("C"))

	b.Began("E", true)
	require.Equal(t, harness.BoundaryMarked, b.Of("E"))
	require.Equal(t, harness.BoundaryUnknown, b.Of("A"), "it marked nothing, and others did")
	b.Began("F", true)
	require.Equal(t, harness.BoundaryUnknown, b.Of("E"), "they overlap")
}
