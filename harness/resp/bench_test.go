package resp

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

func benchRequests(b *testing.B, words ...string) {
	benchFrames(b, NewRequests(256), AppendCommand(nil, words...))
}

func benchReplies(b *testing.B, one string) {
	benchFrames(b, NewReplies(256), []byte(one))
}

// benchFrames takes frame after frame from a chunk of about 64 KiB, as the
// proxy reads them.
func benchFrames(b *testing.B, f *Framer, one []byte) {
	per := max(1, 64<<10/len(one))
	benchChunk(b, f, bytes.Repeat(one, per), per)
}

func benchChunk(b *testing.B, f *Framer, data []byte, frames int) {
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += frames {
		for rest := data; len(rest) > 0; {
			n, _, err := f.Next(rest)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}

func BenchmarkGET(b *testing.B)     { benchRequests(b, "GET", "key:000000001") }
func BenchmarkSETEX(b *testing.B)   { benchRequests(b, "SET", "key:000000001", "xxx", "EX", "60") }
func BenchmarkPUBLISH(b *testing.B) { benchRequests(b, "PUBLISH", "channel", strings.Repeat("x", 64)) }
func BenchmarkSET4KiB(b *testing.B) {
	benchRequests(b, "SET", "key:000000001", strings.Repeat("x", 4096))
}

// BenchmarkSET is one command in one place, with values of all sizes: what is
// touched of it, header, words and the end of the value, is in the nearest cache
// whatever the size, so a difference is one of work, not of memory.
func BenchmarkSET(b *testing.B) {
	for _, size := range []int{3, 32, 300, 4096, 65536} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			f := NewRequests(256)
			one := AppendCommand(nil, "SET", "key:000000001", strings.Repeat("x", size))
			b.ReportAllocs()
			for b.Loop() {
				if n, ok, err := f.Next(one); n != len(one) || !ok || err != nil {
					b.Fatal(n, ok, err)
				}
			}
		})
	}
}

func BenchmarkSETsmall(b *testing.B)  { benchRequests(b, "SET", "key:000000001", "xxx") }
func BenchmarkReplyOK(b *testing.B)   { benchReplies(b, "+OK\r\n") }
func BenchmarkReplyBulk(b *testing.B) { benchReplies(b, "$3\r\nxxx\r\n") }
func BenchmarkPush(b *testing.B) {
	benchReplies(b, "*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$3\r\nabc\r\n")
}

// BenchmarkSETmixed has no two values of one length after another.
func BenchmarkSETmixed(b *testing.B) {
	var data []byte
	frames := 0
	for size := 100; size < 5000; size += 97 {
		data = AppendCommand(data, "SET", "key:000000001", strings.Repeat("x", size))
		frames++
	}
	benchChunk(b, NewRequests(256), data, frames)
}
