// Package contrast tells what is different on the wire when a test fails. It makes
// predicates of all runs of one test, passing and failing, with and without
// delays: which of two commands took effect first, how long one came after the
// other, what a reply was, whether a key had expired, whether a frame was there at
// all. It ranks them by how well they go with the failure, and gives for the best
// the schedules that force them both ways.
//
// It must never do I/O, ask the clock, read what a failure says, or call anything
// a cause: what goes with a failure may follow from it or from what both come
// from. Forcing a predicate both ways is what proves it, and that is the hunt's
// work.
//
// Predicates and their Increase are those of Cooperative Bug Isolation (Liblit et
// al., PLDI '05), with orders of shared accesses as in its extension to
// concurrency (Jin et al., OOPSLA '10). The number of tests made is corrected for
// as Tarone has it (Biometrics 46, 1990): predicates that could not have been
// significant, however they fell, are not counted, and those that hold in exactly
// the same runs are one test.
package contrast
