package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/resp"
)

// confinedTo feeds a stream to a confined connection, cut into pieces of a length, and
// gives what Redis gets of it.
func confinedTo(t *testing.T, db int, stream []byte, piece int) []byte {
	t.Helper()
	c := newCore(Config{Confine: &Confine{DB: db}})
	c.startTrial(nil, &tape{})
	c.begin("test")
	s := c.newSession(noDriver{})
	var out []byte
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := &s.up; len(stream) > 0 && !s.opaque; {
		n := min(max(piece, 1), len(stream))
		chunk := bytes.Clone(stream[:n])
		stream = stream[n:]
		p.feed(c.now(), chunk)
		if s.opaque {
			break // the connection is ended
		}
		p.park(chunk)
		upto, _, _ := p.ready(c.now())
		k := int(upto - p.wrote)
		out = append(out, p.buf[p.from:p.from+k]...)
		p.advance(c.now(), k)
	}
	return out
}

// forbidden gives the first command of a stream that a confined connection may not send.
func forbidden(db int, stream []byte) string {
	fr := resp.NewRequests(1 << 20)
	for len(stream) > 0 {
		n, ok, err := fr.Next(stream)
		if err != nil || !ok {
			return ""
		}
		stream = stream[n:]
		words := resp.Words(fr.Head)
		if len(words) == 0 {
			continue
		}
		c := Confine{DB: db}
		if why := c.refuses(words, false); why != "" || strings.EqualFold(words[0], "FLUSHALL") {
			return strings.Join(words, " ")
		}
	}
	return ""
}

func TestConfineWhateverThePieces(t *testing.T) {
	long := strings.Repeat("x", 3*headLimit)
	var stream []byte
	for _, words := range [][]string{
		{"SELECT", "15"}, {"select", "3"}, {"SET", "k", long}, {"FLUSHALL", "ASYNC"}, {"MULTI"}, {"SELECT", "0"}, {"EXEC"},
		{"CONFIG", "GET", "maxmemory"}, {"CONFIG", "GET", "require*"}, {"CONFIG", "GET", "maxmemory", long},
		{"COPY", "a", "b", "DB", "15"}, {"COPY", "a", "b", "REPLACE", "DB", "4"}, {"EVAL", `return redis.call("SwapDB", 1, 2)`, "0"}, {"GET", "k"},
	} {
		stream = resp.AppendCommand(stream, words...)
	}
	stream = append(stream, "SELECT 4\r\n \"SELECT\" 5\r\nflushall\r\nPING\r\n"...)
	for _, piece := range []int{1, 2, 3, 7, 64, 4096, headLimit, len(stream)} {
		got := confinedTo(t, 15, stream, piece)
		require.Empty(t, forbidden(15, got), "pieces of %d bytes", piece)
		require.Len(t, got, len(stream), "pieces of %d bytes: nothing is lost", piece)
		for _, kept := range []string{"SELECT\r\n$2\r\n15\r\n", long, "\r\nmaxmemory\r\n", "$1\r\nb\r\n$2\r\nDB\r\n$2\r\n15\r\n", "PING\r\n", "$7\r\nFLUSHDB\r\n$5\r\nASYNC\r\n"} {
			require.Contains(t, string(got), kept, "pieces of %d bytes", piece)
		}
	}
}

// FuzzConfine: whatever a client sends, and however it arrives, no command that is
// refused reaches Redis.
func FuzzConfine(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n", "SELECT 3\r\n", "\r\nselect  3\n", "*1\r\n$8\r\nFLUSHALL\r\n", "flushall\r\nSELECT 15\r\n",
		"*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$1\r\n*\r\n", "'SELECT' 3\r\n", "\"\\x53ELECT\" 3\r\n", "*0\r\n*-1\r\nSWAPDB 0 1\r\n",
	} {
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(255))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		if bad := forbidden(15, confinedTo(t, 15, stream, int(piece))); bad != "" {
			t.Fatalf("%q reached Redis", bad)
		}
	})
}

// FuzzRedact: of a command with a credential nothing of it is left, and what was
// hidden is told.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"AUTH x", "auth u p", "HELLO 3 AUTH u p SETNAME n", "AUHT p", "ACL SETUSER u on >p", "ACL DRYRUN u AUTH p",
		"COMMAND GETKEYS MIGRATE h 1 k 0 1 AUTH p", "MIGRATE h 1 k 0 1 AUTH2 u p KEYS a", "CONFIG SET requirepass p", "SENTINEL CONFIG SET sentinel-pass p",
		"EVAL redis.call('auth','p1') 0"} {
		f.Add(s, "hush-hush-99")
	}
	f.Fuzz(func(t *testing.T, command, secret string) {
		if secret == "" || strings.ContainsAny(secret, " \t\r\n<>#!'\"") {
			return
		}
		args := append(strings.Fields(command), secret)
		clean, hidden := redact(args)
		if len(clean) != len(args) {
			t.Fatalf("%d words became %d", len(args), len(clean))
		}
		if alike(strings.ToUpper(args[0]), "AUTH") && (clean[len(clean)-1] == secret && secret != redacted || len(hidden) == 0 && secret != redacted) {
			t.Fatalf("%q became %q, hidden %q", args, clean, hidden)
		}
		revealing(args)
	})
}
