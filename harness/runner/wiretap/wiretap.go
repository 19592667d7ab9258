// Package wiretap lets tests of plugins see what a suite's clients sent: an
// imitation of Redis behind a wire that keeps all bytes by the client's port.
//
// It must never be part of the program: tests alone import it.
package wiretap

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/flakehunt/flakehunt/harness"
)

// Tap is the wire.
type Tap struct {
	Addr string

	mu    sync.Mutex
	sent  map[int]*bytes.Buffer
	calls []harness.Caller
}

// New opens a wire, which ends with the test.
func New(t *testing.T) *Tap {
	redis := miniredis.RunT(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &Tap{Addr: l.Addr().String(), sent: map[int]*bytes.Buffer{}}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		redis.Close() // ends the wires
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { tap.wire(c, redis.Addr()) })
		}
	})
	return tap
}

func (tap *Tap) wire(c net.Conn, addr string) {
	defer c.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(c, server)
		_ = c.Close()
	}()
	kept := &bytes.Buffer{}
	tap.mu.Lock()
	tap.sent[c.RemoteAddr().(*net.TCPAddr).Port] = kept
	tap.mu.Unlock()
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		tap.mu.Lock()
		kept.Write(b[:n])
		tap.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
	}
}

// Called takes what a plugin tells.
func (tap *Tap) Called(list []harness.Caller) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.calls = append(tap.calls, list...)
}

// Places gives by verb and first argument the place that a plugin named for the
// bytes of a command, "" where it named none. What clients say by themselves as
// they connect is left out, and so are MULTI and EXEC.
func (tap *Tap) Places() map[string]string {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	places := map[string]string{}
	for port, sent := range tap.sent {
		for at, words := range commands(sent.Bytes()) {
			switch words[0] {
			case "HELLO", "CLIENT", "INFO", "SELECT", "PING", "MULTI", "EXEC", "QUIT", "UNSUBSCRIBE":
				continue
			}
			key := strings.Join(words[:min(2, len(words))], " ")
			places[key] = ""
			for _, c := range tap.calls {
				if c.Port == port && c.At <= at && at < c.At+c.Size {
					places[key] = fmt.Sprintf("%s:%d", c.File, c.Line)
				}
			}
		}
	}
	return places
}

// commands reads the commands of a stream, by where they begin.
func commands(b []byte) map[int64][]string {
	out := map[int64][]string{}
	in := bufio.NewReader(bytes.NewReader(b))
	at := int64(0)
	line := func() (string, int) {
		s, err := in.ReadString('\n')
		if err != nil {
			return "", 0
		}
		at += int64(len(s))
		n, _ := strconv.Atoi(strings.TrimSpace(s[1:]))
		return s, n
	}
	for {
		begin := at
		s, args := line()
		if s == "" || s[0] != '*' {
			return out
		}
		var words []string
		for range args {
			_, n := line()
			word := make([]byte, n+2)
			if _, err := io.ReadFull(in, word); err != nil {
				return out
			}
			at += int64(n + 2)
			words = append(words, string(word[:n]))
		}
		if len(words) == 0 {
			return out
		}
		words[0] = strings.ToUpper(words[0])
		out[begin] = words
	}
}
