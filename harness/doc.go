// Package harness is the vocabulary that every part of flakehunt speaks:
// Point, Decision, Schedule, Event, Outcome, Finding, Target, Result.
//
// It holds data and the few interfaces between parts. It must never do I/O,
// start a goroutine, read a clock, or import anything but the standard library.
package harness
