package detect

import (
	"strconv"
	"time"
)

// Presence is what a reply says of whether a key was there.
type Presence uint8

// What a reply can say.
const (
	Silent Presence = iota
	Present
	Absent
)

// TTLRead is a command whose reply told whether a key with a time to live was there.
type TTLRead struct {
	Key       string
	Set       *Command // what gave the key its time to live last
	Read      *Command
	Found     Presence
	Remaining time.Duration // until the key expires, at Read; negative: since it expired. From when Set and Read went to Redis
}

// PresenceOf tells from the reply of c whether its first key was there.
func PresenceOf(c *Command) Presence {
	if !c.Answered() || c.IsError || len(c.Result) == 0 || len(c.Keys) == 0 {
		return Silent
	}
	r := c.Result[0]
	there := func(b bool) Presence {
		if b {
			return Present
		}
		return Absent
	}
	switch c.Verb {
	case "GET", "GETEX", "GETDEL", "GETRANGE", "HGET", "LINDEX", "DUMP":
		return there(r != "(nil)")
	case "DEL", "UNLINK": // one that removed nothing tidies up, and looks for nothing
		if len(c.Keys) > 1 || r == "0" {
			return Silent
		}
		return Present
	case "EXPIRE", "PEXPIRE":
		if len(c.Args) > 2 {
			return Silent // NX, XX, GT, LT: it may have been there
		}
		return there(r != "0")
	case "EXISTS", "TOUCH", "STRLEN", "HLEN", "LLEN", "SCARD", "ZCARD", "XLEN":
		if len(c.Keys) > 1 {
			return Silent
		}
		return there(r != "0")
	case "TTL", "PTTL":
		return there(r != "-2")
	case "TYPE":
		return there(r != "none")
	case "SETNX", "HSETNX":
		return there(r == "0")
	case "SET":
		switch {
		case c.has("GET"):
			return there(r != "(nil)")
		case c.has("NX"):
			return there(r == "(nil)")
		case c.has("XX"):
			return there(r != "(nil)")
		}
	}
	return Silent
}

// TTLReads finds every reply that told of a key which had been given a time to live.
func TTLReads(t *Trace) []TTLRead {
	var out []TTLRead
	for _, key := range t.Keys() {
		var set *Command
		for _, c := range t.On(key) {
			if set != nil && c != set && c.Sent > set.Sent {
				if p := PresenceOf(c); p != Silent && c.Keys[0] == key {
					out = append(out, TTLRead{Key: key, Set: set, Read: c, Found: p, Remaining: set.TTL - (c.Sent - set.Sent)})
				}
			}
			switch {
			case c.Expires && c.Answered():
				set = c
			case c.Clears && c.Writes && c.Answered():
				set = nil
			}
		}
	}
	return out
}

// Left is the remaining time to live that a TTL or PTTL returned.
func Left(c *Command) (left time.Duration, ok bool) {
	if len(c.Result) != 1 || c.IsError {
		return 0, false
	}
	n, err := strconv.ParseInt(c.Result[0], 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	switch c.Verb {
	case "TTL":
		return time.Duration(n) * time.Second, true
	case "PTTL":
		return time.Duration(n) * time.Millisecond, true
	}
	return 0, false
}
