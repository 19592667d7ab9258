// Package summary turns the trials of a run into what it says of each test:
// counts, rate with interval, what a clean result excludes, status, and the
// failures grouped by fingerprint.
//
// It is pure: it must never read a file or a clock, or change a trial. The
// same trials in any order give the same result.
package summary
