package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cut is what a test compares of a frame.
type cut struct {
	Text string
	Type byte
	Argc int64
	Size int64
	Body int
	Args []string
}

// frames feeds data in chunks of the given size and returns all frames.
func frames(f *Framer, data []byte, chunk int) (out []cut, err error) {
	rest := data
	for len(rest) > 0 {
		part := rest[:min(chunk, len(rest))]
		rest = rest[len(part):]
		for len(part) > 0 {
			n, ok, err := f.Next(part)
			if err != nil {
				return out, err
			}
			part = part[n:]
			if ok {
				c := cut{Text: string(f.Head), Type: f.Type, Argc: f.Argc, Size: f.Size, Body: f.Body}
				for i := 0; f.Arg(i) != nil; i++ {
					c.Args = append(c.Args, string(f.Arg(i)))
				}
				out = append(out, c)
			}
		}
	}
	return out, nil
}

var replies = []struct {
	name string
	wire string
	kind byte
	argc int64
	body int
}{
	{"status", "+OK\r\n", '+', -1, 0},
	{"error", "-ERR no such thing\r\n", '-', -1, 0},
	{"integer", ":-42\r\n", ':', -1, 0},
	{"bulk", "$5\r\nhe\nlo\r\n", '$', -1, 0},
	{"empty bulk", "$0\r\n\r\n", '$', -1, 0},
	{"nil bulk", "$-1\r\n", '$', -1, 0},
	{"nil array", "*-1\r\n", '*', -1, 0},
	{"empty array", "*0\r\n", '*', 0, 0},
	{"array", "*2\r\n:1\r\n$1\r\na\r\n", '*', 2, 0},
	{"nested", "*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n+x\r\n", '*', 2, 0},
	{"null", "_\r\n", '_', -1, 0},
	{"boolean", "#t\r\n", '#', -1, 0},
	{"double", ",1.5e3\r\n", ',', -1, 0},
	{"infinity", ",-inf\r\n", ',', -1, 0},
	{"big number", "(3492890328409238509324850943850943825024385\r\n", '(', -1, 0},
	{"blob error", "!21\r\nSYNTAX invalid syntax\r\n", '!', -1, 0},
	{"verbatim", "=15\r\ntxt:Some string\r\n", '=', -1, 0},
	{"map", "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", '%', 4, 0},
	{"set", "~2\r\n:1\r\n:2\r\n", '~', 2, 0},
	{"push", ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n", '>', 3, 0},
	{"attribute", "|1\r\n+key-popularity\r\n%1\r\n$1\r\na\r\n,0.19\r\n*1\r\n:7\r\n", '*', 1, 39},
	{"attribute within", "*2\r\n:1\r\n|1\r\n+ttl\r\n:3600\r\n:2\r\n", '*', 2, 0},
	{"empty attribute", "|0\r\n:7\r\n", ':', -1, 4},
	{"two attributes", "|1\r\n+a\r\n+b\r\n|1\r\n+c\r\n+d\r\n+x\r\n", '+', -1, 24},
	{"streamed string", "$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;0\r\n", '$', -1, 0},
	{"streamed array", "*?\r\n:1\r\n*1\r\n:2\r\n.\r\n", '*', -1, 0},
	{"streamed map", "%?\r\n+a\r\n:1\r\n.\r\n", '%', -1, 0},
	{"streamed in streamed", "~?\r\n*?\r\n$?\r\n;1\r\na\r\n;0\r\n.\r\n.\r\n", '~', -1, 0},
	{"push in array", "*1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", '*', 1, 0},
}

func TestRepliesWhateverTheChunks(t *testing.T) {
	for _, r := range replies {
		t.Run(r.name, func(t *testing.T) {
			data := []byte(r.wire + r.wire + "+END\r\n")
			for chunk := 1; chunk <= len(data); chunk++ {
				got, err := frames(NewReplies(1<<20), data, chunk)
				require.NoError(t, err)
				want := cut{Text: r.wire, Type: r.kind, Argc: r.argc, Size: int64(len(r.wire)), Body: r.body}
				end := cut{Text: "+END\r\n", Type: '+', Argc: -1, Size: 6}
				require.Equal(t, []cut{want, want, end}, got, "chunks of %d", chunk)
			}
		})
	}
}

func TestRequestsWhateverTheChunks(t *testing.T) {
	many := make([]string, 120)
	for i := range many {
		many[i] = fmt.Sprint("word", i)
	}
	for _, words := range [][]string{
		{"PING"}, {"GET", "key"}, {"SET", "key", strings.Repeat("v", 300), "EX", "10"}, {"SET", "", "\r\n$3\r\n"},
		strings.Fields("SUBSCRIBE a b c d e f g h i j k"), many,
	} {
		one := string(AppendCommand(nil, words...))
		data := []byte(one + one + "PING\r\n")
		for chunk := 1; chunk <= len(data); chunk++ {
			got, err := frames(NewRequests(1<<20), data, chunk)
			require.NoError(t, err)
			want := cut{Text: one, Type: '*', Argc: int64(len(words)), Size: int64(len(one)), Args: words[:min(len(words), maxSpans)]}
			end := cut{Text: "PING\r\n", Type: Inline, Argc: 1, Size: 6, Args: []string{"PING"}}
			require.Equal(t, []cut{want, want, end}, got, "chunks of %d", chunk)
		}
	}
}

func TestInlineCommands(t *testing.T) {
	got, err := frames(NewRequests(100), []byte("\r\nSET  k 'a b' \"c\\\"d\"\r\nPING\n"), 100)
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Zero(t, got[0].Argc)
	assert.Equal(t, []string{"SET", "k", "'a b'", `"c\"d"`}, got[1].Args)
	assert.Equal(t, []string{"PING"}, got[2].Args)
}

func TestBrokenStreams(t *testing.T) {
	deep := strings.Repeat("*1\r\n", maxDepth+1)
	for _, bad := range []string{
		"hello\r\n", "$x\r\n", "$-2\r\n", "$99999999999999999999\r\n", "$9999999999999\r\n", "*99999999999999999\r\n",
		"$3\r\nabcd\r\n", ".\r\n", ";3\r\nabc\r\n", "*?\r\n;1\r\n", "$?\r\n+x\r\n", "*" + strings.Repeat("1", 40) + "\r\n", deep,
		"$\r\n", "*\r\n", "*1.5\r\n", "=?\r\n", "*+1\r\n", "$ 1\r\n",
	} {
		for _, chunk := range []int{1, 3, 1 << 20} {
			f := NewReplies(64)
			_, err := frames(f, []byte(bad), chunk)
			require.ErrorIs(t, err, ErrProtocol, "%q in chunks of %d", clip([]byte(bad)), chunk)
			_, _, again := f.Next([]byte("+OK\r\n"))
			require.Equal(t, err, again, "an error is final")
		}
	}
	for _, bad := range []string{"*1\r\n+OK\r\n", "*1\r\n:1\r\n", "*1\r\n*1\r\n", "*?\r\n", "*1\r\n$-1\r\n", strings.Repeat("x", maxInline+1)} {
		_, err := frames(NewRequests(64), []byte(bad), 7)
		require.ErrorIs(t, err, ErrProtocol, "%q", clip([]byte(bad)))
	}
}

func TestHugeClaimsCostNothing(t *testing.T) {
	f := NewReplies(256)
	_, err := frames(f, []byte("*1000000000\r\n$1000000000\r\nabc"), 100)
	require.NoError(t, err)
	assert.True(t, f.Partial())
	part := bytes.Repeat([]byte("x"), 1<<16)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, _, err = f.Next(part)
	}))
	require.NoError(t, err)
}

