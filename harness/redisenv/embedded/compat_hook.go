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

// compatHook answers a few commands in the place of miniredis, where its answers
// would mislead the tests that flakehunt is about.
type compatHook struct {
	srv *mini.Server

	mu     sync.Mutex
	queued map[*mini.Peer]bool // between MULTI and EXEC: leave all to miniredis
}

func addCompatHook(srv *mini.Server) {
	h := &compatHook{srv: srv, queued: map[*mini.Peer]bool{}}
	srv.SetPreHook(h.answer)
}

// answer reports whether the command has been answered.
func (h *compatHook) answer(c *mini.Peer, cmd string, args ...string) bool {
	switch cmd {
	case "MULTI":
		h.mark(c, true)
	case "EXEC", "DISCARD":
		h.mark(c, false)
	case "SELECT":
		if n, err := strconv.Atoi(strings.Join(args, " ")); err == nil && n >= databases {
			c.WriteError("ERR DB index is out of range")
			return true
		}
	case "HELLO":
		return !h.marked(c) && hello(c, args)
	case "TTL":
		return len(args) == 1 && !h.marked(c) && h.ttl(c, args[0])
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
func (h *compatHook) ttl(c *mini.Peer, key string) bool {
	var answer bytes.Buffer
	aside := mini.NewPeer(bufio.NewWriter(&answer))
	aside.Ctx = c.Ctx // the connection's database and login
	h.srv.Dispatch(aside, []string{"PTTL", key})
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

func (h *compatHook) mark(c *mini.Peer, queued bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !queued {
		delete(h.queued, c)
		return
	}
	if _, known := h.queued[c]; !known {
		c.OnDisconnect(func() { h.mark(c, false) })
	}
	h.queued[c] = true
}

func (h *compatHook) marked(c *mini.Peer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.queued[c]
}
