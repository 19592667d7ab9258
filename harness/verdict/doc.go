// Package verdict holds the rules that turn counts and findings into words:
// a test's status, how strong a finding is, how two findings of one cause merge,
// and the exit code. A run, a merge of shards, a simulation and a gate all ask
// here, so that they say the same of the same evidence.
//
// It must never do I/O, count trials, or decide what is run.
package verdict
