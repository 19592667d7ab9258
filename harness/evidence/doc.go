// Package evidence says what trials are worth: how one trial reads, what an
// investigation of one candidate found out, when that proves a cause, and which
// cause that is. All of it is pure.
//
// It must never run a trial, ask the clock, or know what a finding is.
package evidence
