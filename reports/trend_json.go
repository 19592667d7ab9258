package reports

import (
	"io"

	"github.com/flakehunt/flakehunt/harness/trend"
)

// TrendVersion is the version of the JSON that TrendJSON writes.
const TrendVersion = 1

// TrendJSON writes a trend for programs: names in snake case, lists that are
// always there, durations with their nanoseconds beside them.
func TrendJSON(w io.Writer, r *trend.Report) error {
	return writeJSON(w, struct {
		Schema int `json:"schema"`
		trend.Report
	}{TrendVersion, *r})
}
