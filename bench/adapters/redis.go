package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// redisServer starts a redis-server on a free port, and gives the port.
func redisServer(ctx context.Context, dir string) (port string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	c := exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	}
	deadline := time.Now().Add(30 * time.Second)
	for !answers(port) {
		if time.Now().After(deadline) {
			stop()
			return "", nil, fmt.Errorf("redis-server does not answer on port %s", port)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return port, stop, nil
}

func answers(port string) bool {
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return false
	}
	text := make([]byte, 7)
	_, err = io.ReadFull(c, text)
	return err == nil && string(text) == "+PONG\r\n"
}

// flush empties the server at addr.
func flush(ctx context.Context, addr string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "FLUSHALL\r\n"); err != nil {
		return err
	}
	text := make([]byte, 5)
	if _, err = io.ReadFull(c, text); err == nil && string(text) != "+OK\r\n" {
		err = fmt.Errorf("FLUSHALL: %q", text)
	}
	return err
}
