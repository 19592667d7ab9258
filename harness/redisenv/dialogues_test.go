package redisenv_test

// dialogues are what is said to the embedded Redis and to a real one, whose
// answers must be the same, over RESP2 and over RESP3. A line is
//
//	a SET k 'v w'     connection a sends, and reads one answer
//	a <               connection a reads one thing more: a message, a further confirmation
//	a <<              connection a has nothing more to read
//	pause 50ms        time passes
//
// "~" before a line compares with all numbers made equal: versions, ids, times.
// "!!" and a reason after a line say that the answers are known to differ: this
// is the list of the imitation's faults. One that no longer differs fails too,
// so that the list stays true; "!?" is for those that show at times.
var dialogues = []dialogue{
	{"strings", `
a GET k
a SET k v
a GET k
a SET k 'v w' XX
a SET new v XX
a SET k other NX
a SET once 1 NX
a GET k
a SET k v2 GET
a SET absent v GET
a GETDEL k
a GETDEL k
a MSET a 1 b 2
a MGET a nothing b
a APPEND a 23
a STRLEN a
a SETNX a 1
a SETNX c 1
a TYPE a
a TYPE nothing
a GETSET a 9
a DBSIZE
`},
	{"counters", `
a INCR n
a INCR n
a INCRBY n 40
a DECR n
a DECRBY n 2
a GET n
a SET s text
a INCR s
a SET big 9223372036854775807
a INCR big
a INCRBYFLOAT f 1.5
a INCRBY n x
`},
	{"keys", `
a SET k v
a EXISTS k
a EXISTS k k nothing
a DEL k nothing
a DEL k
a EXISTS k
a SET x 1
a SET y 1
a UNLINK x y
a SET p:1 v
a SCAN 0 MATCH p:* COUNT 1000
a SCAN 0 MATCH q:* COUNT 1000
a SCAN 0 MATCH *p* COUNT 1000 TYPE string
a KEYS p:*
a RENAME p:1 p:2
a RENAME p:1 p:3
a FLUSHDB
a DBSIZE
`},
	{"expiry", `
a SET k v PX 60000
a TTL k
~a PTTL k
a SET k v EX 60
a TTL k
a SET k w KEEPTTL
a TTL k
a GET k
a SET k w
a TTL k
a PTTL k
a TTL nothing
a PTTL nothing
a SET lock 1 EX 60 NX
a SET lock 2 EX 60 NX
a SET lock 2 NX EX 60
a GET lock
a EXPIRE k 100
a TTL k
a PEXPIRE k 100000
a TTL k
a EXPIRE k 50 GT
a EXPIRE k 50 LT
a TTL k
a EXPIRE k 10 NX
a PERSIST k
a PERSIST k
a TTL k
a EXPIRE nothing 10
a EXPIRE k 0
a EXISTS k
a SETEX k 60 v
a PSETEX k 60000 v
a TTL k
a GETEX k PERSIST
a TTL k
a SET k v EX 0 !! other words
a SET k v EX -1 !! other words
a SET k v PX x
a SET k v EX 1 PX 1
a EXPIRETIME nothing
a SET k v PX 1400
a TTL k
a SET k v PX 1900
a TTL k
a EVAL 'return redis.call("TTL", KEYS[1])' 1 k
a SELECT 1
a TTL k
a SELECT 0
a MULTI
a TTL k
a EXEC !! cut instead of rounded in a transaction
`},
	{"what has expired is gone", `
a SET k v PX 40
a SET keep v PX 40
a SET keep w
a SET later v PX 40
a PEXPIRE later 60000
a HSET h f v
a PEXPIRE h 40
a SET counter 41 PX 40
a SET lock 1 NX PX 40
pause 60ms
a GET k
a EXISTS k
a TTL k
a PTTL k
a DEL k
a GET keep
a GET later
a HGET h f
a INCR counter
a TTL counter
a SET lock 2 NX PX 60000
a GET lock
a SCAN 0 MATCH k* COUNT 1000
a DBSIZE
`},
	{"scripts", `
a EVAL 'return redis.call("GET", KEYS[1])' 1 k
a SET k v
a EVAL 'return redis.call("GET", KEYS[1])' 1 k
a EVAL 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0' 1 k other
a EVAL 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0' 1 k v
a EVAL 'if redis.call("GET", KEYS[1]) == false then return 1 end return 0' 1 k
a EVAL 'if tonumber(ARGV[1]) > 0 then redis.call("SET", KEYS[1], "x", "PX", ARGV[1]) end return 1' 1 k 60000
a TTL k
a EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
a SCRIPT LOAD 'return {1, "two", false, 3.9}'
a EVALSHA 17fa01d8ac85b28d2eff0c0ebd98ea81b9db4d90 0
a SCRIPT EXISTS 17fa01d8ac85b28d2eff0c0ebd98ea81b9db4d90 ffffffffffffffffffffffffffffffffffffffff
a SCRIPT FLUSH
a SCRIPT EXISTS 17fa01d8ac85b28d2eff0c0ebd98ea81b9db4d90
a EVAL 'return {err = "CUSTOM no"}' 0
a EVAL 'return {ok = "FINE"}' 0
a EVAL 'return redis.error_reply("ERR mine")' 0
a EVAL 'return cjson.encode({a = 1})' 0
a EVAL 'return #KEYS + #ARGV' 2 a b c
a EVAL 'return 1' x
a EVAL 'return 1' 2 a
~a EVAL 'this is no lua' 0 !! another Lua, with other words for a syntax error
`},
	{"publish and subscribe", `
a PUBLISH nobody x
s SUBSCRIBE one two
s <
a PUBLISH one hello
s <
a PUBLISH three hello
s <<
s UNSUBSCRIBE one
a PUBLISH one hello
s UNSUBSCRIBE two
s SUBSCRIBE one
s SUBSCRIBE one
a PUBLISH one once
s <
s <<
a PUBSUB CHANNELS
a PUBSUB NUMSUB one two
a PUBSUB NUMPAT
`},
	{"patterns", `
s PSUBSCRIBE *
a PUBLISH any hello
s <
s SUBSCRIBE any
a PUBLISH any twice
s < !? the pattern's message comes before the channel's
s < !? and the channel's after it
p PSUBSCRIBE news.* news.?
p <
a PUBLISH news.1 x !! a connection with several patterns that fit gets one message
p < !? that of any pattern, by the order of a map
p < !! none for the second
s <
a PUBSUB NUMPAT
p PUNSUBSCRIBE news.*
p PUNSUBSCRIBE
p PUNSUBSCRIBE
s PUNSUBSCRIBE *
a PUBLISH any one
s <
s <<
`},
	{"a subscriber that leaves", `
s SUBSCRIBE one
a PUBLISH one x
s <
s UNSUBSCRIBE
s GET k
s UNSUBSCRIBE one
`},
	{"a subscriber may say little", `
s SUBSCRIBE one
s PING !! RESP3: answers as over RESP2
s PING hello !! RESP3: answers as over RESP2
s GET k !! an older list of what a subscriber may say
`},
	{"streams", `
~a XADD s * type created payload '{"a":1}'
a XADD t 1-1 f v
a XADD t 1-2 f v g w
a XADD t 1-2 f v
a XADD t 0-0 f v
a XADD t 5-* f v
a XLEN t
a XRANGE t - +
a XRANGE t - + COUNT 1
a XRANGE t (1-1 +
a XREVRANGE t + -
a XRANGE nothing - +
~a XRANGE s - +
a XREAD COUNT 1 STREAMS t 0 !! RESP3: a list in the place of a map
a XREAD STREAMS t $ !! RESP3: nil of another type
a XADD u MAXLEN 2 1-1 f v
a XADD u MAXLEN 2 1-2 f v
a XADD u MAXLEN 2 1-3 f v
a XRANGE u - +
a XADD none NOMKSTREAM * f v
a XDEL t 1-1
a XLEN t
a XTRIM t MAXLEN 1
a XADD t * f
a TYPE t
a EXISTS s t none
a DEL t
`},
	{"transactions", `
a MULTI
a SET k v
a INCR n
a GET k
a EXEC
a MULTI
a SET k w
a DISCARD
a GET k
a WATCH k
b SET k other
a MULTI
a SET k mine
a EXEC !! RESP3: nil of another type
a GET k
a EXEC
a DISCARD
a MULTI
a MULTI
a NOSUCH !! other words
a EXEC !! a command that does not exist does not spoil the transaction
`},
	{"errors", `
a NOSUCH x y !! other words
a GET
a GET k x
a SET k
a HSET h f v
a GET h
a INCR h
a LPUSH h x
a XADD h * f v
a SET k v NONSENSE
a EXPIRE k x
a PUBLISH k
a SUBSCRIBE
a SELECT 99
a CLIENT NOSUCH
a XRANGE k - +
`},
	{"connection", `
a PING
a PING hello
a ECHO hello
a CLIENT GETNAME
a CLIENT SETNAME worker
a CLIENT GETNAME
a CLIENT SETNAME 'two words'
~a CLIENT ID !! not there
a CLIENT SETINFO LIB-NAME x
a SELECT 1
a SET k v
a SELECT 0
a GET k
a AUTH x
~a HELLO 2 !! another name and version
~a HELLO 3 !! another name and version
a HELLO 9
a HELLO x
~a INFO server !! not there: no version, no process
a CONFIG GET maxmemory !! not there
a QUIT
`},
	{"other types", `
a HSET h f v g w
a HGET h f
a HGETALL h
a HDEL h f
a HINCRBY h n 2
a RPUSH l a b c
a LRANGE l 0 -1
a LPOP l
a BLPOP l 1
a BRPOPLPUSH l m 1
a SADD s a
a SADD s a
a SISMEMBER s a
a SMEMBERS s
a ZADD z 1 a 2 b
a ZRANGE z 0 -1 WITHSCORES !! RESP3: pairs are not nested
a ZSCORE z a
`},
	{"blocking", `
a BLPOP q 0.05 !! RESP3: nil of another type
b RPUSH q x
a BLPOP q 0
a XREAD BLOCK 20 STREAMS s $ !! RESP3: nil of another type
`},
}
