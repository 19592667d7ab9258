package resp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzzSeeds are frames of every kind, whole and broken.
func fuzzSeeds() []string {
	out := []string{
		"PING\r\n", "SET k \"a\\x41\" 'b'\r\n", "\r\n", "*0\r\n", "*-1\r\n",
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "\n", "*1\r\n\n", "*1\r\n$99999999999\r\n", "*99999999999\r\n$1\r\na\r\n", "*1\r\n$-1\r\n",
		"$3\r\nabcd\r\n", "*1\r\n*1\r\n*1\r\n", ".\r\n", ";1\r\n", "$?\r\n;0\r\n", "|1\r\n+a\r\n", "%?\r\n+a\r\n.\r\n",
	}
	for _, r := range replies {
		out = append(out, r.wire)
	}
	return out
}

// FuzzFramer: how the bytes are cut into chunks changes neither frames nor
// errors, and what is taken adds up.
func FuzzFramer(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add([]byte(s), uint8(3), false)
		f.Add([]byte(s), uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, chunk uint8, requests bool) {
		make := func() *Framer {
			if requests {
				return NewRequests(1 << 20)
			}
			return NewReplies(1 << 20)
		}
		whole, err := frames(make(), data, len(data)+1)
		parts, err2 := frames(make(), data, int(chunk)+1)
		require.Equal(t, err == nil, err2 == nil, "%v, %v", err, err2)
		require.Equal(t, whole, parts)
		var sum int64
		for _, c := range whole {
			require.Equal(t, int64(len(c.Text)), c.Size)
			require.Equal(t, c.Text, string(data[sum:sum+c.Size]))
			sum += c.Size
		}
	})
}

// FuzzWords: cut anywhere, words come out that the whole frame begins with.
func FuzzWords(f *testing.F) {
	for _, s := range fuzzSeeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		words := Words(raw)
		require.LessOrEqual(t, len(words), maxWords)
		n, ok, err := NewRequests(1 << 20).Next(raw)
		if err != nil || !ok || raw[0] != '*' {
			return
		}
		whole := Words(raw[:n])
		require.Equal(t, string(raw[:n]), string(canonical(raw[:n], whole)))
		for i := range n {
			cut := Words(raw[:i])
			require.LessOrEqual(t, len(cut), len(whole))
			if k := len(cut) - 1; k > 0 {
				require.Equal(t, whole[:k], cut[:k])
			}
		}
	})
}

// canonical writes words as a command, unless the frame was written in an
// unusual way that means the same.
func canonical(raw []byte, words []string) []byte {
	again := AppendCommand(nil, words...)
	if len(again) != len(raw) || bytes.Count(raw, []byte{'\r'}) != bytes.Count(again, []byte{'\r'}) {
		return raw // leading zeros, or a value's line end is not "\r\n"
	}
	return again
}
