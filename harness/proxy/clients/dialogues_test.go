package clients

func dialogues() map[string]dialogue {
	return map[string]dialogue{
		"CLIENT REPLY": {
			[]string{
				"a> CLIENT REPLY SKIP", "a> SET k 1", "a> GET k", "a< 1",
				"a> CLIENT REPLY OFF", "a> SET k 2", "a> GET k", "a> CLIENT REPLY ON", "a< OK", "a> GET k", "a< 2",
			},
			map[string][]string{"a": {
				`hs>CLIENT|REPLY "" #1`, `kv>SET "k" #1`, `kv>GET "k" #1`, `kv<GET "k" #1 = 3`,
				`hs>CLIENT|REPLY "" #2`, `kv>SET "k" #2`, `kv>GET "k" #2`, `hs>CLIENT|REPLY "" #3`, `hs<CLIENT|REPLY "" #3 = 7`,
				`kv>GET "k" #3`, `kv<GET "k" #3 = 8`,
			}},
		},
		"MONITOR": {
			[]string{
				"a> MONITOR", "a< OK", "b> SET k v", "b< OK", `a~ ^\d+\.\d+ \[0 127\.0\.0\.1:\d+\] "SET" "k" "v"$`,
				"a> RESET", "a< RESET", "b> GET k", "b< v",
			},
			map[string][]string{
				"a": {`sub>MONITOR "" #1`, `sub<MONITOR "" #1 = 1`, `push sub<monitor "" #1`, `sub>RESET "" #1`, `sub<RESET "" #1 = 2`},
				"b": {`kv>SET "k" #1`, `kv<SET "k" #1 = 1`, `kv>GET "k" #1`, `kv<GET "k" #1 = 2`},
			},
		},
		"MULTI": {
			[]string{
				"a> MULTI", "a< OK", "a> SET k 1", "a< QUEUED", "a> INCR k", "a< QUEUED", "a> EXEC", "a< OK 2",
				"a> MULTI", "a< OK", "a> NOSUCH", "a~ ^ERR unknown command", "a> EXEC", "a~ ^EXECABORT",
				"a> MULTI", "a< OK", "a> LPUSH k x", "a< QUEUED", "a> DISCARD", "a< OK",
				"a> MULTI", "a< OK", "a> LPUSH k x", "a< QUEUED", "a> GET k", "a< QUEUED", "a> EXEC", "a~ ^WRONGTYPE .* 2$",
				"a> WATCH k", "a< OK", "b> SET k 9", "b< OK", "a> MULTI", "a< OK", "a> GET k", "a< QUEUED", "a> EXEC", "a< (nil)",
			},
			map[string][]string{
				"a": {
					`kv>MULTI "" #1`, `kv<MULTI "" #1 = 1`, `kv>SET "k" #1`, `kv<SET "k" #1 = 2`, `kv>INCR "k" #1`, `kv<INCR "k" #1 = 3`, `kv>EXEC "" #1`, `kv<EXEC "" #1 = 4`,
					`kv>MULTI "" #2`, `kv<MULTI "" #2 = 5`, `kv>NOSUCH "" #1`, `kv<NOSUCH "" #1 = 6`, `kv>EXEC "" #2`, `kv<EXEC "" #2 = 7`,
					`kv>MULTI "" #3`, `kv<MULTI "" #3 = 8`, `kv>LPUSH "k" #1`, `kv<LPUSH "k" #1 = 9`, `kv>DISCARD "" #1`, `kv<DISCARD "" #1 = 10`,
					`kv>MULTI "" #4`, `kv<MULTI "" #4 = 11`, `kv>LPUSH "k" #2`, `kv<LPUSH "k" #2 = 12`, `kv>GET "k" #1`, `kv<GET "k" #1 = 13`, `kv>EXEC "" #3`, `kv<EXEC "" #3 = 14`,
					`kv>WATCH "k" #1`, `kv<WATCH "k" #1 = 15`, `kv>MULTI "" #5`, `kv<MULTI "" #5 = 16`, `kv>GET "k" #2`, `kv<GET "k" #2 = 17`, `kv>EXEC "" #4`, `kv<EXEC "" #4 = 18`,
				},
				"b": {`kv>SET "k" #2`, `kv<SET "k" #2 = 1`},
			},
		},
		"commands that block": {
			[]string{
				"a> BLPOP q 0", "a> GET none", "blocked", "b> RPUSH q x", "b< 1", "a< q x", "a< (nil)",
				"a> XREAD BLOCK 0 STREAMS s $", "blocked", "b> XADD s 1-1 f v", "b< 1-1", "a< s 1-1 f v",
				"a> BRPOP q 0.01", "a< (nil)", "a> WAIT 0 0", "a< 0",
			},
			map[string][]string{
				"a": {
					`kv>BLPOP "q" #1`, `kv>GET "none" #1`, `kv<BLPOP "q" #1 = 1`, `kv<GET "none" #1 = 2`,
					`kv>XREAD "s" #1`, `kv<XREAD "s" #1 = 3`, `kv>BRPOP "q" #1`, `kv<BRPOP "q" #1 = 4`, `kv>WAIT "" #1`, `kv<WAIT "" #1 = 5`,
				},
				"b": {`kv>RPUSH "q" #1`, `kv<RPUSH "q" #1 = 1`, `kv>XADD "s" #1`, `kv<XADD "s" #1 = 2`},
			},
		},
		"HELLO mid-way": {
			[]string{
				"a> RPUSH l message c x", "a< 3", "a> HELLO 3", "a~ ^server redis ", "a> SUBSCRIBE c", "a< subscribe c 1",
				"a> LRANGE l 0 -1", "a< message c x", "b> PUBLISH c hi", "b< 1", "a< message c hi",
				"a> UNSUBSCRIBE", "a< unsubscribe c 0", "a> HELLO 2", "a~ ^server redis ", "a> LRANGE l 0 -1", "a< message c x",
				"a> HELLO 9", "a~ ^NOPROTO", "a> SUBSCRIBE c", "a< subscribe c 1", "b> PUBLISH c ho", "b< 1", "a< message c ho",
				"a> UNSUBSCRIBE c", "a< unsubscribe c 0",
			},
			map[string][]string{
				"a": {
					`kv>RPUSH "l" #1`, `kv<RPUSH "l" #1 = 1`, `hs>HELLO "" #1`, `hs<HELLO "" #1 = 2`, `sub>SUBSCRIBE "c" #1`, `sub<SUBSCRIBE "c" #1 = 3`,
					`sub>LRANGE "l" #1`, `sub<LRANGE "l" #1 = 4`, `push sub<message "c" #1`,
					`sub>UNSUBSCRIBE "" #1`, `sub<UNSUBSCRIBE "c" #1 = 5`, `sub>HELLO "" #1`, `sub<HELLO "" #1 = 6`, `sub>LRANGE "l" #2`, `sub<LRANGE "l" #2 = 7`,
					`sub>HELLO "" #2`, `sub<HELLO "" #2 = 8`, `sub>SUBSCRIBE "c" #2`, `sub<SUBSCRIBE "c" #2 = 9`, `push sub<message "c" #2`,
					`sub>UNSUBSCRIBE "c" #1`, `sub<UNSUBSCRIBE "c" #2 = 10`,
				},
				"b": {`pub>PUBLISH "c" #1`, `pub<PUBLISH "c" #1 = 1`, `pub>PUBLISH "c" #2`, `pub<PUBLISH "c" #2 = 2`},
			},
		},
		"client tracking": {
			[]string{
				"a> HELLO 3", "a~ ^server redis ", "a> CLIENT TRACKING ON", "a< OK", "a> GET k:1", "a< (nil)",
				"b> SET k:1 v", "b< OK", "a< invalidate k:1", "a> GET k:1", "a< v", "b> FLUSHALL", "b< OK", "a< invalidate (nil)",
			},
			map[string][]string{
				"a": {
					`hs>HELLO "" #1`, `hs<HELLO "" #1 = 1`, `hs>CLIENT|TRACKING "" #1`, `hs<CLIENT|TRACKING "" #1 = 2`, `kv>GET "k:{n}" #1`, `kv<GET "k:{n}" #1 = 3`,
					`push kv<invalidate "k:{n}" #1`, `kv>GET "k:{n}" #2`, `kv<GET "k:{n}" #2 = 4`, `push kv<invalidate "" #1`,
				},
				"b": {`kv>SET "k:{n}" #1`, `kv<SET "k:{n}" #1 = 1`, `kv>FLUSHALL "" #1`, `kv<FLUSHALL "" #1 = 2`},
			},
		},
		"sharded pub/sub": {
			[]string{
				"a> SSUBSCRIBE s", "a< ssubscribe s 1", "b> SPUBLISH s x", "b< 1", "a< smessage s x", "a> SUNSUBSCRIBE", "a< sunsubscribe s 0",
				"a> HELLO 3", "a~ ^server redis ", "a> SSUBSCRIBE s", "a< ssubscribe s 1", "b> SPUBLISH s y", "b< 1", "a< smessage s y",
			},
			map[string][]string{
				"a": {
					`sub>SSUBSCRIBE "s" #1`, `sub<SSUBSCRIBE "s" #1 = 1`, `push sub<smessage "s" #1`, `sub>SUNSUBSCRIBE "" #1`, `sub<SUNSUBSCRIBE "s" #1 = 2`,
					`sub>HELLO "" #1`, `sub<HELLO "" #1 = 3`, `sub>SSUBSCRIBE "s" #2`, `sub<SSUBSCRIBE "s" #2 = 4`, `push sub<smessage "s" #2`,
				},
				"b": {`pub>SPUBLISH "s" #1`, `pub<SPUBLISH "s" #1 = 1`, `pub>SPUBLISH "s" #2`, `pub<SPUBLISH "s" #2 = 2`},
			},
		},
		"inline commands": {
			[]string{`a| SET k "a b\x63"`, "a< OK", "a| ", "a| get k", "a< a bc", "a> GET k", "a< a bc", "a| PING", "a< PONG"},
			map[string][]string{"a": {
				`kv>SET "k" #1`, `kv<SET "k" #1 = 1`, `kv>GET "k" #1`, `kv<GET "k" #1 = 2`, `kv>GET "k" #2`, `kv<GET "k" #2 = 3`, `hs>PING "" #2`, `hs<PING "" #2 = 4`,
			}},
		},
		"types of RESP3": {
			[]string{
				"a> HELLO 3", "a~ ^server redis ",
				"a> EVAL redis.setresp(3);return{big_number='3492890328409238509324850943850943825024385'} 0", "a< 3492890328409238509324850943850943825024385",
				"a> EVAL redis.setresp(3);return{double=1.5} 0", "a< 1.5",
				"a> EVAL redis.setresp(3);return{map={a={set={b=true}}}} 0", "a< a b",
				"a> EVAL redis.setresp(3);return{true,{err='ERR~no'}} 0", "a< true ERR~no",
				"a> INFO keyspace", "a~ ^# Keyspace", // a verbatim string
			},
			map[string][]string{"a": {
				`hs>HELLO "" #1`, `hs<HELLO "" #1 = 1`, `kv>EVAL "" #1`, `kv<EVAL "" #1 = 2`, `kv>EVAL "" #2`, `kv<EVAL "" #2 = 3`,
				`kv>EVAL "" #3`, `kv<EVAL "" #3 = 4`, `kv>EVAL "" #4`, `kv<EVAL "" #4 = 5`, `hs>INFO "" #1`, `hs<INFO "" #1 = 6`,
			}},
		},
	}
}
