// Package forecast says from measured margins how often a test would fail on a
// given network.
//
// It must never do I/O, ask the clock, or run a test.
package forecast
