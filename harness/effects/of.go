package effects

import (
	"slices"
	"strings"
)

// cut ends a word that a recording shortened.
const cut = "…"

// Name is the verb of a command with its subcommand, if its first argument is
// one: CONFIG|SET.
func Name(args []string) string {
	if len(args) == 0 {
		return ""
	}
	verb := strings.ToUpper(args[0])
	if len(args) > 1 && containers()[verb] {
		if sub := verb + "|" + strings.ToUpper(args[1]); table()[sub] != nil {
			return sub
		}
	}
	return verb
}

// Of says what a command touches, its verb and arguments given as they were
// sent. Of a script or function that is what it declares; Observed gives what it
// did.
func Of(args []string) Effects {
	e := Effects{Verb: Name(args)}
	c := table()[e.Verb]
	if c == nil {
		e.Unknown = e.Verb != ""
		return e
	}
	for _, s := range c.specs {
		if s.has("not_key") { // a shard channel
			continue
		}
		u := useOf(s)
		refine(e.Verb, args, &u)
		places := s.find(args)
		if s.keyword != "" && places == nil {
			continue // an option that is not there
		}
		e.ReadsKeys, e.WritesKeys = e.ReadsKeys || u.Reads, e.WritesKeys || u.Writes
		for _, p := range places {
			e.key(args[p], u)
		}
	}
	elsewhere(&e, args)
	_, e.Blocking = Timeout(args)
	e.resources(c, args)
	serverState(&e, args)
	messages(&e, args)
	streams(&e, args)
	return e
}

// key adds one key, unless the recording cut it.
func (e *Effects) key(k string, u KeyUse) {
	if strings.HasSuffix(k, cut) || k == "" && e.Verb == "MIGRATE" {
		return
	}
	u.Key = k
	e.Keys = append(e.Keys, u)
}

// useOf reads what COMMAND says of a key: RO, RW, OW (overwritten), RM (removed).
func useOf(s spec) KeyUse {
	switch {
	case s.has("RO"):
		return KeyUse{Reads: true}
	case s.has("OW"):
		return KeyUse{Writes: true, Blind: true}
	}
	return KeyUse{Reads: true, Writes: true} // RW, RM: the reply tells what was there
}

// refine corrects what holds for the verb by what the options say, and by what
// the reply tells: that of HSET or EXPIRE is mostly not looked at.
func refine(verb string, args []string, u *KeyUse) {
	switch verb {
	case "SET":
		conditional := len(args) > 3 && slices.ContainsFunc(args[3:], func(a string) bool {
			switch strings.ToUpper(a) {
			case "NX", "XX", "GET", "IFEQ", "IFNE", "IFDEQ", "IFDNE":
				return true
			}
			return false
		})
		u.Reads, u.Blind = conditional, !conditional
	case "GETEX":
		u.Writes = len(args) > 2
	case "HSET", "HMSET", "LSET", "LTRIM", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "XTRIM", "XSETID",
		"HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT", "HPERSIST":
		u.Reads = false
	case "SORT":
		if u.Blind { // STORE, which is found elsewhere
			u.Writes = has(args, "STORE")
		}
	case "MSETNX": // OW by its specification, but only if no key was there
		u.Reads, u.Blind = true, false
	case "COPY", "RENAMENX":
		u.Reads, u.Blind = true, false
	case "BITFIELD":
		u.Writes = has(args, "SET") || has(args, "INCRBY")
	case "EVAL_RO", "EVALSHA_RO", "FCALL_RO":
		*u = KeyUse{Reads: true}
	}
}

// elsewhere finds keys that COMMAND can't place.
func elsewhere(e *Effects, args []string) {
	if e.Verb != "SORT" && e.Verb != "SORT_RO" {
		return
	}
	for i := 2; i+1 < len(args); i++ {
		switch strings.ToUpper(args[i]) {
		case "STORE":
			e.key(args[i+1], KeyUse{Writes: true, Blind: true})
			e.WritesKeys = true
		case "BY", "GET":
			if strings.Contains(args[i+1], "*") {
				e.read(Resource{Kind: Keyspace, Name: args[i+1]})
			}
		case "LIMIT":
			i++
		default:
			continue
		}
		i++
	}
}

// resources makes the keys' resources: parts of a key where the command names
// them.
func (e *Effects) resources(c *command, args []string) {
	parts := partsOf(e.Verb, args)
	for _, k := range e.Keys {
		list := []Resource{{Kind: Key, Name: k.Key}}
		if len(parts) > 0 {
			list = list[:0]
			for _, p := range parts {
				list = append(list, Resource{Kind: Key, Name: k.Key, Part: p})
			}
		}
		for _, r := range list {
			if k.Reads {
				e.read(r)
			}
			if k.Writes {
				e.write(r)
			}
		}
	}
	if e.WritesKeys { // which may be told to subscribers
		e.read(Resource{Kind: Configuration, Name: "notify-keyspace-events"})
	}
	if c.has("denyoom") && e.WritesKeys {
		e.read(Resource{Kind: Configuration, Name: "maxmemory"})
	}
}

// maxParts is how many fields or members of a command are kept apart; more are
// taken for the whole key.
const maxParts = 32

// partsOf gives the fields or members of its one key that a command names; none
// if it is about the whole key.
func partsOf(verb string, args []string) []string {
	from, step := 0, 1
	switch verb {
	case "HSET", "HMSET", "HSETNX":
		from, step = 2, 2
	case "HGET", "HMGET", "HDEL", "HEXISTS", "HSTRLEN", "SADD", "SREM", "SISMEMBER", "SMISMEMBER", "ZREM", "ZSCORE", "ZMSCORE":
		from = 2
	case "HINCRBY", "HINCRBYFLOAT", "SETBIT", "GETBIT":
		from, step = 2, len(args)
	case "ZINCRBY":
		from, step = 3, len(args)
	case "ZADD":
		from, step = zaddMembers(args), 2
	default:
		return nil
	}
	var out []string
	for i := from; i < len(args); i += max(step, 1) {
		if len(out) == maxParts || strings.HasSuffix(args[i], cut) {
			return nil
		}
		out = append(out, args[i])
	}
	return out
}

// zaddMembers is where the first member of ZADD is.
func zaddMembers(args []string) int {
	i := 2
	for ; i < len(args); i++ {
		switch strings.ToUpper(args[i]) {
		case "NX", "XX", "GT", "LT", "CH", "INCR":
			continue
		}
		break
	}
	return i + 1
}

// has reports whether word is among the arguments after the first.
func has(args []string, word string) bool {
	return len(args) > 2 && slices.ContainsFunc(args[2:], func(a string) bool { return strings.EqualFold(a, word) })
}

// at gives an argument, "" if there is none.
func at(args []string, i int) string {
	if i < 0 || i >= len(args) {
		return ""
	}
	return args[i]
}

// after gives the argument that follows a word; false if there is none.
func after(args []string, word string) (string, bool) {
	for i := 1; i+1 < len(args); i++ {
		if strings.EqualFold(args[i], word) {
			return args[i+1], true
		}
	}
	return "", false
}
