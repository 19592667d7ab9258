package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// recordedArgs plays one command and gives the words that were recorded of it.
func recordedArgs(t *testing.T, limit int, args ...string) (raw []byte, words []string) {
	c := newCore(Config{PayloadLimit: limit})
	r := &tape{}
	c.startTrial(nil, r)
	s := c.newSession(noDriver{})
	data := resp.AppendCommand(nil, args...)
	s.up.feed(0, data)
	s.up.advance(1, len(data))
	require.Len(t, r.all(), 2)
	raw = r.all()[1].Raw
	return raw, resp.Words(raw)
}

func TestExcerptKeepsWhatFollowsAValue(t *testing.T) {
	_, words := recordedArgs(t, 128, "SET", "key", strings.Repeat("ü", 500), "EX", "10")
	require.Len(t, words, 5)
	assert.Equal(t, []string{"SET", "key", "EX", "10"}, append(words[:2:2], words[3:]...))
	assert.Regexp(t, `^ü{10,}…$`, words[2])
	_, words = recordedArgs(t, 128, "EVALSHA", strings.Repeat("0", 40), "1", "acct", strings.Repeat("a", 999), strings.Repeat("b", 999), "60")
	assert.Equal(t, "60", words[len(words)-1])
	_, words = recordedArgs(t, 64, append([]string{"MSET"}, strings.Fields(strings.Repeat("k v ", 40))...)...)
	assert.Equal(t, "MSET", words[0])
}

// Keys are whole whatever the payload limit, however many the command has.
func TestExcerptKeepsKeysWhole(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("bull:queue-%02d:%s", i, strings.Repeat("k", 90)) }
	var keys, pairs []string
	for i := range 20 {
		keys = append(keys, key(i))
		pairs = append(pairs, key(i), strings.Repeat("v", 50))
	}
	long := strings.Repeat("x", 3000)
	with := func(head []string, tail ...string) []string { return slices.Concat(head, keys, tail) }
	for name, args := range map[string][]string{
		"EVALSHA":     with([]string{"EVALSHA", strings.Repeat("0", 40), "20"}, long, long, "last"),
		"EVAL":        with([]string{"EVAL", strings.Repeat("return 1 ", 7000), "20"}, long),
		"FCALL":       with([]string{"FCALL", "f", "20"}, long),
		"DEL":         with([]string{"DEL"}),
		"MSET":        append([]string{"MSET"}, pairs...),
		"XREAD":       with([]string{"XREAD", "BLOCK", "0", "STREAMS"}, strings.Fields(strings.Repeat("1700000000000-0 ", 20))...),
		"BLPOP":       with([]string{"BLPOP"}, "0"),
		"ZUNIONSTORE": with([]string{"ZUNIONSTORE", key(99), "20"}, "WEIGHTS"),
		"BITOP":       with([]string{"BITOP", "AND"}),
		"SUBSCRIBE":   with([]string{"SUBSCRIBE"}),
		"BLMPOP":      with([]string{"BLMPOP", "0", "20"}, "LEFT"),
	} {
		raw, words := recordedArgs(t, 256, args...)
		assert.LessOrEqual(t, len(raw), 256+harness.MaxKeys, name)
		for i, w := range args {
			if slices.Contains(keys, w) || w == key(99) {
				require.Greater(t, len(words), i, name)
				assert.Equal(t, w, words[i], "%s: word %d", name, i)
			}
		}
	}
	_, words := recordedArgs(t, 256, with([]string{"EVALSHA", strings.Repeat("0", 40), "20"}, long, long, "last")...)
	assert.Equal(t, "last", words[len(words)-1])
	assert.Equal(t, strings.Repeat("0", 40), words[1], "there is room for the digest")
}

// More keys than MaxKeys: the first ones are whole, and no later one is taken
// for another.
func TestExcerptOfKeysWithoutEnd(t *testing.T) {
	args := []string{"DEL"}
	for i := range 500 {
		args = append(args, fmt.Sprintf("key-%03d-%s", i, strings.Repeat("k", 40)))
	}
	raw, words := recordedArgs(t, 256, args...)
	assert.LessOrEqual(t, len(raw), 256+harness.MaxKeys)
	assert.Greater(t, len(words), 60)
	for i, w := range words {
		if w != resp.Cut {
			assert.Equal(t, args[i], w)
		}
	}
}

// Of a command that comes in pieces the keys are whole, too.
func TestExcerptOfACommandInPieces(t *testing.T) {
	c := newCore(Config{})
	r := &tape{}
	c.startTrial(nil, r)
	s := c.newSession(noDriver{})
	key := strings.Repeat("k", 300)
	data := resp.AppendCommand(nil, "EVAL", strings.Repeat("-- a script\n", 3000), "1", key, strings.Repeat("v", 60000))
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 1000)
		s.up.feed(0, rest[:n])
		rest = rest[n:]
	}
	s.up.advance(1, len(data))
	words := resp.Words(r.all()[1].Raw)
	require.GreaterOrEqual(t, len(words), 4)
	assert.Equal(t, key, words[3])
	assert.Equal(t, harness.Point{Role: "kv", Verb: "EVAL", Key: strings.Repeat("k", 199) + "…", N: 1}, r.all()[1].Point)
}

// Never longer than the limit and the keys, and every word the beginning of the true one.
func TestExcerptIsTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		args := rapid.SliceOfN(rapid.OneOf(rapid.StringN(0, 10, 40), rapid.StringN(0, 300, 900)), 1, 30).Draw(rt, "args")
		limit := rapid.IntRange(32, 400).Draw(rt, "limit")
		verb := rapid.SampledFrom([]string{"SET", "MSET", "DEL", "EVAL", "XREAD", "ZUNIONSTORE", "BLPOP"}).Draw(rt, "verb")
		raw, words := recordedArgs(t, limit, append([]string{verb}, args...)...)
		if len(raw) > limit+harness.MaxKeys {
			rt.Fatalf("%d bytes of at most %d and keys", len(raw), limit)
		}
		for i, w := range words[1:] {
			if w != args[i] && !strings.HasPrefix(args[i], strings.TrimSuffix(w, resp.Cut)) {
				rt.Fatalf("word %d is %q, was %q", i, w, args[i])
			}
		}
	})
}

func TestRepliesThatRevealCredentials(t *testing.T) {
	for command, hidden := range map[string]bool{
		"CONFIG GET requirepass": true, "CONFIG GET *": true, "config get max* masterauth": true,
		"CONFIG GET maxmemory save": false, "ACL LIST": true, "ACL GETUSER bob": true, "ACL WHOAMI": false,
	} {
		x := newScript(t).play("> "+command, "< *1 $6 s3cret")
		assert.Equal(t, hidden, !strings.Contains(string(x.r.all()[3].Raw), "s3cret"), command)
	}
}
