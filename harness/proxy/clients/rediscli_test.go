package clients

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness/resp"
)

func checkRedisCLI() error {
	_, err := exec.LookPath("redis-cli")
	return err
}

// playRedisCLI plays the scenarios with redis-cli: most commands are a process
// of their own, as in a shell script.
func playRedisCLI(t *testing.T, s *server, to target, big payload) transcript {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := redisCLI{t: t, ctx: ctx, to: to, s: s}
	return transcript{
		"kv": c.kv(), "pipeline": c.pipeline(), "pubsub": c.pubsub(), "multi": c.multi(),
		"lua": c.lua(), "streams": c.streams(), "big": c.big(big),
	}
}

type redisCLI struct {
	t   *testing.T
	ctx context.Context // of one play: it is over when the play is
	to  target
	s   *server
}

func (c redisCLI) command(args ...string) *exec.Cmd {
	host, port := c.to.split(c.t)
	base := []string{"-h", host, "-p", port}
	if c.to.protocol == 3 {
		base = append(base, "-3")
	}
	if c.to.ca != "" {
		base = append(base, "--tls", "--cacert", c.to.ca)
	}
	return exec.CommandContext(c.ctx, "redis-cli", append(base, args...)...)
}

// output runs redis-cli once and gives what it wrote.
func (c redisCLI) output(in io.Reader, args ...string) []byte {
	c.t.Helper()
	cmd := c.command(args...)
	var diagnosis bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &diagnosis
	out, err := cmd.Output()
	require.NoError(c.t, err, "redis-cli %s: %s", args, diagnosis.String())
	return out
}

// words runs a command and gives its reply as words.
func (c redisCLI) words(args ...string) string {
	c.t.Helper()
	words := strings.Fields(string(c.output(nil, args...)))
	if len(words) == 0 {
		return "(nil)"
	}
	return strings.Join(words, " ")
}

func (c redisCLI) kv() string {
	return strings.Join([]string{c.words("SET", "k", "v1"), c.words("GET", "k"), c.words("GET", "missing"), c.words("DEL", "k")}, " ")
}

// pipeline is redis-cli's mass insertion. It counts replies; that they are in
// order can be seen from the numbers that a list was given.
func (c redisCLI) pipeline() string {
	var in []byte
	for i := range pipelined {
		in = resp.AppendCommand(in, "RPUSH", "n", strconv.Itoa(i+1))
	}
	said := string(c.output(bytes.NewReader(in), "--pipe"))
	require.Contains(c.t, said, "errors: 0, replies: ")
	_, n, _ := strings.Cut(strings.TrimSpace(said), "replies: ")
	list := strings.Fields(string(c.output(nil, "LRANGE", "n", "0", "-1")))
	for i, v := range list {
		require.Equal(c.t, strconv.Itoa(i+1), v)
	}
	return fmt.Sprintf("%s replies in order, then %d", n, len(list))
}

// listener is a redis-cli that has subscribed.
type listener struct {
	cmd  *exec.Cmd
	read *bufio.Scanner
	t    *testing.T
}

func (c redisCLI) listen(args ...string) *listener {
	cmd := c.command(append([]string{"--show-pushes", "yes"}, args...)...)
	out, err := cmd.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, cmd.Start())
	l := &listener{cmd: cmd, read: bufio.NewScanner(out), t: c.t}
	l.words(3) // the confirmation
	return l
}

func (l *listener) words(n int) []string {
	l.t.Helper()
	var got []string
	for len(got) < n {
		require.True(l.t, l.read.Scan(), "redis-cli ended after %q", got)
		got = append(got, strings.Fields(l.read.Text())...)
	}
	return got
}

// end stops redis-cli, which listens until it is stopped.
func (l *listener) end() {
	require.NoError(l.t, l.cmd.Process.Kill())
	_ = l.cmd.Wait() // by a signal: that is an error
}

func (c redisCLI) pubsub() string {
	news, pattern, shard := c.listen("SUBSCRIBE", "news"), c.listen("PSUBSCRIBE", "pt:*"), c.listen("SSUBSCRIBE", "shard")
	defer news.end()
	defer pattern.end()
	defer shard.end()
	out := []string{c.words("PUBLISH", "news", "hello"), c.words("PUBLISH", "pt:1", "hi"), c.words("SPUBLISH", "shard", "deep")}
	m := news.words(3)
	p := pattern.words(4)
	s := shard.words(3)
	return strings.Join(append(out, m[1]+"="+m[2], p[1]+"/"+p[2]+"="+p[3], s[1]+"="+s[2]), " ")
}

func (c redisCLI) multi() string {
	out := strings.Fields(string(c.output(strings.NewReader("MULTI\nSET m 1\nINCR m\nGET m\nEXEC\n"))))
	require.Equal(c.t, strings.Fields("OK QUEUED QUEUED QUEUED"), out[:4])
	return strings.Join(out[4:], " ")
}

func (c redisCLI) lua() string {
	first := c.words("EVAL", luaScript, "1", "lua:k", "x")
	unknown, _, _ := strings.Cut(c.words("EVALSHA", noScript, "1", "lua:k", "x"), " ")
	second := c.words("EVALSHA", scriptSHA(), "1", "lua:k", "y")
	return strings.Join([]string{first, unknown, second, c.words("GET", "lua:k")}, " | ")
}

func (c redisCLI) streams() string {
	entries := func(reply string) string { return strings.TrimPrefix(reply, "s ") } // without the stream's name
	out := []string{c.words("XADD", "s", "1-1", "f", "v"), entries(c.words("XREAD", "STREAMS", "s", "0"))}
	blocked := c.command("XREAD", "BLOCK", "30000", "STREAMS", "s", "$")
	var got bytes.Buffer
	blocked.Stdout = &got
	require.NoError(c.t, blocked.Start())
	c.s.waitBlocked(c.t)
	c.words("XADD", "s", "2-1", "f", "w")
	require.NoError(c.t, blocked.Wait())
	out = append(out, entries(strings.Join(strings.Fields(got.String()), " ")),
		c.words("XGROUP", "CREATE", "s", "g", "0"),
		entries(c.words("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")),
		c.words("XACK", "s", "g", "1-1", "2-1"),
		c.words("XREAD", "BLOCK", "10", "STREAMS", "s", "$"))
	return strings.Join(out, " | ")
}

func (c redisCLI) big(big payload) string {
	in, err := os.Open(big.file)
	require.NoError(c.t, err)
	defer in.Close()
	require.Equal(c.t, "OK\n", string(c.output(in, "-x", "SET", "big")))
	return checksum(bytes.TrimSuffix(c.output(nil, "--raw", "GET", "big"), []byte{'\n'})) // redis-cli's own
}
