package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/bench/toxiproxy"
)

// child is a running proxy, or redis-server, in a process of its own.
type child struct {
	kind  string
	addr  string
	pid   int // 0: redis-server itself, whose time is not a proxy's
	close func()
}

// testbed is what every measurement stands on: a redis-server of our own with a
// directory of its own, and the proxies that were started before it.
type testbed struct {
	dir   string
	redis *child
	toxi  *toxiproxy.Server // nil: not needed yet
	ends  []func()
}

func newTestbed(ctx context.Context) (*testbed, error) {
	dir, err := os.MkdirTemp("", "flakehunt-bench-")
	if err != nil {
		return nil, err
	}
	b := &testbed{dir: dir, ends: []func(){func() { os.RemoveAll(dir) }}}
	if b.redis, err = startRedis(ctx, dir); err != nil {
		b.close()
		return nil, err
	}
	b.ends = append(b.ends, b.redis.close)
	return b, nil
}

// close ends all that was started, the last first.
func (b *testbed) close() {
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

// proxy starts a proxy of a kind; it ends with the testbed.
func (b *testbed) proxy(ctx context.Context, kind string, delay time.Duration, plain bool) (*child, error) {
	var c *child
	var err error
	switch kind {
	case kindNone:
		c = &child{kind: kind, addr: b.redis.addr, close: func() {}}
	case kindToxiproxy:
		c, err = b.toxiproxy(ctx, delay)
	default:
		c, err = startSelf(ctx, kind, b.redis.addr, delay, plain)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	b.ends = append(b.ends, c.close)
	return c, nil
}

// toxiproxy makes one proxy in the one server of Toxiproxy.
func (b *testbed) toxiproxy(ctx context.Context, delay time.Duration) (*child, error) {
	if b.toxi == nil {
		s, err := toxiproxy.Start(ctx)
		if err != nil {
			return nil, err
		}
		b.toxi = s
		b.ends = append(b.ends, s.Close)
	}
	p, err := b.toxi.Open(ctx, b.redis.addr)
	if err != nil {
		return nil, err
	}
	if delay > 0 {
		if err := p.Latency(ctx, toxiproxy.Upstream, delay, 0); err != nil {
			return nil, err
		}
	}
	return &child{kind: kindToxiproxy, addr: p.Addr, pid: b.toxi.PID(), close: p.Close}, nil
}

// startSelf starts this program as a proxy; see serve.
func startSelf(ctx context.Context, kind, upstream string, delay time.Duration, plain bool) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve", "-kind", kind, "-upstream", upstream,
		"-delay", delay.String(), fmt.Sprintf("-plain=%v", plain))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		stdin.Close()
		_ = cmd.Wait() // it ends when its input does
	}
	line := make([]byte, 100)
	n, err := stdout.Read(line)
	if err != nil {
		stop()
		return nil, err
	}
	return &child{kind: kind, addr: strings.TrimSpace(string(line[:n])), pid: cmd.Process.Pid, close: stop}, nil
}

// startRedis starts a redis-server of our own.
func startRedis(ctx context.Context, dir string) (*child, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "redis-server", "--port", fmt.Sprint(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", dir, "--maxclients", "20000")
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	c := &child{kind: kindNone, addr: fmt.Sprintf("127.0.0.1:%d", port), pid: cmd.Process.Pid, close: func() {
		_ = cmd.Process.Kill() // it has ended already
		_ = cmd.Wait()         // by a signal
	}}
	if err := waitTCP(ctx, c.addr); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

func waitTCP(ctx context.Context, addr string) error {
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", addr, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
