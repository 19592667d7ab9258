package detect

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// access says what a command does with its keys.
type access uint8

const (
	reads  access = 1 << iota // its reply tells something of the key
	writes                    // it may change the key
	blind                     // it writes without regard to what was there
)

// facts is what is known of a command. Keys are at the arguments first, first +
// step … to last (negative: counted from the end), as in the reply of COMMAND.
type facts struct {
	access            access
	first, last, step int // arguments are counted from 1; first 0: no keys, or special
	value             int // the argument that becomes the key's value; 0: none
	expiry            func(args []string) expiry
}

// expiry is what a command does to a key's time to live.
type expiry struct {
	change change
	ttl    time.Duration // change is setsTTL: from the command's effect
	unsure bool          // a guess: a script's arguments do not say what they are for
}

type change uint8

const (
	keepsTTL change = iota
	setsTTL
	clearsTTL
)

// table holds the commands whose effect on keys matters to the detectors: those
// of Redis 7 on strings, hashes, lists, sets, sorted sets and streams, key
// space, and scripts.
func table() map[string]facts {
	t := map[string]facts{}
	add := func(f facts, names ...string) {
		for _, n := range names {
			t[n] = f
		}
	}
	one := facts{first: 1, last: 1, step: 1}
	with := func(f facts, a access) facts { f.access = a; return f }
	add(with(one, reads),
		"GET", "STRLEN", "GETRANGE", "GETBIT", "BITCOUNT", "BITPOS", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "TYPE", "DUMP",
		"HGET", "HMGET", "HGETALL", "HKEYS", "HVALS", "HLEN", "HEXISTS", "HSTRLEN", "HSCAN",
		"LRANGE", "LLEN", "LINDEX", "LPOS", "SMEMBERS", "SCARD", "SISMEMBER", "SMISMEMBER", "SRANDMEMBER", "SSCAN",
		"ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZCARD", "ZCOUNT", "ZSCORE", "ZRANK", "ZREVRANK", "ZSCAN",
		"XRANGE", "XREVRANGE", "XLEN", "XPENDING")
	add(facts{access: reads, first: 1, last: -1, step: 1}, "MGET", "EXISTS", "TOUCH", "SUNION", "SINTER", "SDIFF")
	add(with(one, reads|writes),
		"INCR", "DECR", "INCRBY", "DECRBY", "INCRBYFLOAT", "APPEND", "SETRANGE", "SETBIT", "BITFIELD",
		"HINCRBY", "HINCRBYFLOAT", "HSETNX", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "LPOP", "RPOP", "BLPOP", "BRPOP", "LREM", "LINSERT",
		"SADD", "SREM", "SPOP", "ZADD", "ZREM", "ZINCRBY", "ZPOPMIN", "ZPOPMAX", "XADD", "XDEL", "XTRIM", "XACK", "HDEL")
	add(with(one, writes), "HSET", "HMSET", "LSET", "LTRIM")
	add(facts{access: reads | writes, first: 1, last: -1, step: 1, expiry: clears}, "DEL", "UNLINK")
	add(facts{access: writes | blind, first: 1, last: -1, step: 2, expiry: clears}, "MSET")
	add(facts{access: reads | writes, first: 1, last: -1, step: 2}, "MSETNX")
	add(facts{access: reads | writes, first: 1, last: 2, step: 1}, "RENAME", "RENAMENX", "COPY", "LMOVE", "BLMOVE", "RPOPLPUSH", "SMOVE")

	// SET with a condition, and with GET, tells what was there; access adds that.
	add(facts{access: writes | blind, first: 1, last: 1, step: 1, value: 2, expiry: setExpiry}, "SET")
	add(facts{access: reads | writes, first: 1, last: 1, step: 1, value: 2, expiry: clears}, "SETNX", "GETSET")
	add(facts{access: reads | writes, first: 1, last: 1, step: 1, expiry: clears}, "GETDEL")
	add(facts{access: writes | blind, first: 1, last: 1, step: 1, value: 3, expiry: at(2, time.Second)}, "SETEX")
	add(facts{access: writes | blind, first: 1, last: 1, step: 1, value: 3, expiry: at(2, time.Millisecond)}, "PSETEX")
	add(facts{access: reads, first: 1, last: 1, step: 1, expiry: getexExpiry}, "GETEX")
	add(facts{access: writes, first: 1, last: 1, step: 1, expiry: at(2, time.Second)}, "EXPIRE")
	add(facts{access: writes, first: 1, last: 1, step: 1, expiry: at(2, time.Millisecond)}, "PEXPIRE")
	add(facts{access: writes, first: 1, last: 1, step: 1}, "EXPIREAT", "PEXPIREAT") // needs the server's clock
	add(facts{access: writes, first: 1, last: 1, step: 1, expiry: clears}, "PERSIST")

	add(facts{access: reads | writes, expiry: scriptExpiry}, "EVAL", "EVALSHA", "FCALL")
	add(facts{access: reads}, "EVAL_RO", "EVALSHA_RO", "FCALL_RO")
	return t
}

