package evidence

import "github.com/flakehunt/flakehunt/harness"

// Reading is what one trial says of its test.
type Reading int

const (
	NoTrial Reading = iota // none was done
	Stalled                // a hold could not be kept: the program itself enforces the order
	Passed                 // or at least did not fail by its own doing
	Failed
)

// Read says what one trial means; o may be nil. It alone decides what a stalled
// hold means: the proxy released the frame since nothing else moved, no network
// does that, and so neither a failure nor a pass counts.
func Read(o *harness.Outcome) Reading {
	switch {
	case o == nil:
		return NoTrial
	case len(o.Blocked) > 0:
		return Stalled
	case o.Verdict == harness.Failed:
		return Failed
	}
	return Passed
}
