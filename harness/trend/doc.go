// Package trend says how a suite's tests did over time: pass rates run by run,
// where they changed and between which commits, what was mended, and how
// margins moved.
//
// It is a pure function of a history that was read elsewhere: it must never
// open a database or a file, and must never print.
package trend
