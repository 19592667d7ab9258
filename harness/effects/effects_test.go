package effects_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness/effects"
)

func of(text string) effects.Effects { return effects.Of(strings.Fields(text)) }

func TestWhatCommandsTouch(t *testing.T) {
	for text, want := range map[string]struct{ reads, writes string }{
		"GET k":                              {"k", ""},
		"set k v":                            {"configuration maxmemory", "k"},
		"SET k v NX":                         {"k, configuration maxmemory", "k"},
		"HSET h f 1 g 2":                     {"configuration maxmemory", "h f, h g"},
		"HGET h f":                           {"h f", ""},
		"ZADD z NX CH 1 m 2 n":               {"z m, z n, configuration maxmemory", "z m, z n"},
		"GETEX k":                            {"k", ""},
		"GETEX k EX 5":                       {"k", "k"},
		"EXPIRE k 5":                         {"", "k"},
		"RENAME a b":                         {"a", "a, b"},
		"COPY a b":                           {"a, b, configuration maxmemory", "b"},
		"XADD s * f v":                       {"s, configuration maxmemory", "s"},
		"XREAD BLOCK 0 STREAMS a b $ 0":      {"a, b", ""},
		"XREADGROUP GROUP g c STREAMS s >":   {"s, consumer group g of s", "consumer group g of s"},
		"XGROUP CREATE s g $":                {"s, configuration maxmemory", "s, consumer group g of s"},
		"PUBLISH ch m":                       {"subscribers ch", "channel ch"},
		"SPUBLISH ch m":                      {"shard subscribers ch", "shard channel ch"},
		"PSUBSCRIBE o.*":                     {"", "subscribers o.*"},
		"PUBSUB SHARDCHANNELS":               {"shard subscribers *", ""},
		"SCAN 0 MATCH u:*":                   {"keyspace u:*", ""},
		"KEYS *":                             {"keyspace", ""},
		"DBSIZE":                             {"keyspace", ""},
		"FLUSHDB":                            {"", "keyspace"},
		"EVALSHA ABCD 1 k":                   {"k, script cache abcd", "k"},
		"EVAL return1 0":                     {"", "script cache 53f1da8c8a352df2fd0b308664621bc76c9e57cd"},
		"SCRIPT FLUSH":                       {"", "script cache"},
		"FUNCTION LOAD x":                    {"", "functions"},
		"FCALL f 1 k":                        {"k, functions f", "k"},
		"CLIENT SETNAME n":                   {"", "client list"},
		"client list":                        {"client list", ""},
		"CONFIG SET MaxMemory 0 hz 10":       {"", "configuration maxmemory, configuration hz"},
		"CONFIG GET max*":                    {"configuration", ""},
		"ACL SETUSER u on":                   {"", "access control list"},
		"AUTH p":                             {"access control list", "client list"},
		"SLOWLOG RESET":                      {"", "server state slowlog"},
		"SORT l BY w_* STORE d":              {"keyspace w_*, l, configuration maxmemory", "d"},
		"SORT l":                             {"l", ""},
		"PING":                               {"", ""},
		"GET long…":                          {"", ""},
		"HPEXPIRE h 100 FIELDS 1 f":          {"configuration maxmemory", "h"},
		"EVAL_RO s 1 k":                      {"k", "script cache a0f1490a20d0211c997b44bc357e1972deab8ae3"},
		"XACK s g 1-1":                       {"s, consumer group g of s", "consumer group g of s"},
		"MIGRATE h 1 k 0 1":                  {"k", "k"},
		"BITFIELD k GET u8 0":                {"k", ""},
		"SET k v GET":                        {"k, configuration maxmemory", "k"},
		"LMOVE a b LEFT RIGHT":               {"a, b, configuration maxmemory", "a, b"},
		"WATCH a b":                          {"a, b", ""},
		"FCALL_RO f 1 k":                     {"k, functions f", ""},
		"UNSUBSCRIBE":                        {"", "subscribers *"},
		"XINFO GROUPS s":                     {"s, consumer groups of s", ""},
		"SUNIONSTORE d a b":                  {"a, b, configuration maxmemory", "d"},
		"OBJECT ENCODING k":                  {"k", ""},
		"NOSUCHCOMMAND k":                    {"", ""},
		"EVAL body… 1 k":                     {"k", "k"},
		"XGROUP DESTROY s g":                 {"s", "s, consumer group g of s"},
		"SCRIPT EXISTS ABC":                  {"script cache abc", ""},
		"PUBSUB NUMSUB a":                    {"subscribers a", ""},
		"CLIENT KILL TYPE normal":            {"", "client list"},
		"BLPOP a b 1":                        {"a, b", "a, b"},
		"RESTORE k 0 x REPLACE":              {"configuration maxmemory", "k"},
		"INFO replication":                   {"server state info", ""},
		"GEORADIUS k 1 1 1 m":                {"k", ""},
		"GEORADIUS k 1 1 1 m STORE d":        {"k, configuration maxmemory", "d"},
		"ZUNIONSTORE d 2 a b WEIGHTS 1 2":    {"a, b, configuration maxmemory", "d"},
		"CLUSTER NODES":                      {"server state cluster", ""},
		"SELECT 3":                           {"", "client list"},
		"HELLO 3":                            {"", "client list"},
		"XPENDING s g":                       {"s, consumer group g of s", ""},
		"SPOP s":                             {"s", "s"},
		"SETBIT b 7 1":                       {"b 7, configuration maxmemory", "b 7"},
		"ZINCRBY z 1 m":                      {"z m, configuration maxmemory", "z m"},
		"MSETNX a 1 b 2":                     {"a, b, configuration maxmemory", "a, b"},
		"PFADD p a":                          {"p, configuration maxmemory", "p"},
		"XREADGROUP GROUP g c BLOCK 5 STREA": {"", ""},
	} {
		e := of(text)
		got := struct{ reads, writes string }{names(e.Reads), names(e.Writes)}
		if e.WritesKeys && !strings.Contains(want.writes, "keyspace") { // whether it is told to subscribers is up to the configuration
			want.reads += ", configuration notify-keyspace-events"
		}
		assert.Equal(t, sorted(strings.TrimPrefix(want.reads, ", ")), got.reads, "%s reads", text)
		assert.Equal(t, sorted(want.writes), got.writes, "%s writes", text)
	}
}

