// Package rundir keeps the directory that a run writes to: one run at a time,
// what the run was asked to do, its journal, and its findings as they are proven.
// What stands there is true at any moment, so that a run that was killed can be
// reported, judged and gone on with.
//
// It must never write outside its directory, whatever a file that it read says,
// nor make a file that other users can read.
package rundir
