package embedded

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"sync"

	mini "github.com/alicebob/miniredis/v2/server"
)

// databases is how many a Redis has unless it is told otherwise.
const databases = 16

// mender answers a few commands in the place of miniredis, where its answers
// would mislead the tests that flakehunt is about.
type mender struct {
	srv *mini.Server

	mu     sync.Mutex
	queued map[*mini.Peer]bool // between MULTI and EXEC: leave all to miniredis
}

func mend(srv *mini.Server) {
	m := &mender{srv: srv, queued: map[*mini.Peer]bool{}}
	srv.SetPreHook(m.answer)
}

// answer reports whether the command has been answered.
func (m *mender) answer(c *mini.Peer, cmd string, args ...string) bool {
	switch cmd {
	case "MULTI":
		m.mark(c, true)
	case "EXEC", "DISCARD":
		m.mark(c, false)
	case "SELECT":
		if n, err := strconv.Atoi(strings.Join(args, " ")); err == nil && n >= databases {
			c.WriteError("ERR DB index is out of range")
			return true
		}
	case "HELLO":
		return !m.marked(c) && hello(c, args)
	case "TTL":
		return len(args) == 1 && !m.marked(c) && m.ttl(c, args[0])
	}
	return false
}

// hello answers HELLO 2 and HELLO 3, with a name or without, and leaves all else
// to miniredis. It has no modules, as a Redis 7 that comes without any; and is
// written at once, where miniredis takes thirty writes: in virtual time a
// twentieth of a short trial was spent on that.
func hello(c *mini.Peer, args []string) bool {
	named := len(args) == 3 && strings.EqualFold(args[1], "SETNAME")
	if len(args) != 1 && !named || args[0] != "2" && args[0] != "3" {
		return false
	}
	c.Resp3 = args[0] == "3"
	head := "*14"
	if c.Resp3 {
		head = "%7"
	}
	c.Block(func(w *mini.Writer) {
		w.WriteRaw(head + "\r\n$6\r\nserver\r\n$9\r\nminiredis\r\n$7\r\nversion\r\n$5\r\n8.4.0\r\n$5\r\nproto\r\n:" + args[0] +
			"\r\n$2\r\nid\r\n:42\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n")
	})
	return true
}

// ttl rounds to the nearest second as Redis does, where miniredis cuts: a test
// that reads "TTL k" right after "SET k v EX 60" sees 60 for half a second.
func (m *mender) ttl(c *mini.Peer, key string) bool {
	var answer bytes.Buffer
	aside := mini.NewPeer(bufio.NewWriter(&answer))
	aside.Ctx = c.Ctx // the connection's database and login
	m.srv.Dispatch(aside, []string{"PTTL", key})
	aside.Flush()
	text, isInt := strings.CutPrefix(strings.TrimSpace(answer.String()), ":")
	ms, err := strconv.Atoi(text)
	if !isInt || err != nil {
		return false
	}
	if ms >= 0 {
		ms = (ms + 500) / 1000
	}
	c.WriteInt(ms)
	return true
}

func (m *mender) mark(c *mini.Peer, queued bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !queued {
		delete(m.queued, c)
		return
	}
	if _, known := m.queued[c]; !known {
		c.OnDisconnect(func() { m.mark(c, false) })
	}
	m.queued[c] = true
}

func (m *mender) marked(c *mini.Peer) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queued[c]
}
