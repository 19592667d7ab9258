package detect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

// command parses "SET k v EX 1" as if it had been answered with reply.
func command(text string, reply ...string) *Command {
	words := strings.Fields(text)
	c := newCommand(&harness.Event{Kind: harness.Request, Seq: 1, Point: harness.Point{Verb: strings.ToUpper(words[0])}, Args: words, Out: 1})
	if reply != nil {
		c.answer(&harness.Event{Kind: harness.Reply, Seq: 2, Args: reply, In: 2, Out: 3})
	}
	return c
}

func TestKeysAndAccess(t *testing.T) {
	for _, c := range []struct {
		text          string
		keys          string
		reads, writes bool
	}{
		{"GET k", "k", true, false},
		{"set k v", "k", false, true},
		{"SET k v NX", "k", true, true},
		{"SET k v GET", "k", true, true},
		{"MGET a b c", "a b c", true, false},
		{"MSET a 1 b 2", "a b", false, true},
		{"DEL a b", "a b", true, true},
		{"RENAME a b", "a b", true, true},
		{"EVALSHA 5b 2 a b 1000", "a b", true, true},
		{"EVAL script 0", "", true, true},
		{"EVAL script many", "", true, true},
		{"EVALSHA 5b 9 a", "", true, true},
		{"INCR k", "k", true, true},
		{"PING", "", false, false},
		{"PUBLISH ch m", "", false, false},
		{"GET long…", "", true, false},
	} {
		got := command(c.text)
		assert.Equal(t, c.keys, strings.Join(got.Keys, " "), c.text)
		assert.Equal(t, c.reads, got.Reads, "%s reads", c.text)
		assert.Equal(t, c.writes, got.Writes, "%s writes", c.text)
	}
}

func TestTimesToLive(t *testing.T) {
	for _, c := range []struct {
		text   string
		ttl    time.Duration // 0: none given
		clears bool
		guess  bool
	}{
		{"SET k v EX 2", 2 * time.Second, false, false},
		{"SET k v NX px 1500", 1500 * time.Millisecond, false, false},
		{"SET k v", 0, true, false},
		{"SET k v KEEPTTL", 0, false, false},
		{"SET k v EX soon", 0, false, false},
		{"SET k v EX", 0, false, false},
		{"SETEX k 3 v", 3 * time.Second, false, false},
		{"PSETEX k 300 v", 300 * time.Millisecond, false, false},
		{"EXPIRE k 60", time.Minute, false, false},
		{"PEXPIRE k 250", 250 * time.Millisecond, false, false},
		{"GETEX k EX 5", 5 * time.Second, false, false},
		{"GETEX k PERSIST", 0, true, false},
		{"GETEX k", 0, false, false},
		{"PERSIST k", 0, true, false},
		{"DEL k", 0, true, false},
		{"EVALSHA 5b 1 k 0 value 1000", time.Second, false, true},
		{"EVALSHA 5b 1 k 0 7", 0, false, false},
		{"SET k v EX 99999999999999999999", 0, false, false},
		{"SET k v EX 9999999999999", 0, false, false},
	} {
		got := command(c.text)
		assert.Equal(t, c.ttl, got.TTL, c.text)
		assert.Equal(t, c.ttl > 0, got.Expires, c.text)
		assert.Equal(t, c.clears, got.Clears, c.text)
		assert.Equal(t, c.guess, got.Guessed, c.text)
	}
}

func TestRepliesSayWhetherItWrote(t *testing.T) {
	for _, c := range []struct {
		text, reply string
		writes      bool
		found       Presence
	}{
		{"GET k", "(nil)", false, Absent},
		{"GET k", "v", false, Present},
		{"EXISTS k", "1", false, Present},
		{"EXISTS a b", "1", false, Silent},
		{"TTL k", "-2", false, Absent},
		{"PTTL k", "-1", false, Present},
		{"SET k v NX", "(nil)", false, Present},
		{"SET k v NX", "OK", true, Absent},
		{"SET k v XX", "(nil)", false, Absent},
		{"SET k v GET", "(nil)", true, Absent},
		{"SET k v", "OK", true, Silent},
		{"SETNX k v", "0", false, Present},
		{"SETNX k v", "1", true, Absent},
		{"DEL k", "0", false, Silent},
		{"DEL k", "1", true, Present},
		{"EXPIRE k 1", "0", false, Absent},
		{"EXPIRE k 1 NX", "0", false, Silent},
		{"EVALSHA 5b 1 k 1000", "0", false, Silent},
		{"TYPE k", "none", false, Absent},
	} {
		got := command(c.text, c.reply)
		assert.Equal(t, c.writes, got.Writes, "%s → %s", c.text, c.reply)
		assert.Equal(t, c.found, PresenceOf(got), "%s → %s", c.text, c.reply)
	}
	assert.Equal(t, Silent, PresenceOf(command("GET k")), "no reply says nothing")
}

func TestGlobAsRedisHasIt(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "anything", true}, {"orders.*", "orders.eu", true}, {"orders.*", "orders", false},
		{"h?llo", "hello", true}, {"h?llo", "hllo", false}, {"h[ae]llo", "hallo", true}, {"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hallo", true}, {"h[^e]llo", "hello", false}, {"h[a-b]llo", "hbllo", true}, {"h[b-a]llo", "hallo", true},
		{`\*`, "*", true}, {`\*`, "x", false}, {"*a*b", "xaxb", true}, {"*a*b", "xbxa", false}, {"", "", true}, {"", "x", false},
		{"[", "x", false}, {"a[", "ab", false}, {"**", "x", true},
	} {
		assert.Equal(t, c.want, Glob(c.pattern, c.s), "%q on %q", c.pattern, c.s)
	}
}
