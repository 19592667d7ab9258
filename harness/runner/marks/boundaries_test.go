package marks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
