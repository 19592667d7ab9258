package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/reports/internal/sample"
)

// Where a wire timeline or a cause of a foreign suite is shown, it is said how
// sure it is that the frames are the test's own; of the shipped suites, which
// mark theirs, nothing is said.
func TestBoundariesAreTold(t *testing.T) {
	for _, c := range []struct {
		kind     harness.TargetKind
		boundary harness.Boundary
		want     string
	}{
		{harness.GoTestTarget, harness.BoundaryAlone, "exact: the test ran alone"},
		{harness.GoTestTarget, harness.BoundaryEvents, "near: from the events of go test"},
		{harness.CommandTarget, harness.BoundaryReport, "low: from the times in the JUnit report"},
		{harness.CommandTarget, harness.BoundaryUnknown, "not known: "},
		{harness.ShippedTarget, harness.BoundaryMarked, ""},
	} {
		r := sample.Flaky()
		r.Target.Kind = c.kind
		for i := range r.Findings {
			r.Findings[i].Target.Kind, r.Findings[i].Boundary = c.kind, c.boundary
		}
		for i := range r.Tests {
			for j := range r.Tests[i].Groups {
				r.Tests[i].Groups[j].Boundary = c.boundary
			}
		}
		var html, md, xml, data bytes.Buffer
		require.NoError(t, HTML(&html, r, Options{}))
		require.NoError(t, Markdown(&md, r, Options{}))
		require.NoError(t, JUnit(&xml, r, Options{}))
		require.NoError(t, JSON(&data, r, Options{}))
		if c.want == "" {
			for _, out := range []string{html.String(), md.String(), xml.String()} {
				require.NotContains(t, out, "est boundaries")
			}
			continue
		}
		require.Contains(t, html.String(), "Test boundaries: "+c.want)
		require.Contains(t, md.String(), "- test boundaries on the wire: "+c.want)
		require.Contains(t, xml.String(), "(test boundaries: "+c.want)
		if c.boundary != harness.BoundaryUnknown {
			require.Contains(t, data.String(), `"boundary": "`+string(c.boundary)+`"`)
		}
	}
}
