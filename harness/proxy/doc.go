// Package proxy stands between Redis clients and Redis, gives every frame that
// passes a name (harness.Point), asks a scheduler what to do with it, does it,
// and records it.
//
//	client ──► pipe ToServer ──► Redis        a pipe: framer → session (what is
//	client ◄── pipe ToClient ◄── Redis        this frame?) → decision → queue
//
// Names. Role is the connection's CLIENT SETNAME (or HELLO … SETNAME) when it
// gave one, with volatile parts taken out as in keys. A nameless connection is
// "sub" from its first SUBSCRIBE or MONITOR on; on any other, each frame is classed by its
// verb: "hs" for handshake and connection commands (HELLO, AUTH, CLIENT, PING,
// SELECT …), "pub" for PUBLISH and SPUBLISH, "kv" for the rest. So the name of
// a command does not depend on which connection of a pool carried it. Verb is
// upper case, with the subcommand where Redis has one: "CLIENT|SETNAME". Key is
// the first key or channel, see normalise; of a pmessage it is the channel, not
// the pattern. N counts frames of one name over all connections from 1, and
// begins again with each test. A reply has its request's N; the confirmations
// of SUBSCRIBE and its like are replies named by their channel and counted as
// they arrive, and so are pushes. A reply that comes after its test has ended
// still belongs to that test and passes undisturbed.
//
// Soundness. Bytes of one connection and direction stay in order and are never
// changed. What cannot be parsed is passed on as it is. Only the disconnect and
// fragment faults do more than delay, when a decision asks for them.
//
// The package must never write a credential to a recorder or log, never choose
// anything at random, and never let a frame that waits on one connection hold
// up another's.
package proxy
