// Package toxiproxy builds and runs Toxiproxy's server as its users do, as the
// peer that flakehunt is compared with. It must never listen beyond loopback,
// and leaves nothing running or lying about once it is closed.
package toxiproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const program = "github.com/Shopify/toxiproxy/v2/cmd/server"

// Directions in which a toxic works, as Toxiproxy names them.
const (
	Upstream   = "upstream"   // from the client to Redis
	Downstream = "downstream" // from Redis to the client
)

// Server is a running Toxiproxy.
type Server struct {
	base  string
	cmd   *exec.Cmd
	dir   string
	count chan int // of proxies made
}

// Start builds the server that go.mod names, from within this module, and
// starts it on a free port.
func Start(ctx context.Context) (*Server, error) {
	dir, err := os.MkdirTemp("", "toxiproxy-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, count: make(chan int, 1)}
	s.count <- 0
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	bin := filepath.Join(s.dir, "toxiproxy-server")
	if msg, err := exec.CommandContext(ctx, "go", "build", "-o", bin, program).CombinedOutput(); err != nil {
		return fmt.Errorf("build Toxiproxy (run this in bench/): %w: %s", err, msg)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, bin, "-host", "127.0.0.1", "-port", fmt.Sprint(port))
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Toxiproxy: %w", err)
	}
	s.cmd, s.base = cmd, fmt.Sprintf("http://127.0.0.1:%d", port)
	return s.ready(ctx)
}

// ready waits for the server's first answer.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := s.call(ctx, http.MethodGet, "/version", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for Toxiproxy: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Version is the version that is built: the one in go.mod.
func Version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "github.com/Shopify/toxiproxy/v2").Output()
	if err != nil {
		return "", fmt.Errorf("ask for Toxiproxy's version (run this in bench/): %w", err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// Close ends the server with all its proxies.
func (s *Server) Close() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it has ended already
		_ = s.cmd.Wait()         // by a signal
	}
	_ = os.RemoveAll(s.dir) // a directory for temporary files
}

// Proxy is one proxy of the server.
type Proxy struct {
	Addr string
	s    *Server
	name string
}

// Open makes a proxy before upstream.
func (s *Server) Open(ctx context.Context, upstream string) (*Proxy, error) {
	n := <-s.count + 1
	s.count <- n
	p := &Proxy{s: s, name: fmt.Sprintf("redis-%d", n)}
	var made struct {
		Listen string `json:"listen"`
	}
	err := s.call(ctx, http.MethodPost, "/proxies", map[string]any{"name": p.name, "listen": "127.0.0.1:0", "upstream": upstream}, &made)
	p.Addr = made.Listen
	return p, err
}

// Latency adds a latency toxic: uniform over latency ± jitter.
func (p *Proxy) Latency(ctx context.Context, stream string, latency, jitter time.Duration) error {
	return p.s.call(ctx, http.MethodPost, "/proxies/"+p.name+"/toxics", map[string]any{
		"type": "latency", "stream": stream,
		"attributes": map[string]any{"latency": latency.Milliseconds(), "jitter": jitter.Milliseconds()},
	}, nil)
}

// Close takes the proxy away. Errors are of no account: Server.Close takes all.
func (p *Proxy) Close() {
	_ = p.s.call(context.Background(), http.MethodDelete, "/proxies/"+p.name, nil, nil)
}

func (s *Server) call(ctx context.Context, method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, in)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		msg, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // the status is error enough
		return fmt.Errorf("toxiproxy: %s: %s", resp.Status, msg)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("toxiproxy: %s %s: %w", method, path, err)
	}
	return nil
}
