package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
)

// The proxies that are compared.
const (
	kindNone      = "none"      // redis-server itself
	kindFlakehunt = "flakehunt" // the engine of this platform
	kindPortable  = "portable"  // a goroutine a direction
	kindToxiproxy = "toxiproxy"
	kindCopy      = "io.Copy"
)

// toxiproxyPackage is built and run as its users run it.
const toxiproxyPackage = "github.com/Shopify/toxiproxy/v2/cmd/server"

// serve runs one proxy until in ends; it writes its address as a line.
func serve(ctx context.Context, kind, upstream string, delay time.Duration, plain bool, in io.Reader, out io.Writer) error {
	switch kind {
	case kindFlakehunt, kindPortable:
		p, err := proxy.Start(ctx, proxy.Config{Dial: dialer(upstream), Portable: kind == kindPortable})
		if err != nil {
			return err
		}
		defer p.Close()
		if !plain || delay > 0 {
			rules, err := explore.NewReplay(loadedRules(delay))
			if err != nil {
				return err
			}
			rec := history.NewBuffer(history.BufferConfig{Memory: 1 << 20})
			defer rec.Close()
			p.StartTrial(rules, rec)
			p.Begin("bench")
		}
		fmt.Fprintln(out, p.Addr())
	case kindCopy:
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		go copyProxy(ln, upstream)
		fmt.Fprintln(out, ln.Addr())
	default:
		return fmt.Errorf("unknown proxy %q", kind)
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// loadedRules are ten decisions, none of which names a command of the
// benchmark, or one that delays every SET.
func loadedRules(delay time.Duration) []harness.Decision {
	if delay > 0 {
		return []harness.Decision{{
			At:     harness.Point{Role: "kv", Verb: "SET", Key: "delayed"},
			Action: harness.Delay, Delay: harness.Duration(delay),
		}}
	}
	var out []harness.Decision
	for i := range 10 {
		out = append(out, harness.Decision{
			At:     harness.Point{Role: "kv", Verb: "SET", Key: "session:" + string(rune('a'+i)), N: 1},
			Action: harness.Delay, Delay: harness.Duration(50 * time.Millisecond),
		})
	}
	return out
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// copyProxy is the least that a proxy in Go can be.
func copyProxy(ln net.Listener, upstream string) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", upstream)
		if err != nil {
			client.Close()
			continue
		}
		pipe := func(dst, src net.Conn) {
			_, _ = io.Copy(dst, src)
			dst.Close()
			src.Close()
		}
		go pipe(server, client)
		go pipe(client, server)
	}
}

// child is a running proxy, or redis-server.
type child struct {
	kind  string
	addr  string
	pid   int
	close func()
}

// startProxy starts one proxy in its own process.
func startProxy(ctx context.Context, dir, kind, upstream string, delay time.Duration, plain bool) (*child, error) {
	switch kind {
	case kindNone:
		return &child{kind: kind, addr: upstream, close: func() {}}, nil
	case kindToxiproxy:
		return startToxiproxy(ctx, dir, upstream, delay)
	}
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
		_ = cmd.Wait()
	}
	line := make([]byte, 100)
	n, err := stdout.Read(line)
	if err != nil {
		stop()
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	return &child{kind: kind, addr: strings.TrimSpace(string(line[:n])), pid: cmd.Process.Pid, close: stop}, nil
}

// startToxiproxy builds Toxiproxy's server, starts it, and makes one proxy in it.
func startToxiproxy(ctx context.Context, dir, upstream string, delay time.Duration) (*child, error) {
	bin := filepath.Join(dir, "toxiproxy-server")
	if _, err := os.Stat(bin); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-o", bin, toxiproxyPackage)
		if msg, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build Toxiproxy: %w: %s", err, msg)
		}
	}
	api, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, bin, "-host", "127.0.0.1", "-port", fmt.Sprint(api))
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{kind: kindToxiproxy, pid: cmd.Process.Pid, close: func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}
	base := fmt.Sprintf("http://127.0.0.1:%d", api)
	if err := waitTCP(ctx, fmt.Sprintf("127.0.0.1:%d", api)); err != nil {
		c.close()
		return nil, err
	}
	var made struct {
		Listen string `json:"listen"`
	}
	if err := post(ctx, base+"/proxies", map[string]any{"name": "redis", "listen": "127.0.0.1:0", "upstream": upstream}, &made); err != nil {
		c.close()
		return nil, err
	}
	c.addr = made.Listen
	if delay > 0 {
		toxic := map[string]any{"type": "latency", "stream": "upstream", "attributes": map[string]any{"latency": delay.Milliseconds()}}
		if err := post(ctx, base+"/proxies/redis/toxics", toxic, nil); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func post(ctx context.Context, url string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		msg, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("toxiproxy: %s: %s", resp.Status, msg)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
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
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
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
