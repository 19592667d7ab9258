package runner

// WholeCommand is the name of the test that stands for a command as a whole.
const WholeCommand = "(command)"

// Unusable is an error of a target that no further trial can mend: no test is
// selected, the suite's program crashes at its start, its report never comes.
// Who runs trials must not try again, and must not count it.
type Unusable struct {
	Usage bool // the command line is at fault, not the suite
	Never bool // no trial before came to anything either: there is no result
	Err   error
}

func (e *Unusable) Error() string { return e.Err.Error() }
func (e *Unusable) Unwrap() error { return e.Err }
