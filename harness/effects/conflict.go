package effects

import (
	"slices"
	"strings"
)

// Sort says how two commands of a conflict touch what they share.
type Sort uint8

// How two commands conflict, the first named first.
const (
	WriteRead  Sort = iota + 1 // the second sees what the first did
	ReadWrite                  // the first does not see what the second will do
	WriteWrite                 // what is left is the second's
)

// Conflict is what two commands share that one of them writes.
type Conflict struct {
	On   Resource
	Sort Sort
	// Weight is how probably the other order shows, from 1 down to 0: low for
	// those that commute but for their replies.
	Weight float64
}

// Conflicts finds what matters most of what two commands of two clients share,
// a having come before b. It reports false if their order makes no difference.
func Conflicts(a, b Effects) (Conflict, bool) {
	var best Conflict
	consider := func(r, o Resource, s Sort) {
		if !r.Meets(o) {
			return
		}
		if narrower(o, r) {
			r = o
		}
		if w := weigh(a, b, r, s); w > best.Weight {
			best = Conflict{On: r, Sort: s, Weight: w}
		}
	}
	for _, w := range a.Writes {
		for _, r := range b.Reads {
			consider(w, r, WriteRead)
		}
		for _, o := range b.Writes {
			consider(w, o, WriteWrite)
		}
	}
	for _, r := range a.Reads {
		for _, w := range b.Writes {
			consider(r, w, ReadWrite)
		}
	}
	return best, best.Weight > 0
}

// narrower reports whether a says more of what is shared than b, which it meets.
func narrower(a, b Resource) bool {
	switch {
	case a.Kind != b.Kind:
		return a.Kind == Key
	case a.Kind == Key || a.Kind == Group:
		return a.Part != "" && b.Part == ""
	case a.Kind == Clients:
		return a.Name == self
	case a.Part != b.Part: // channel and pattern
		return a.Part == ""
	}
	return b.Name == ""
}

// weigh judges one shared resource.
func weigh(a, b Effects, r Resource, s Sort) float64 {
	w := map[Sort]float64{WriteRead: 1, ReadWrite: 0.8, WriteWrite: 0.6}[s]
	switch r.Kind {
	case Key, Keyspace:
		return w * data(a, b, r)
	case Group:
		if s != WriteWrite || strings.HasPrefix(a.Verb, "XGROUP") != strings.HasPrefix(b.Verb, "XGROUP") {
			return 1.05 * w // it says more than the stream does
		}
		return w / 2
	case Channel, ShardChannel: // two publishers; that one is heard is a matter of the registry
		return w / 2
	case Scripts:
		if a.Verb == "SCRIPT|LOAD" && b.Verb == "SCRIPT|LOAD" || evaluates(a) && evaluates(b) {
			return 0
		}
		if evaluates(a) || evaluates(b) { // whoever is told NOSCRIPT sends EVAL as a rule
			return w / 3
		}
		return w
	case Clients:
		return w * listed(a) * listed(b)
	case Configuration:
		return w * 0.9
	case State:
		return w * 0.3
	}
	return w
}

func evaluates(e Effects) bool { return e.Verb == "EVAL" || e.Verb == "EVAL_RO" }

// listed is lower for what connections tell of themselves as they begin and end.
func listed(e Effects) float64 {
	switch e.Verb {
	case "HELLO", "AUTH", "CLIENT|SETINFO", "SELECT", "RESET", "CLIENT|NO-TOUCH":
		return 0.3
	case "QUIT":
		return 0.6
	}
	return 1
}

// data judges two commands on one key, or one of them on the keyspace. Of a
// script counts what it was seen to do to the key.
func data(a, b Effects, r Resource) float64 {
	x, y := verbOn(a, r), verbOn(b, r)
	switch {
	case commutes(x) && commuteClass(x) == commuteClass(y):
		return 0.12
	case onlyTTL(x) && blindToTTL(y) || onlyTTL(y) && blindToTTL(x):
		return 0.15
	case latest(a, r.Name) != latest(b, r.Name):
		return 1.2 // XREAD $ against XADD: what was added before is never seen
	case waits(a) && feeds(y) || waits(b) && feeds(x):
		return 0.15 // it waits for the other, whoever comes first
	case flushes(x) || flushes(y):
		return 0.7
	case r.Kind == Keyspace || keyspaceReader(x) || keyspaceReader(y):
		return 0.8
	}
	return 1
}

// verbOn is what a command does to a resource: of a script, the command within it.
func verbOn(e Effects, r Resource) string {
	if u := e.Use(r.Name); r.Kind == Key && u.Verb != "" {
		return u.Verb
	}
	return e.Verb
}

func latest(e Effects, key string) bool { return slices.Contains(e.Latest, key) }

func flushes(verb string) bool { return verb == "FLUSHALL" || verb == "FLUSHDB" || verb == "SWAPDB" }

func keyspaceReader(verb string) bool {
	return verb == "SCAN" || verb == "KEYS" || verb == "DBSIZE" || verb == "RANDOMKEY"
}

// commuteClass groups commands whose effects add up whatever their order; only
// their replies differ.
func commuteClass(verb string) string {
	switch verb {
	case "INCR", "DECR", "INCRBY", "DECRBY", "INCRBYFLOAT":
		return "number"
	case "HINCRBY", "HINCRBYFLOAT":
		return "field"
	case "ZINCRBY":
		return "score"
	case "SADD":
		return "member"
	case "PFADD":
		return "estimate"
	case "DEL", "UNLINK":
		return "removal"
	case "EXPIRE", "PEXPIRE":
		return "renewal"
	}
	return ""
}

func commutes(verb string) bool { return commuteClass(verb) != "" }

// Commute reports whether the order of two commands shows in their replies at
// most: two INCR, two SADD.
func Commute(a, b Effects) bool {
	return commutes(a.Verb) && commuteClass(a.Verb) == commuteClass(b.Verb)
}

// onlyTTL: the command changes nothing but a time to live.
func onlyTTL(verb string) bool {
	switch verb {
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST":
		return true
	}
	return false
}

// blindToTTL: the command neither tells nor changes a time to live.
func blindToTTL(verb string) bool {
	switch verb {
	case "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "SET", "GETEX", "GETDEL", "GETSET", "SETEX", "PSETEX", "SETNX", "DEL", "UNLINK", "RENAME", "COPY", "RESTORE",
		"EVAL", "EVALSHA", "FCALL", "MSET", "FLUSHALL", "FLUSHDB", "DUMP":
		return false
	}
	return !onlyTTL(verb)
}

// waits: the command waits for what another brings.
func waits(e Effects) bool { return e.Blocking && len(e.Latest) == 0 }

func feeds(verb string) bool {
	switch verb {
	case "LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "ZADD", "XADD", "LMOVE", "RPOPLPUSH", "LINSERT":
		return true
	}
	return false
}
