package effects

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Change is what a command does to its key's time to live.
type Change uint8

// What a command can do to a time to live.
const (
	Keeps Change = iota
	Sets
	Clears
)

// TTL is what a command says of its key's time to live.
type TTL struct {
	Change Change
	After  time.Duration // from when the command takes effect
	At     time.Time     // or, if not zero, at this moment of the server's clock
	Unsure bool          // a guess: a script's arguments do not say what they are for
	Only   string        // NX, XX, GT or LT: only if that holds
	Renews bool          // it gives nothing but a time to live: EXPIRE, not SET
}

// Lifetime is what the command does to its key's time to live.
func Lifetime(args []string) TTL {
	switch verb := Name(args); verb {
	case "SET":
		return setLifetime(args, 3)
	case "HSETEX", "HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT", "HPERSIST", "HGETEX":
		return TTL{} // of fields, not of the key
	case "SETEX":
		return within(at(args, 2), time.Second)
	case "PSETEX":
		return within(at(args, 2), time.Millisecond)
	case "EXPIRE":
		return renewal(within(at(args, 2), time.Second), args)
	case "PEXPIRE":
		return renewal(within(at(args, 2), time.Millisecond), args)
	case "EXPIREAT":
		return renewal(moment(at(args, 2), time.Second), args)
	case "PEXPIREAT":
		return renewal(moment(at(args, 2), time.Millisecond), args)
	case "GETEX":
		if t := setLifetime(args, 2); len(args) > 2 {
			t.Renews = true
			return t
		}
	case "RESTORE":
		return restoreLifetime(args)
	case "SETNX", "GETSET", "GETDEL", "DEL", "UNLINK", "PERSIST", "MSET", "FLUSHALL", "FLUSHDB",
		"SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE", "ZRANGESTORE", "BITOP", "GEOSEARCHSTORE":
		return TTL{Change: Clears}
	case "EVAL", "EVALSHA", "FCALL":
		return scriptLifetime(args)
	}
	return TTL{}
}

// setLifetime is SET's, its options from an index on: without one of their kind
// the time to live goes. GETEX differs in that.
func setLifetime(args []string, from int) TTL {
	for i := from; i < len(args); i++ {
		switch strings.ToUpper(args[i]) {
		case "EX":
			return within(at(args, i+1), time.Second)
		case "PX":
			return within(at(args, i+1), time.Millisecond)
		case "EXAT":
			return moment(at(args, i+1), time.Second)
		case "PXAT":
			return moment(at(args, i+1), time.Millisecond)
		case "KEEPTTL":
			return TTL{}
		}
	}
	return TTL{Change: Clears}
}

func restoreLifetime(args []string) TTL {
	if has(args, "ABSTTL") {
		return moment(at(args, 2), time.Millisecond)
	}
	if at(args, 2) == "0" {
		return TTL{Change: Clears}
	}
	return within(at(args, 2), time.Millisecond)
}

// renewal notes that nothing but the time to live changes, and on what
// condition.
func renewal(t TTL, args []string) TTL {
	t.Renews = true
	if o := strings.ToUpper(at(args, 3)); slices.Contains([]string{"NX", "XX", "GT", "LT"}, o) {
		t.Only = o
	}
	return t
}

// within reads a time to live.
func within(s string, unit time.Duration) TTL {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > int64(100*365*24*time.Hour/unit) {
		return TTL{}
	}
	return TTL{Change: Sets, After: time.Duration(n) * unit}
}

// moment reads a moment of expiry.
func moment(s string, unit time.Duration) TTL {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<53/int64(unit/time.Millisecond) {
		return TTL{}
	}
	return TTL{Change: Sets, At: time.UnixMilli(n * int64(unit/time.Millisecond))}
}

// scriptLifetime guesses: a script's last argument that is a round number of
// milliseconds from 20 ms to an hour is taken for a time to live. It is right
// for the usual compare-and-set and lock scripts; what rests on it says so.
func scriptLifetime(args []string) TTL {
	n, err := strconv.Atoi(at(args, 2))
	if err != nil || n < 1 || n+3 >= len(args) {
		return TTL{}
	}
	for i := len(args) - 1; i >= n+3; i-- {
		ms, err := strconv.Atoi(args[i])
		if err == nil && ms >= 20 && ms <= 3_600_000 && ms%10 == 0 {
			return TTL{Change: Sets, After: time.Duration(ms) * time.Millisecond, Unsure: true}
		}
	}
	return TTL{}
}

// Value is the argument that becomes the value of the command's one key; "" if
// it has none such.
func Value(args []string) string {
	switch Name(args) {
	case "SET", "SETNX", "GETSET":
		return at(args, 2)
	case "SETEX", "PSETEX":
		return at(args, 3)
	}
	return ""
}
