package proxy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// Never longer than the limit, and every word the beginning of the true one.
func TestExcerptIsTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		args := rapid.SliceOfN(rapid.OneOf(rapid.StringN(0, 10, 40), rapid.StringN(0, 300, 900)), 1, 30).Draw(rt, "args")
		limit := rapid.IntRange(32, 400).Draw(rt, "limit")
		raw, words := recordedArgs(t, limit, append([]string{"SET"}, args...)...)
		if len(raw) > limit {
			rt.Fatalf("%d bytes of at most %d", len(raw), limit)
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
