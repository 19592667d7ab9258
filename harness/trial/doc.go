// Package trial plays trials: one run of some tests on an empty Redis behind a
// proxy that injects what a plan says and records what passes. A Pool plays them
// in real time on workers of its own; the journal keeps what came of each.
//
// It is the part of the hunt that does I/O. It must never decide which trial
// comes next, or what a finding is.
package trial
