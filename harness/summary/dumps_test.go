package summary

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestShortenCutsDumps(t *testing.T) {
	many := func(s string, n int) string { return strings.TrimRight(strings.Repeat(s, n), " ,\n") }
	for _, c := range []struct{ name, in, want string }{
		{"go %#v", "got []byte{" + many("0x61, ", 30) + "}, want []byte{0x62}", `got []byte{0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, … "` + strings.Repeat("a", 30) + `" (30 numbers)}, want []byte{0x62}`},
		{"go %v", "got [" + many("0 ", 300) + "], want [1]", "got [0 0 0 0 0 0 0 0 … (300 numbers)], want [1]"},
		{"gomega", "<[]uint8 | len:300, cap:300>: [" + many("7, ", 300) + "]", "<[]uint8 | len:300, cap:300>: [7, 7, 7, 7, 7, 7, 7, 7, … (300 numbers)]"},
		{"node", "<Buffer " + many("61 ", 50) + " ... 250 more bytes>", "<Buffer 61 61 61 61 61 61 61 61 … (50 bytes) ... 250 more bytes>"},
		{"hex", "hash " + many("ab", 60) + " differs", "hash " + many("ab", 16) + "… (120 digits) differs"},
		{"python", `b'` + many(`\x00`, 40) + `' != b''`, `b'` + many(`\x00`, 8) + `… (40 bytes)' != b''`},
		{"lines", "Buffer [\n" + many("-  98,\n", 9) + ",\n" + many("+  97,\n", 9) + ",\n]", "Buffer [\n-  98,\n-  98,\n- … (7 lines)\n+  97,\n+  97,\n+ … (7 lines)\n]"},
		{"hex dump", "Diff:\n" + many("00000010  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n", 9), "Diff:\n00000010  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n00000010  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n… (7 lines)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, Shorten(c.in))
			assert.Equal(t, c.want, Shorten(Shorten(c.in)), "twice")
		})
	}
	for _, same := range []string{"", "got 1 of 3 messages", "want [1 2 3 4 5 6 7 8], got [1 2 3]", "at 10:11:12 127.0.0.1:6379 1, 2 and 3", strings.Repeat("word ", 200)} {
		assert.Equal(t, same, Shorten(same))
	}
}

func FuzzShorten(f *testing.F) {
	for _, s := range []string{"[" + strings.Repeat("1 ", 30) + "]", strings.Repeat("0x1,", 30), strings.Repeat("- 1,\n", 9), strings.Repeat(`\x00`, 30)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		short := Shorten(s)
		if utf8.ValidString(s) && !utf8.ValidString(short) {
			t.Fatalf("made invalid text of %q", s)
		}
		if len(short) > 2*len(s)+100 {
			t.Fatalf("%d bytes became %d", len(s), len(short))
		}
	})
}
