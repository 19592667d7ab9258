package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// store is as much of a Redis as the tests in virtual time need: SET, GET,
// PUBLISH, SUBSCRIBE, ECHO, scripts, MULTI, over in-memory connections.
type store struct {
	mu   sync.Mutex
	keys map[string]string
	subs map[string][]chan<- []byte
	log  []string

	loaded bool                   // EVALSHA knows its script: EVAL was seen
	multi  map[chan<- []byte]bool // connections within MULTI
}

func newStore() *store {
	return &store{keys: map[string]string{}, subs: map[string][]chan<- []byte{}, multi: map[chan<- []byte]bool{}}
}

func (s *store) dial(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	out := make(chan []byte, 1000)
	go func() {
		for b := range out {
			if _, err := server.Write(b); err != nil {
				break
			}
		}
		for range out { // whoever still sends must not wait
		}
	}()
	go func() {
		defer close(out)
		defer server.Close()
		f := resp.NewRequests(1 << 20)
		buf := make([]byte, 4096)
		for {
			n, err := server.Read(buf)
			if err != nil {
				s.leave(out)
				return
			}
			for rest := buf[:n]; len(rest) > 0; {
				k, ok, err := f.Next(rest)
				if err != nil {
					s.leave(out)
					return
				}
				if rest = rest[k:]; ok {
					if reply := s.do(resp.Words(f.Head), out); reply != nil {
						out <- reply
					}
				}
			}
		}
	}()
	return client, nil
}

func (s *store) leave(out chan<- []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, all := range s.subs {
		for i, o := range all {
			if o == out {
				s.subs[k] = append(append([]chan<- []byte(nil), all[:i]...), all[i+1:]...)
				break
			}
		}
	}
}

func (s *store) do(args []string, out chan<- []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, strings.Join(args, " "))
	if s.multi[out] && args[0] != "EXEC" {
		return []byte("+QUEUED\r\n")
	}
	switch args[0] {
	case "MULTI":
		s.multi[out] = true
		return []byte("+OK\r\n")
	case "EXEC":
		delete(s.multi, out)
		return []byte("*1\r\n+OK\r\n")
	case "BLPOP":
		return nil // nobody pushes
	case "EVALSHA", "EVAL":
		if s.loaded = s.loaded || args[0] == "EVAL"; !s.loaded {
			return []byte("-NOSCRIPT No matching script.\r\n")
		}
		return []byte(":1\r\n")
	case "SET":
		s.keys[args[1]] = args[2]
		return []byte("+OK\r\n")
	case "GET":
		if v, ok := s.keys[args[1]]; ok {
			return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(v), v)
		}
		return []byte("$-1\r\n")
	case "SUBSCRIBE":
		s.subs[args[1]] = append(s.subs[args[1]], out)
		return fmt.Appendf(nil, "*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(args[1]), args[1])
	case "PUBLISH":
		for _, o := range s.subs[args[1]] {
			o <- resp.AppendCommand(nil, "message", args[1], args[2])
		}
		return fmt.Appendf(nil, ":%d\r\n", len(s.subs[args[1]]))
	case "ECHO":
		return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(args[1]), args[1])
	}
	return []byte("-ERR unknown command\r\n")
}

func (s *store) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

// user is a client in virtual time.
type user struct {
	net.Conn
	r *bufio.Reader
}

func (u *user) do(args ...string) string {
	if _, err := u.Write(resp.AppendCommand(nil, args...)); err != nil {
		return "error: " + err.Error()
	}
	return u.reply()
}

// reply reads one reply or push and gives its words.
func (u *user) reply() string {
	line, err := u.r.ReadString('\n')
	if err != nil {
		return "error: " + err.Error()
	}
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch {
	case line[0] == '$' && n >= 0:
		b := make([]byte, n+2)
		if _, err := io.ReadFull(u.r, b); err != nil {
			return "error: " + err.Error()
		}
		return string(b[:n])
	case line[0] == '*':
		var words []string
		for range n {
			words = append(words, u.reply())
		}
		return strings.Join(words, " ")
	}
	return strings.TrimSpace(line)
}

// world is a proxy before a store, in a bubble.
type world struct {
	*Proxy
	*store
	rec   *tape
	users []*user
}

// bubble runs f in virtual time; everything that f began ends with it.
func bubble(t *testing.T, s harness.Scheduler, cfg Config, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newStore()
		cfg.Dial = st.dial
		w := &world{Proxy: New(cfg), store: st, rec: &tape{}}
		w.StartTrial(s, w.rec)
		defer func() {
			assert.NoError(t, w.Close())
			for _, u := range w.users {
				u.Close()
			}
			synctest.Wait()
		}()
		f(t, w)
	})
}

func (w *world) connect() *user {
	a, b := net.Pipe()
	w.Serve(b)
	u := &user{a, bufio.NewReader(a)}
	w.users = append(w.users, u)
	return u
}

// ending finds how the frame of a point ended.
func (w *world) ending(t *testing.T, id string) harness.Event {
	t.Helper()
	synctest.Wait() // a client sees a reply before it is recorded
	return w.rec.frame(t, id)
}

// heldAt is a schedule of one hold.
func heldAt(at, until string, timeout time.Duration) rules {
	return rules{at: {Action: harness.Hold, Until: must(harness.ParsePoint(until)), Timeout: harness.Duration(timeout)}}
}
