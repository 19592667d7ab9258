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
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
)

// peer is another way to look for a flake: rerun the test over some connection.
type peer struct {
	name string
	via  func(upstream string) (addr string, done func(), err error) // the address that the tests get
}

// peers are plain rerun, as go test -count does, and Toxiproxy's latency toxic,
// uniform over 20 ± 20 ms in both directions, as its users set it.
func peersOf(ctx context.Context) (list []peer, done func(), err error) {
	tp, err := startToxiproxy(ctx)
	if err != nil {
		return nil, nil, err
	}
	return []peer{
		{"plain rerun", func(upstream string) (string, func(), error) { return upstream, func() {}, nil }},
		{"Toxiproxy 20±20 ms", func(upstream string) (string, func(), error) { return tp.open(ctx, upstream) }},
	}, tp.close, nil
}

// rerun runs one test until it fails, at most n times. It returns the trial
// that failed, or 0.
func (p peer) rerun(ctx context.Context, l *lab, test string, seed uint64, n int) (int, error) {
	inst, err := l.provider.Start(ctx)
	if err != nil {
		return 0, err
	}
	defer inst.Close(context.WithoutCancel(ctx))
	addr, done, err := p.via(inst.Addr())
	if err != nil {
		return 0, err
	}
	defer done()
	for i := 1; i <= n; i++ {
		failed, err := p.once(ctx, l, inst, addr, test, seed, i)
		if err != nil {
			return 0, err
		}
		if failed {
			return i, nil
		}
	}
	return 0, nil
}

func (p peer) once(ctx context.Context, l *lab, inst redisenv.Instance, addr, test string, seed uint64, i int) (bool, error) {
	if err := inst.Reset(ctx); err != nil {
		return false, err
	}
	outcomes, err := l.runner.Run(ctx, runner.Exec{
		Trial: i, Seed: seed, Arm: harness.Direct, Tests: []string{test}, Redis: runner.Endpoint{Addr: addr},
	})
	if err != nil {
		return false, err
	}
	for _, o := range outcomes {
		if o.Verdict == harness.Failed {
			return true, nil
		}
	}
	return false, nil
}

// toxiproxy is a running server of Toxiproxy.
type toxiproxy struct {
	base  string
	cmd   *exec.Cmd
	dir   string
	count chan int
}

const toxiproxyPackage = "github.com/Shopify/toxiproxy/v2/cmd/server"

func startToxiproxy(ctx context.Context) (*toxiproxy, error) {
	dir, err := os.MkdirTemp("", "directed-")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "toxiproxy-server")
	if msg, err := exec.CommandContext(ctx, "go", "build", "-o", bin, toxiproxyPackage).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build Toxiproxy (run this in bench/): %w: %s", err, msg)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	cmd := exec.CommandContext(ctx, bin, "-host", "127.0.0.1", "-port", fmt.Sprint(api))
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &toxiproxy{base: fmt.Sprintf("http://127.0.0.1:%d", api), cmd: cmd, dir: dir, count: make(chan int, 1)}
	t.count <- 0
	for range 500 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", api))
		if err == nil {
			return t, conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.close()
	return nil, fmt.Errorf("toxiproxy does not answer on port %d", api)
}

func (t *toxiproxy) close() {
	_ = t.cmd.Process.Kill()
	_ = t.cmd.Wait()
	_ = os.RemoveAll(t.dir)
}

// open makes a proxy with a uniform latency of 20 ± 20 ms each way.
func (t *toxiproxy) open(ctx context.Context, upstream string) (addr string, done func(), err error) {
	n := <-t.count + 1
	t.count <- n
	name := fmt.Sprintf("redis-%d", n)
	var made struct {
		Listen string `json:"listen"`
	}
	if err := t.post(ctx, "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": upstream}, &made); err != nil {
		return "", nil, err
	}
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := map[string]any{"type": "latency", "stream": stream, "attributes": map[string]any{"latency": 20, "jitter": 20}}
		if err := t.post(ctx, "/proxies/"+name+"/toxics", toxic, nil); err != nil {
			return "", nil, err
		}
	}
	return made.Listen, func() {
		req, err := http.NewRequest(http.MethodDelete, t.base+"/proxies/"+name, nil)
		if err != nil {
			return
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}, nil
}

func (t *toxiproxy) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+path, bytes.NewReader(b))
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
