package effects_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/effects"
)

const body = `--[[
  Adds a job to the queue. Input: …
]]
local id = redis.call('incr', KEYS[1])
redis.call('hset', ARGV[1] .. id, 'data', ARGV[2])
redis.call('lpush', KEYS[2], id)
redis.call('publish', ARGV[1] .. 'events', id)
return id`

// TestMonitorTellsWhatScriptsDo: what a live server's MONITOR shows is read, and
// holds for the script's other arguments too.
func TestMonitorTellsWhatScriptsDo(t *testing.T) {
	c := server(t)
	ctx := t.Context()
	watcher, err := net.Dial("tcp", c.Options().Addr)
	require.NoError(t, err)
	defer watcher.Close()
	require.NoError(t, watcher.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = watcher.Write([]byte("MONITOR\r\n"))
	require.NoError(t, err)
	lines := bufio.NewScanner(watcher)
	waitFor(t, lines, "OK")
	require.NoError(t, c.Eval(ctx, body, []string{"bull:q:id", "bull:q:wait", "bull:q:never"}, "bull:q:", "a\"b\n\xff").Err())
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "x", 1, 0)
		p.Eval(ctx, "redis.call('del', KEYS[1]) return 1", []string{"y"})
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, c.Do(ctx, "FUNCTION", "LOAD", "#!lua name=mylib\nredis.register_function('f1', function(keys,args) redis.call('get',keys[1]) return 1 end)").Err())
	require.NoError(t, c.FCall(ctx, "f1", []string{"z"}).Err())
	require.NoError(t, c.Echo(ctx, "done").Err())
	text := waitFor(t, lines, `"echo" "done"`)
	k := effects.NewKnowledge()
	calls := effects.FromMonitor(text)
	k.Observe(calls)

	sha := effects.SHA1(body)
	again := []string{"EVALSHA", sha, "3", "bull:p:id", "bull:p:wait", "bull:p:never", "bull:p:", "v"}
	e := k.Of(again)
	require.True(t, e.Observed)
	require.Equal(t, "bull:p:1, bull:p:id, bull:p:wait, channel bull:p:events", names(e.Writes))
	require.True(t, e.Use("bull:p:id").Writes)
	require.True(t, e.Use("bull:p:1").Writes, "a key made of an argument")
	require.False(t, e.Touches("bull:p:never"), "declared, but not used")
	require.Contains(t, e.Writes, effects.Resource{Kind: effects.Channel, Name: "bull:p:events"})
	require.Equal(t, `LPUSH by script "Adds a job to the queue"`, k.Describe(again, "bull:p:wait"))
	require.Equal(t, `script "Adds a job to the queue"`, k.Describe(again, "other"))

	exec := calls[len(calls)-1]
	for _, call := range calls {
		if effects.Name(call.Args) == "EXEC" {
			exec = call
		}
	}
	require.Len(t, exec.Inner, 2)
	require.Equal(t, []string{"del", "y"}, exec.Inner[1])
	f := k.Of([]string{"FCALL", "f1", "1", "zz"})
	require.True(t, f.Use("zz").Reads)
	require.False(t, f.Use("zz").Writes)
	require.Equal(t, "GET by function f1", k.Describe([]string{"FCALL", "f1", "1", "zz"}, "zz"))
}

// waitFor gathers lines up to one that holds a word.
func waitFor(t *testing.T, lines *bufio.Scanner, word string) (text []string) {
	t.Helper()
	for lines.Scan() {
		if text = append(text, lines.Text()); strings.Contains(strings.ToLower(lines.Text()), strings.ToLower(word)) {
			return text
		}
	}
	t.Fatalf("MONITOR did not show %s: %q (%v)", word, text, lines.Err())
	return nil
}

func TestMonitorLines(t *testing.T) {
	m, ok := effects.ParseMonitor(`1700000000.123456 [3 127.0.0.1:51090] "set" "k \"q\"" "a\\b\x00\n" ""`)
	require.True(t, ok)
	require.Equal(t, effects.MonitorLine{
		At: 1700000000*time.Second + 123456*time.Microsecond, DB: 3, Addr: "127.0.0.1:51090", Args: []string{"set", `k "q"`, "a\\b\x00\n", ""},
	}, m)
	m, ok = effects.ParseMonitor(`+1700000000.000001 [0 lua] "get" "k"` + "\r\n")
	require.True(t, ok)
	require.True(t, m.Script)
	for _, bad := range []string{
		"", "OK", `1700000000.123456 [0 lua]`, `1700000000.123456 [x lua] "get"`, `1700000000 [0 lua] "get"`, `1700000000.123456 [0 lua] "get`,
		`1700000000.123456 [0 lua] "get" k`, `1700000000.123456 [0 lua] "\q"`, `1700000000.123456 [0 lua] "\xzz"`, `1700000000.123456 [0] "get"`,
	} {
		_, ok := effects.ParseMonitor(bad)
		require.False(t, ok, "%q", bad)
	}
}

