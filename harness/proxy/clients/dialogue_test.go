package clients

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// dialogue is a conversation of connections a, b … with a real Redis, and what
// is to be recorded of each: what the tests of the proxy alone take for granted
// of Redis is compared with Redis here.
//
//	a> WORD …     a sends a command
//	a| text       a sends a line of text: an inline command
//	a< words      a receives a frame of these words
//	a~ regexp     a receives a frame whose words match
//	blocked       go on when a client waits in Redis
//
// Recorded is "id" of a request, "id = k" of the reply to the connection's k-th
// request, "push id" of a push.
type dialogue struct {
	lines []string
	want  map[string][]string
}

func TestDialogues(t *testing.T) {
	for _, s := range servers(t) {
		for name, d := range dialogues() {
			t.Run(name, func(t *testing.T) {
				for _, w := range engines() {
					t.Run(w.name, func(t *testing.T) {
						s.clean(t)
						d.play(t, s, w.open(t, s, 2))
					})
				}
			})
		}
	}
}

// speaker is one connection of a dialogue.
type speaker struct {
	conn   net.Conn
	framer *resp.Framer
	rest   []byte
}

func (p *speaker) receive(t *testing.T) string {
	t.Helper()
	buf := make([]byte, 4096)
	require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	for {
		if len(p.rest) > 0 {
			n, ok, err := p.framer.Next(p.rest)
			require.NoError(t, err)
			if p.rest = p.rest[n:]; ok {
				return strings.Join(resp.Words(p.framer.Head), " ")
			}
		}
		n, err := p.conn.Read(buf)
		require.NoError(t, err)
		p.rest = append([]byte(nil), buf[:n]...)
	}
}

func (d dialogue) play(t *testing.T, s *server, r *route) {
	t.Helper()
	speakers := map[string]*speaker{}
	names := speakersOf(d.lines)
	for _, name := range names { // one after the other, so that their numbers are known
		conn, err := net.Dial("tcp", r.to.addr)
		require.NoError(t, err)
		defer conn.Close()
		p := &speaker{conn: conn, framer: resp.NewReplies(1 << 16)}
		speakers[name] = p
		d.ask(t, p, "PING first-"+name, "first-"+name)
	}
	for _, line := range d.lines {
		if line == "blocked" {
			s.waitBlocked(t)
			continue
		}
		p, text := speakers[line[:1]], strings.TrimSpace(line[2:])
		switch line[1] {
		case '>':
			_, err := p.conn.Write(resp.AppendCommand(nil, strings.Fields(text)...))
			require.NoError(t, err)
		case '|':
			_, err := p.conn.Write([]byte(text + "\r\n"))
			require.NoError(t, err)
		case '<':
			require.Equal(t, text, p.receive(t), line)
		case '~':
			require.Regexp(t, regexp.MustCompile("(?s)"+text), p.receive(t), line)
		}
	}
	for _, name := range names { // replies still belong to their requests
		d.ask(t, speakers[name], "PING last-"+name, "last-"+name)
	}
	got := recorded(t, r.close(t), names)
	for _, name := range names {
		require.Equal(t, d.want[name], got[name], "what was recorded of %s", name)
	}
}

func (dialogue) ask(t *testing.T, p *speaker, command, want string) {
	t.Helper()
	_, err := p.conn.Write(resp.AppendCommand(nil, strings.Fields(command)...))
	require.NoError(t, err)
	require.Contains(t, []string{want, "pong " + want}, p.receive(t))
}

func speakersOf(lines []string) (names []string) {
	for _, l := range lines {
		if name := l[:1]; l != "blocked" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// recorded lists the frames of each speaker, but for the first and last PING,
// whose replies must be theirs.
func recorded(t *testing.T, events []harness.Event, names []string) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	number, pings := map[uint64]int{}, map[uint64]string{}
	count := map[string]int{}
	for _, e := range events {
		if e.Point.IsZero() {
			continue
		}
		name := names[e.Conn-1]
		id := e.Point.String()
		last := e.Args[len(e.Args)-1]
		switch e.Kind {
		case harness.Request:
			if strings.HasPrefix(last, "first-") || strings.HasPrefix(last, "last-") {
				pings[e.Seq] = last
				continue
			}
			count[name]++
			number[e.Seq] = count[name]
		case harness.Reply:
			if sent := pings[e.ReplyTo]; sent != "" {
				require.Equal(t, sent, last, "a reply is taken for that of another request")
				delete(pings, e.ReplyTo)
				continue
			}
			id = fmt.Sprintf("%s = %d", id, number[e.ReplyTo])
		case harness.Push:
			id = "push " + id
		}
		got[name] = append(got[name], id)
	}
	require.Empty(t, pings, "PING without a reply")
	return got
}
