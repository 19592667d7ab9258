package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// client is miniredis' end of a connection in memory. miniredis' own serving
// keeps two goroutines and 8 KiB of buffers for each connection; here a
// goroutine runs only while there are commands to answer.
type client struct {
	e    *Redis
	srv  *server.Server
	conn *Conn // the server's end
	peer *server.Peer

	mu      sync.Mutex
	waiting []byte // that has come and was not looked at
	ended   bool   // nothing more will come
	running bool   // answer runs

	// Of answer alone:
	rest       []byte // rest[from:] is to be answered
	from       int
	subscribed bool // a subscription was asked for
	gone       bool // the connection is closed
}

// attach serves the server's end of a connection.
func (e *Redis) attach(srv *server.Server, conn *Conn) {
	c := &client{e: e, srv: srv, conn: conn}
	c.peer = server.NewPeer(bufio.NewWriterSize(&pushOrder{Conn: conn, subscribers: &e.subscribers}, 512))
	conn.Receive(c.take, c.end)
}

// take gets what the other end wrote. It never waits, whatever the commands do:
// the writer may hold locks.
func (c *client) take(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, p...)
	c.run()
}

// end is called when nothing more will come, as take by one who may hold locks.
func (c *client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.running { // a command that waits in Redis gives up
		c.e.serving.run(c.peer.Close)
	}
	c.run()
}

// run sees to it that somebody answers; c.mu is held.
func (c *client) run() {
	if !c.running {
		c.running = true
		c.e.serving.run(c.answer)
	}
}

// answer does the commands that have come, one after the other.
func (c *client) answer() {
	for {
		c.mu.Lock()
		if c.from == len(c.rest) {
			c.from, c.rest = 0, c.rest[:0]
		}
		c.rest = append(c.rest, c.waiting...)
		c.waiting = c.waiting[:0]
		args, n, err := parse(c.rest[c.from:])
		if n == 0 && err == nil && !c.ended || c.gone {
			c.running = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if c.from += n; n > 0 {
			c.do(args)
		}
		if n == 0 || c.peer.Closed() {
			c.leave()
		}
	}
}

func (c *client) do(args []string) {
	if len(args) == 0 { // Redis ignores it
		return
	}
	if verb := strings.ToUpper(args[0]); verb == "SUBSCRIBE" || verb == "PSUBSCRIBE" {
		c.subscribed = true
	}
	c.srv.Dispatch(c.peer, args)
	c.peer.Flush()
}

// leave closes the connection and has miniredis forget it.
func (c *client) leave() {
	c.gone = true
	c.peer.Close()
	_ = c.conn.Close()
	if c.subscribed { // miniredis would keep its goroutines
		for _, verb := range []string{"DISCARD", "UNSUBSCRIBE", "PUNSUBSCRIBE"} {
			c.srv.Dispatch(c.peer, []string{verb})
		}
	}
}

var errProtocol = errors.New("not a command as an array of bulk strings")

// parse takes one command off the front of b; n is how long it is, 0 if it is
// not whole yet. Only arrays are taken, as miniredis does.
func parse(b []byte) (args []string, n int, err error) {
	count, n, err := header(b, '*')
	if n == 0 || err != nil {
		return nil, 0, err
	}
	args = make([]string, 0, min(count, 64))
	for range count {
		size, head, err := header(b[n:], '$')
		if head == 0 || err != nil {
			return nil, 0, err
		}
		from := n + head
		if len(b) < from+size+2 {
			return nil, 0, nil
		}
		args = append(args, string(b[from:from+size]))
		n = from + size + 2
	}
	return args, n, nil
}

// header reads a kind and a number that is not negative, up to the end of the
// line; n is 0 if that is not there yet.
func header(b []byte, kind byte) (value, n int, err error) {
	const longest = 32
	end := bytes.IndexByte(b[:min(len(b), longest)], '\n')
	switch {
	case len(b) > 0 && b[0] != kind, end < 0 && len(b) >= longest:
		return 0, 0, errProtocol
	case end < 0:
		return 0, 0, nil
	case end < 2:
		return 0, 0, errProtocol
	}
	value, err = strconv.Atoi(string(b[1 : end-1]))
	if err != nil || value < 0 {
		return 0, 0, errProtocol
	}
	return value, end + 1, nil
}
