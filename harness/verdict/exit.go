package verdict

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Exit codes of the program. Every command uses these.
const (
	ExitClean       = 0
	ExitFlaky       = 1   // a flake, a failure, or a gate breach
	ExitUsage       = 2   // a flag, argument or settings file is wrong
	ExitHarness     = 3   // the harness or Redis could not do its work
	ExitUndecided   = 4   // undecided within the budget
	ExitInterrupted = 130 // ended early; partial reports are written
)

// Exit says with what code a run ends that gave r and err. An interruption comes
// first, since what was not run may hide anything; then what failed; then what
// the harness could not do, for the run or for one test; then tests that the sequential test left undecided.
func Exit(r *harness.Result, err error) int {
	switch {
	case r.Interrupted:
		return ExitInterrupted
	case slices.ContainsFunc(r.Tests, func(t harness.TestResult) bool { return Fails(t.Status) }):
		return ExitFlaky
	case err != nil || Starved(r) || slices.ContainsFunc(r.Tests, unjudgeable):
		return ExitHarness
	case slices.ContainsFunc(r.Tests, open):
		return ExitUndecided
	}
	return ExitClean
}

// Starved reports whether the harness could not do what was asked: trials were
// lost, and so many that the run is short of them, or none was done.
func Starved(r *harness.Result) bool {
	if len(r.Infra) == 0 {
		return false
	}
	return r.TrialsDone == 0 || r.TrialsDone < Share(r)
}
