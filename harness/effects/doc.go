// Package effects says what a Redis command touches: keys, the keyspace,
// channels, and the server's state. Two commands conflict when one writes what
// the other touches: then their order can matter.
//
// The table of commands (table.txt) is a server's own, from COMMAND and COMMAND
// DOCS; `go generate` renews it, and a test compares it with a live server. What
// those do not tell (what a reply says, what SET's options change, what of the
// server's state a command uses) is written here, one file a family.
//
// It must never do I/O, ask the clock, or say that a command leaves alone what
// it may touch: what is not known is taken for touched.
package effects

//go:generate go test -count=1 -run ^TestTheTableIsTheServers$ . -update