// commands is the table, built once; nothing changes it.
var commands = table()

// lookup returns the facts of a command called with args, its conditions
// considered.
func lookup(verb string, args []string) facts {
	f := commands[verb]
	if verb == "SET" && len(args) > 2 {
		for _, opt := range args[2:] {
			switch strings.ToUpper(opt) {
			case "NX", "XX", "GET":
				f.access = reads | writes
			}
		}
	}
	return f
}

// script reports whether a command runs a script or a function, whose keys are
// counted by its second argument.
func script(verb string) bool {
	switch verb {
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO":
		return true
	}
	return false
}

// keysOf returns the keys among args. Those that the recording cut are left out.
func keysOf(verb string, f facts, args []string) []string {
	first, last, step := f.first, f.last, f.step
	if script(verb) {
		if len(args) < 2 {
			return nil
		}
		n, err := strconv.Atoi(args[1])
		if err != nil || n <= 0 || n > len(args)-2 {
			return nil
		}
		first, last, step = 3, 2+n, 1
	}
	if first == 0 {
		return nil
	}
	if last < 0 {
		last += len(args) + 1
	}
	var keys []string
	for i := first; i <= min(last, len(args)); i += max(step, 1) {
		if k := args[i-1]; !strings.HasSuffix(k, "…") && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func clears([]string) expiry { return expiry{change: clearsTTL} }

// at reads the time to live from one argument.
func at(arg int, unit time.Duration) func([]string) expiry {
	return func(args []string) expiry {
		if arg > len(args) {
			return expiry{}
		}
		return timed(args[arg-1], unit)
	}
}

func timed(s string, unit time.Duration) expiry {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > int64(100*365*24*time.Hour/unit) {
		return expiry{}
	}
	return expiry{change: setsTTL, ttl: time.Duration(n) * unit}
}

// setExpiry is SET's: without an option of its kind the time to live goes.
func setExpiry(args []string) expiry {
	for i := 2; i < len(args); i++ {
		switch strings.ToUpper(args[i]) {
		case "EX":
			return at(i+2, time.Second)(args)
		case "PX":
			return at(i+2, time.Millisecond)(args)
		case "KEEPTTL", "EXAT", "PXAT": // the last two need the server's clock
			return expiry{}
		}
	}
	return expiry{change: clearsTTL}
}

func getexExpiry(args []string) expiry {
	for i := 1; i < len(args); i++ {
		switch strings.ToUpper(args[i]) {
		case "EX":
			return at(i+2, time.Second)(args)
		case "PX":
			return at(i+2, time.Millisecond)(args)
		case "PERSIST":
			return expiry{change: clearsTTL}
		}
	}
	return expiry{}
}

// scriptExpiry guesses: a script's last argument that is a round number of
// milliseconds from 20 ms to an hour is taken for a time to live. It is right
// for the usual compare-and-set and lock scripts; what rests on it says so.
func scriptExpiry(args []string) expiry {
	if len(args) < 2 {
		return expiry{}
	}
	n, err := strconv.Atoi(args[1])
	if err != nil || n < 1 || n+2 >= len(args) {
		return expiry{}
	}
	for i := len(args) - 1; i >= n+2; i-- {
		ms, err := strconv.Atoi(args[i])
		if err == nil && ms >= 20 && ms <= 3_600_000 && ms%10 == 0 {
			return expiry{change: setsTTL, ttl: time.Duration(ms) * time.Millisecond, unsure: true}
		}
	}
	return expiry{}
}
