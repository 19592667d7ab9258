// Package gate says whether a pipeline may go on, given what a run found, what
// the past says, and which flakes are excused for now.
//
// It is a pure function of these: it must never run a test, read a database or
// ask for the time, and must never excuse what nobody owns.
package gate
