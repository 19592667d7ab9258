package volatile

import (
	"testing"
	"unicode/utf8"
)

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "expected 1, got 0", "at 0xdead 127.0.0.1:80 [::1]:6379", "\x1b[31m\xff\x00", "1h2m3s 2026-01-02 03:04:05"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Message(s)
		if utf8.ValidString(s) && !utf8.ValidString(once) {
			t.Fatalf("made invalid text of %q", s)
		}
	})
}
