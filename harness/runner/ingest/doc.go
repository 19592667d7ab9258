// Package ingest reads what test runners write: JUnit XML in its many dialects
// and the event stream of go test -json.
//
// It must never run anything, follow a name to another file, hold more than a
// bounded part of what a test printed, or turn a report that it could not read
// into a pass.
package ingest
