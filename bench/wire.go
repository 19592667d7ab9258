package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"

	"github.com/flakehunt/flakehunt/harness/resp"
)

// wire is the least that a client can be: one command, one reply of one line.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

func newWire(conn net.Conn) *wire { return &wire{conn: conn, r: bufio.NewReader(conn)} }

// do sends a command and gives the line that answers it. An error of Redis is
// an error.
func (w *wire) do(words ...string) (string, error) {
	if err := w.send(words...); err != nil {
		return "", err
	}
	return w.line()
}

func (w *wire) send(words ...string) error {
	w.out = resp.AppendCommand(w.out[:0], words...)
	_, err := w.conn.Write(w.out)
	return err
}

func (w *wire) line() (string, error) {
	line, err := w.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); strings.HasPrefix(line, "-") {
		return "", fmt.Errorf("redis: %s", line[1:])
	}
	return line, nil
}
