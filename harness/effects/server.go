package effects

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

// serverState adds what a command touches beside keys and messages.
func serverState(e *Effects, args []string) {
	container, sub, _ := strings.Cut(e.Verb, "|")
	switch container {
	case "SCAN", "KEYS", "DBSIZE", "RANDOMKEY":
		e.read(Resource{Kind: Keyspace, Name: keyPattern(container, args)})
		e.ReadsKeys = true
	case "FLUSHALL", "FLUSHDB", "SWAPDB":
		e.write(Resource{Kind: Keyspace})
		e.WritesKeys = true
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "SCRIPT":
		scriptCache(e, container, sub, args)
	case "FCALL", "FCALL_RO", "FUNCTION":
		functions(e, sub, args)
	case "CLIENT", "HELLO", "QUIT", "RESET", "SELECT", "MONITOR":
		clients(e, container, sub, args)
	case "CONFIG":
		configuration(e, sub, args)
	case "AUTH":
		e.read(Resource{Kind: ACL})
		e.write(Resource{Kind: Clients, Name: self})
	case "ACL":
		switch sub {
		case "SETUSER", "DELUSER", "LOAD":
			e.write(Resource{Kind: ACL})
		case "LIST", "GETUSER", "USERS", "WHOAMI", "DRYRUN", "SAVE":
			e.read(Resource{Kind: ACL})
		}
	default:
		otherState(e, container, sub)
	}
}

func keyPattern(verb string, args []string) string {
	p := ""
	if verb == "KEYS" {
		p = at(args, 1)
	} else if verb == "SCAN" {
		p, _ = after(args, "MATCH")
	}
	if p == "*" || strings.HasSuffix(p, cut) {
		return ""
	}
	return p
}

// otherState is what only commands about the server itself use.
func otherState(e *Effects, container, sub string) {
	name := ""
	write := false
	switch container {
	case "INFO", "LASTSAVE", "ROLE":
		name = "info"
	case "SAVE", "BGSAVE", "BGREWRITEAOF":
		name, write = "info", true
	case "SLOWLOG", "LATENCY":
		name, write = strings.ToLower(container), sub == "RESET"
	case "REPLICAOF", "SLAVEOF", "FAILOVER":
		name, write = "replication", true
	case "CLUSTER":
		name, write = "cluster", !strings.HasPrefix(sub, "INFO") && !readsCluster(sub)
	case "MODULE":
		name, write = "modules", sub == "LOAD" || sub == "LOADEX" || sub == "UNLOAD"
	default:
		return
	}
	if r := (Resource{Kind: State, Name: name}); write {
		e.write(r)
	} else {
		e.read(r)
	}
}

func readsCluster(sub string) bool {
	switch sub {
	case "NODES", "SLOTS", "SHARDS", "MYID", "KEYSLOT", "COUNTKEYSINSLOT", "GETKEYSINSLOT", "LINKS", "REPLICAS", "":
		return true
	}
	return false
}

// scriptCache: EVAL puts its script there, EVALSHA needs it, FLUSH empties it.
func scriptCache(e *Effects, container, sub string, args []string) {
	switch {
	case container == "EVALSHA" || container == "EVALSHA_RO":
		e.read(Resource{Kind: Scripts, Name: strings.ToLower(at(args, 1))})
	case container != "SCRIPT":
		if sha := SHA1(at(args, 1)); sha != "" {
			e.write(Resource{Kind: Scripts, Name: sha})
		}
	case sub == "LOAD":
		if sha := SHA1(at(args, 2)); sha != "" {
			e.write(Resource{Kind: Scripts, Name: sha})
		} else {
			e.write(Resource{Kind: Scripts})
		}
	case sub == "FLUSH":
		e.write(Resource{Kind: Scripts})
	case sub == "EXISTS":
		for _, a := range args[2:] {
			e.read(Resource{Kind: Scripts, Name: strings.ToLower(a)})
		}
	}
}

// SHA1 is the name of a script in the cache; "" of one that the recording cut.
func SHA1(body string) string {
	if body == "" || strings.HasSuffix(body, cut) {
		return ""
	}
	sum := sha1.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// functions: which library a function is of is not known, so that a change of
// any may change any.
func functions(e *Effects, sub string, args []string) {
	switch sub {
	case "":
		e.read(Resource{Kind: Functions, Name: at(args, 1)})
	case "LOAD", "DELETE", "FLUSH", "RESTORE":
		e.write(Resource{Kind: Functions})
	case "LIST", "DUMP", "STATS":
		e.read(Resource{Kind: Functions})
	}
}

// clients: a connection's own entry is written by much, and read by LIST.
func clients(e *Effects, container, sub string, args []string) {
	all, own := Resource{Kind: Clients}, Resource{Kind: Clients, Name: self}
	switch container {
	case "HELLO":
		if len(args) > 1 {
			e.write(own)
		}
		if has(args, "AUTH") {
			e.read(Resource{Kind: ACL})
		}
		return
	case "QUIT", "RESET", "SELECT", "MONITOR":
		e.write(own)
		return
	}
	switch sub {
	case "LIST":
		e.read(all)
	case "KILL", "UNBLOCK", "PAUSE", "UNPAUSE":
		e.write(all)
	case "GETNAME", "ID", "INFO", "GETREDIR", "TRACKINGINFO":
		e.read(own)
	case "SETNAME", "SETINFO", "NO-EVICT", "NO-TOUCH", "TRACKING", "CACHING", "REPLY":
		e.write(own)
	}
}

// configuration: CONFIG SET may change what every other command does; those
// that do are listed with what they change.
func configuration(e *Effects, sub string, args []string) {
	switch sub {
	case "SET":
		for i := 2; i < len(args); i += 2 {
			p := strings.ToLower(args[i])
			if strings.HasPrefix(p, "maxmemory") {
				p = "maxmemory" // the limit, and what is done when it is reached
			}
			e.write(Resource{Kind: Configuration, Name: p})
		}
	case "GET":
		for _, p := range args[2:] {
			if strings.ContainsAny(p, "*?[") {
				p = ""
			}
			e.read(Resource{Kind: Configuration, Name: strings.ToLower(p)})
		}
	case "RESETSTAT":
		e.write(Resource{Kind: State, Name: "info"})
	}
}
