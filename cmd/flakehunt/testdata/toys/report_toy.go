package reports

import (
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness"
)

// Toy writes a line for each finding.
func Toy(w io.Writer, r *harness.Result, _ Options) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(w, "%s is %s\n", f.ID, f.Class); err != nil {
			return err
		}
	}
	return nil
}
