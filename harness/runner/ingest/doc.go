// Package ingest reads what test runners write: JUnit XML in its many dialects,
// the event stream of go test -json, CTRF, TRX, NUnit and TAP. It gives the
// tests names that tell them apart, and finds the assertion in what a runner
// printed.
//
// It must never run anything, follow a name to another file, hold more than a
// bounded part of what a test printed, or turn a report that it could not read
// into a pass.
package ingest