func TestLongValueKeepsOnlyItsBeginning(t *testing.T) {
	data := AppendCommand(nil, "SET", "key", strings.Repeat("v", 1<<20))
	got, err := frames(NewRequests(100), data, 4096)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, string(data[:100]), got[0].Text)
	assert.Equal(t, int64(len(data)), got[0].Size)
	assert.Equal(t, []string{"SET", "key"}, got[0].Args)
}

// What is remembered of one value's length never speaks for another's, nor for
// bytes that are not here yet.
func TestLengthAfterLength(t *testing.T) {
	frame := func(size int) []byte { return AppendCommand(nil, "SET", "k", strings.Repeat("x", size)) }
	for digits, size := 1, 1; digits <= 7; digits, size = digits+1, size*10 {
		for _, next := range []int{size, size + 1, size / 10, size * 10} {
			second := frame(next)
			for cut := range 40 {
				f := NewRequests(1 << 10)
				n, ok, err := f.Next(frame(size))
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, len(frame(size)), n)
				at := min(cut, len(second)-1)
				for _, part := range [][]byte{second[:at:at], second[at:]} {
					n, ok, err = f.Next(part)
					require.NoError(t, err, "%d after %d, cut at %d", next, size, at)
					require.Equal(t, len(part), n)
				}
				require.True(t, ok)
				require.EqualValues(t, len(second), f.Size)
			}
		}
	}
}
