// Package finding knows what one finding is: which failures are of one cause,
// what a cause's fingerprint is, which of two proofs is the stronger, and what a
// test has to do with the findings. All of it is pure.
//
// It must never run a trial, ask the clock, or do I/O.
package finding
