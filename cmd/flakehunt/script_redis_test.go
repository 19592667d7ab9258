package main

import (
	"net"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// startRedis starts a redis-server of the script's own on a free port, and sets
// OWN_REDIS, its URL, OWN_REDIS_PORT and OWN_REDIS_PID. It ends with the script.
// An argument is its password, which OWN_REDIS does not hold.
func startRedis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: redis [PASSWORD]")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	addr := l.Addr().String()
	ts.Check(l.Close())
	_, port, err := net.SplitHostPort(addr)
	ts.Check(err)
	words := []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", ts.MkAbs(".")}
	if len(args) > 0 {
		words = append(words, "--requirepass", args[0])
	}
	server := exec.Command("redis-server", words...)
	ts.Check(server.Start())
	ts.Defer(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()
	})
	for until := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			ts.Check(c.Close())
			break
		}
		if time.Now().After(until) {
			ts.Fatalf("redis-server does not answer at %s: %v", addr, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Setenv("OWN_REDIS", "redis://"+addr)
	ts.Setenv("OWN_REDIS_PORT", port)
	ts.Setenv("OWN_REDIS_PID", strconv.Itoa(server.Process.Pid))
}
