package hunt

import "github.com/flakehunt/flakehunt/harness/detect/near"

// contrasts gives candidates of what tells failing histories from passing ones.
func (h *hunt) contrasts(string) []near.Candidate { return nil }