func TestALateScriptLineBelongsToNobody(t *testing.T) {
	require.Empty(t, effects.FromMonitor([]string{`1700000000.123456 [0 lua] "get" "k"`}))
	calls := effects.FromMonitor([]string{`1700000000.123456 [0 a:1] "get" "k"`, `1700000000.123456 [0 lua] "get" "k"`})
	require.Len(t, calls, 1)
	require.Empty(t, calls[0].Inner, "GET runs no script")
}

func TestTitles(t *testing.T) {
	for body, want := range map[string]string{
		"return 1":                                  "",
		"-- claim_job\nreturn 1":                    "claim_job",
		"--\n-- Releases a lock. More.\nreturn":     "Releases a lock",
		"--[[\n\n  Adds a job\n  to the queue ]]":   "Adds a job",
		"--[=[ Long ]=]":                            "Long",
		"#!lua name=mylib\nredis.register_function": "mylib",
		"-- ----\n-- luacheck: ignore\n-- real":     "real",
		"--[[ moves every job that is due to the list of those which wait ]]": "moves every job that is due to the list of…",
		"--": "",
	} {
		require.Equal(t, want, effects.Title(body), body)
	}
	k := effects.NewKnowledge()
	k.Learn([]string{"SCRIPT", "LOAD", "-- unlock\nreturn 1"})
	require.Equal(t, `script "unlock"`, k.Describe([]string{"EVALSHA", effects.SHA1("-- unlock\nreturn 1"), "1", "k"}, "k"))
	require.Equal(t, "script 0123abcd", k.Describe([]string{"EVALSHA", "0123ABCD0123abcd0123abcd0123abcd0123abcd", "0"}, ""))
	require.Equal(t, "XGROUP CREATE", (*effects.Knowledge)(nil).Describe([]string{"xgroup", "create", "s", "g", "$"}, "s"))
}

func FuzzParseMonitor(f *testing.F) {
	f.Add(`1700000000.123456 [0 127.0.0.1:51090] "set" "a\"b" "\xff\n"`)
	f.Add(`+1700000000.000001 [0 lua] "get" ""`)
	f.Fuzz(func(t *testing.T, line string) {
		m, ok := effects.ParseMonitor(line)
		if ok && (len(m.Args) == 0 || m.At < 0) {
			t.Fatalf("%q was read as %+v", line, m)
		}
		k := effects.NewKnowledge()
		k.Observe(effects.FromMonitor([]string{line, `1700000000.123456 [0 lua] "set" "k" "v"`, line}))
		_ = k.Of(m.Args)
	})
}

// TestLifetimesOfScripts: what MONITOR saw a script give counts, not what its
// arguments look like, also where the recording cut the script's text.
func TestLifetimesOfScripts(t *testing.T) {
	const bucket = "local cap, every = tonumber(ARGV[1]), tonumber(ARGV[2]) redis.call('hset', KEYS[1], 'n', 1) redis.call('pexpire', KEYS[1], cap * every)"
	const lock = "redis.call('set', KEYS[1], 1) return redis.call('expire', KEYS[1], ARGV[1])"
	const plain = "return redis.call('incrby', KEYS[1], ARGV[1])"
	k := effects.NewKnowledge()
	k.Observe([]effects.Call{
		{Args: []string{"EVAL", bucket, "1", "b:1", "3", "160"}, Inner: [][]string{{"hset", "b:1", "n", "1"}, {"pexpire", "b:1", "480"}}},
		{Args: []string{"EVAL", lock, "1", "l:1", "2"}, Inner: [][]string{{"set", "l:1", "1"}, {"expire", "l:1", "2"}}},
		{Args: []string{"EVAL", plain, "1", "n", "100"}, Inner: [][]string{{"incrby", "n", "100"}}},
	})
	of := func(args ...string) effects.TTL {
		t.Helper()
		l, ok := k.Lifetime(args)
		require.True(t, ok)
		return l
	}
	require.Equal(t, 480*time.Millisecond, of("EVAL", bucket, "1", "b:2", "3", "160").After)
	require.Equal(t, 480*time.Millisecond, of("EVAL", bucket[:40]+"…", "1", "b:2", "3", "160").After)
	require.Equal(t, effects.TTL{Change: effects.Sets, After: 5 * time.Second}, of("EVALSHA", effects.SHA1(lock), "1", "l:2", "5"), "the argument, in seconds")
	require.Equal(t, effects.TTL{}, of("EVAL", plain, "1", "n", "200"), "it gives none")
	_, ok := k.Lifetime([]string{"EVAL", "return 2", "1", "n", "100"})
	require.False(t, ok, "nobody saw it run")

	k.Observe([]effects.Call{{Args: []string{"EVAL", bucket, "1", "b:1", "2", "160"}, Inner: [][]string{{"pexpire", "b:1", "320"}}}})
	require.Equal(t, effects.TTL{}, of("EVAL", bucket, "1", "b:2", "3", "160"), "neither an argument nor one time for all")
}
