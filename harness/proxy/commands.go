package proxy

import "sync"

// class is what a command tells of the connection that sends it.
type class uint8

const (
	classKV class = iota
	classHandshake
	classPublish
	classSubscribe
)

// effect is what a command does to the state of its connection.
type effect uint8

const (
	noEffect effect = iota
	onSubscribe
	onUnsubscribe
	onMulti
	onExec
	onDiscard
	onReset
	onHello
	onMonitor
	onClient
	onReplicate
	onQuit
)

// place says where a command's first key is.
type place uint8

const (
	keyFirst   place = iota // the first argument
	keyNone                 // nowhere
	keySecond               // the second argument
	keyThird                // the third argument
	keyCounted              // after a count, the first argument
	keyAfter2               // after a count, the second argument
	keyStreams              // after the word STREAMS
)

// extent says which arguments from the first key on are keys, too. Where keys
// are counted, or follow STREAMS, the command itself says it.
type extent uint8

const (
	keyAlone   extent = iota // the first key alone
	keyAll                   // all arguments
	keyAllBut1               // all but the last
	keyPairs                 // every other one
	keyTwo                   // two
	keyStore                 // the first key, and after a count those of its sources
)

// command is what the proxy knows of a command. The zero command is right for
// every ordinary one: its first argument is its first key, and it has one reply.
type command struct {
	name      string // upper case; of a container "NAME|SUBCOMMAND"
	class     class
	effect    effect
	key       place
	keys      extent
	container bool // the first argument is a subcommand
	blocking  bool // may wait in Redis
	blocks    bool // waits if the word BLOCK is among its arguments
	secret    bool // may carry a credential
}

// plain reports whether the verb and the first argument tell all there is to know.
func (c *command) plain() bool {
	return c.key <= keyNone && c.effect == noEffect && !c.container && !c.blocks && !c.secret
}

// commandTable gives what makeCommandTable does, once for all proxies: in virtual
// time there is a new one every millisecond. Nobody may change it.
var commandTable = sync.OnceValue(makeCommandTable)

// makeCommandTable lists the commands that differ from the zero command. Key
// positions are those of COMMAND DOCS of Redis 7.
func makeCommandTable() map[string]*command {
	t := map[string]*command{}
	add := func(c command, names ...string) {
		for _, n := range names {
			c := c
			c.name = n
			t[n] = &c
		}
	}
	hs := command{class: classHandshake, key: keyNone}
	add(hs, "PING", "ECHO", "SELECT", "INFO", "READONLY", "READWRITE", "ASKING", "TIME", "ROLE", "LOLWUT")
	add(command{class: classHandshake, key: keyNone, effect: onQuit}, "QUIT")
	add(command{class: classHandshake, key: keyNone, effect: onReset}, "RESET")
	add(command{class: classHandshake, key: keyNone, effect: onHello, secret: true}, "HELLO")
	add(command{class: classHandshake, key: keyNone, secret: true}, "AUTH")
	add(command{class: classHandshake, key: keyNone, container: true, effect: onClient}, "CLIENT")
	add(command{class: classHandshake, key: keyNone, container: true}, "CLUSTER", "LATENCY", "SLOWLOG", "MODULE")
	add(command{class: classHandshake, key: keyNone, container: true, secret: true}, "CONFIG", "ACL", "COMMAND", "SENTINEL")

	add(command{class: classPublish}, "PUBLISH", "SPUBLISH")
	add(command{class: classSubscribe, effect: onSubscribe, keys: keyAll}, "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")
	add(command{class: classSubscribe, effect: onUnsubscribe, keys: keyAll}, "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE")
	add(command{class: classSubscribe, key: keyNone, effect: onMonitor}, "MONITOR")
	add(command{key: keyNone, effect: onReplicate}, "SYNC", "PSYNC")

	add(command{key: keyNone, effect: onMulti}, "MULTI")
	add(command{key: keyNone, effect: onExec}, "EXEC")
	add(command{key: keyNone, effect: onDiscard}, "DISCARD")

	add(command{key: keyNone}, "UNWATCH", "DBSIZE", "FLUSHDB", "FLUSHALL", "SWAPDB", "SAVE", "BGSAVE", "BGREWRITEAOF",
		"LASTSAVE", "SHUTDOWN", "REPLICAOF", "SLAVEOF", "FAILOVER", "REPLCONF", "RANDOMKEY", "SCAN", "KEYS")
	add(command{key: keyNone, blocking: true}, "WAIT", "WAITAOF")
	add(command{key: keyNone, container: true}, "PUBSUB")
	add(command{key: keyNone, container: true, secret: true}, "SCRIPT", "FUNCTION")
	add(command{key: keySecond, container: true}, "OBJECT", "MEMORY", "DEBUG", "XGROUP", "XINFO")

	add(command{key: keyAfter2}, "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO")
	add(command{key: keyAfter2, secret: true}, "EVAL", "EVAL_RO")
	add(command{key: keyCounted}, "SINTERCARD", "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "LMPOP", "ZMPOP")
	add(command{key: keyAfter2, blocking: true}, "BLMPOP", "BZMPOP")
	add(command{key: keySecond, keys: keyAll}, "BITOP")
	add(command{keys: keyAll}, "DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "WATCH", "SDIFF", "SINTER", "SUNION",
		"SDIFFSTORE", "SINTERSTORE", "SUNIONSTORE", "PFCOUNT", "PFMERGE")
	add(command{keys: keyPairs}, "MSET", "MSETNX")
	add(command{keys: keyTwo}, "RENAME", "RENAMENX", "COPY", "LMOVE", "RPOPLPUSH", "SMOVE", "LCS", "ZRANGESTORE", "GEOSEARCHSTORE")
	add(command{keys: keyStore}, "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE")
	add(command{key: keyThird, secret: true}, "MIGRATE")
	add(command{key: keyStreams, blocks: true}, "XREAD", "XREADGROUP")
	add(command{keys: keyAllBut1, blocking: true}, "BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX")
	add(command{keys: keyTwo, blocking: true}, "BRPOPLPUSH", "BLMOVE")
	return t
}
