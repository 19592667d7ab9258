// Package replay runs the schedule of a finding again, and says whether a change
// mended it.
//
// It must never change a finding, or count a failure of another kind as the
// finding's without saying so.
package replay