func names(list []effects.Resource) string {
	var out []string
	for _, r := range list {
		out = append(out, r.String())
	}
	return sorted(strings.Join(out, ", "))
}

func sorted(s string) string {
	if s == "" {
		return ""
	}
	list := strings.Split(s, ", ")
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func TestWhatIsReadFromNowOnAndWhatBlocks(t *testing.T) {
	assert.Equal(t, []string{"a"}, of("XREAD BLOCK 5 STREAMS a b $ 0").Latest)
	assert.Equal(t, []string{"s"}, of("XGROUP CREATE s g $").Latest)
	assert.Empty(t, of("XGROUP CREATE s g 0").Latest)
	for text, want := range map[string]bool{"XREAD STREAMS a 0": false, "XREAD BLOCK 5 STREAMS a 0": true, "BLPOP a 1": true, "WAIT 1 5": true, "GET k": false} {
		assert.Equal(t, want, of(text).Blocking, text)
	}
	for text, want := range map[string]time.Duration{
		"BLPOP a b 1.5": 1500 * time.Millisecond, "BZMPOP 2 1 a MIN": 2 * time.Second, "XREAD BLOCK 30 STREAMS a $": 30 * time.Millisecond,
		"WAIT 1 100": 100 * time.Millisecond, "BLMOVE a b LEFT LEFT 0": 0,
	} {
		got, ok := effects.Timeout(strings.Fields(text))
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"GET k", "XREAD STREAMS a 0", "BLPOP a soon", "BLPOP a -1"} {
		_, ok := effects.Timeout(strings.Fields(text))
		assert.False(t, ok, text)
	}
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		on     string // "": none
		sort   effects.Sort
		weight float64 // at least; negative: at most
	}{
		{"SET k 1", "GET k", "k", effects.WriteRead, 1},
		{"GET k", "SET k 1", "k", effects.ReadWrite, 0.7},
		{"SET k 1", "SET k 2", "k", effects.WriteWrite, 0.5},
		{"GET k", "GET k", "", 0, 0},
		{"SET a 1", "GET b", "", 0, 0},
		{"HSET h f 1", "HGET h g", "", 0, 0},
		{"HSET h f 1", "HGETALL h", "h f", effects.WriteRead, 1},
		{"INCR n", "INCR n", "n", effects.WriteRead, -0.2},
		{"SADD s a", "SADD s b", "", 0, 0},
		{"EXPIRE k 5", "GET k", "k", effects.WriteRead, -0.2},
		{"EXPIRE k 5", "TTL k", "k", effects.WriteRead, 1},
		{"EXPIRE k 5", "SET k v", "k", effects.WriteWrite, 0.5},
		{"XREAD BLOCK 0 STREAMS s $", "XADD s * f v", "s", effects.ReadWrite, 0.9},
		{"XGROUP CREATE s g $", "XADD s * f v", "s", effects.WriteRead, 1},
		{"XREAD BLOCK 0 STREAMS s 0", "XADD s * f v", "s", effects.ReadWrite, -0.3},
		{"RPUSH l a", "BLPOP l 1", "l", effects.WriteRead, -0.3},
		{"XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "consumer group g of s", effects.WriteRead, 1},
		{"SUBSCRIBE ch", "PUBLISH ch m", "subscribers ch", effects.WriteRead, 1},
		{"PSUBSCRIBE c*", "PUBLISH ch m", "subscribers ch", effects.WriteRead, 1},
		{"SUBSCRIBE ch", "SPUBLISH ch m", "", 0, 0},
		{"SSUBSCRIBE ch", "PUBSUB SHARDCHANNELS", "shard subscribers ch", effects.WriteRead, 1},
		{"SUBSCRIBE ch", "PUBSUB NUMSUB ch", "subscribers ch", effects.WriteRead, 1},
		{"PSUBSCRIBE __keyspace@0__:k", "SET k v", "k", effects.WriteWrite, 0.5},
		{"PSUBSCRIBE __keyspace@0__:x", "SET k v", "", 0, 0},
		{"SUBSCRIBE __keyevent@0__:expired", "SET k v", "k", effects.WriteWrite, 0.5},
		{"CLIENT SETNAME n", "CLIENT LIST", "client list", effects.WriteRead, 1},
		{"CLIENT SETNAME n", "CLIENT SETNAME m", "", 0, 0},
		{"SCRIPT FLUSH", "EVALSHA abc 0", "script cache abc", effects.WriteRead, 1},
		{"SCRIPT LOAD x", "EVALSHA abc 0", "", 0, 0},
		{"EVAL x 0", "EVAL x 0", "", 0, 0},
		{"CONFIG SET notify-keyspace-events Kg", "DEL k", "configuration notify-keyspace-events", effects.WriteRead, 0.9},
		{"CONFIG SET maxmemory 0", "INCR n", "configuration maxmemory", effects.WriteRead, 0.9},
		{"CONFIG SET hz 5", "INCR n", "", 0, 0},
		{"SET u:1 x", "SCAN 0 MATCH u:*", "u:1", effects.WriteRead, 0.8},
		{"SET v:1 x", "SCAN 0 MATCH u:*", "", 0, 0},
		{"SET u:1 x", "DBSIZE", "u:1", effects.WriteRead, 0.8},
		{"FLUSHDB", "GET k", "k", effects.WriteRead, 0.7},
		{"FUNCTION FLUSH", "FCALL f 0", "functions f", effects.WriteRead, 1},
		{"ACL SETUSER u on", "AUTH u p", "access control list", effects.WriteRead, 1},
		{"PUBLISH c a", "PUBLISH c b", "channel c", effects.WriteWrite, -0.35},
		{"DEL k", "DEL k", "k", effects.WriteRead, -0.2},
	} {
		got, ok := effects.Conflicts(of(c.a), of(c.b))
		require.Equal(t, c.on != "", ok, "%s, then %s: %v", c.a, c.b, got)
		if !ok {
			continue
		}
		assert.Equal(t, c.on, got.On.String(), "%s, then %s", c.a, c.b)
		assert.Equal(t, c.sort, got.Sort, "%s, then %s", c.a, c.b)
		if c.weight < 0 {
			assert.LessOrEqual(t, got.Weight, -c.weight, "%s, then %s", c.a, c.b)
		} else {
			assert.GreaterOrEqual(t, got.Weight, c.weight-1e-9, "%s, then %s", c.a, c.b)
		}
	}
}

// Whether two commands conflict does not depend on which is named first.
func TestConflictsAreMutual(t *testing.T) {
	list := slices.Concat(forms, []string{"FLUSHDB", "SCAN 0", "KEYS a*", "PUBLISH a m", "PSUBSCRIBE *", "SCRIPT FLUSH", "CLIENT LIST", "HELLO 3 AUTH u p", "CONFIG SET maxmemory 1"})
	rapid.Check(t, func(t *rapid.T) {
		a, b := of(rapid.SampledFrom(list).Draw(t, "a")), of(rapid.SampledFrom(list).Draw(t, "b"))
		_, ab := effects.Conflicts(a, b)
		_, ba := effects.Conflicts(b, a)
		require.Equal(t, ab, ba)
	})
}

func TestLifetimes(t *testing.T) {
	for text, want := range map[string]effects.TTL{
		"SET k v EX 2":         {Change: effects.Sets, After: 2 * time.Second},
		"SET k v":              {Change: effects.Clears},
		"SET k v KEEPTTL":      {},
		"SET k v EXAT 1700":    {Change: effects.Sets, At: time.Unix(1700, 0)},
		"SET k v PXAT 1700500": {Change: effects.Sets, At: time.UnixMilli(1700500)},
		"PEXPIRE k 250 XX":     {Change: effects.Sets, After: 250 * time.Millisecond, Renews: true, Only: "XX"},
		"EXPIREAT k 1700":      {Change: effects.Sets, At: time.Unix(1700, 0), Renews: true},
		"GETEX k":              {},
		"GETEX k PERSIST":      {Change: effects.Clears, Renews: true},
		"HEXPIRE h 5 FIELDS":   {},
		"RESTORE k 0 x":        {Change: effects.Clears},
		"RESTORE k 500 x":      {Change: effects.Sets, After: 500 * time.Millisecond},
		"EVALSHA 5b 1 k 1000":  {Change: effects.Sets, After: time.Second, Unsure: true},
		"SUNIONSTORE d a":      {Change: effects.Clears},
		"RPUSH l a":            {},
		"EXPIRE k soon":        {Renews: true},
		"SET k v EX":           {},
	} {
		assert.Equal(t, want, effects.Lifetime(strings.Fields(text)), text)
	}
}

func TestNoArgumentsPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args := strings.Fields(rapid.SampledFrom(forms).Draw(t, "form"))
		n := rapid.IntRange(0, len(args)).Draw(t, "words")
		_ = effects.Of(args[:n])
		_ = effects.Lifetime(args[:n])
		_, _ = effects.Timeout(args[:n])
		_ = effects.NewKnowledge().Of(args[:n])
		_ = effects.NewKnowledge().Describe(args[:n], "k")
	})
}
