// Package store keeps the history of runs in one SQLite file: per run and test
// the counts, failures by fingerprint, findings, margins, and what directed
// hunts learned.
//
// It must never decide anything about a test, and must never keep a
// credential, a host name or a person's name. No other package knows that the
// history is a database.
package store
