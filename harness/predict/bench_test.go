package predict_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// dump is where the passing histories of the rows are written as text: testdata
// was made with it.
var dump = flag.String("dump", "", "directory into which passing histories are written")

// env is what a row's program runs with.
type env struct {
	t    testing.TB
	addr string
	open []func()
}

// client is a client with a pool of so many connections, without retries.
func (e *env) client(pool int, options ...func(*redis.Options)) *redis.Client {
	o := &redis.Options{Addr: e.addr, PoolSize: pool, MaxRetries: -1, ReadTimeout: 5 * time.Second, ContextTimeoutEnabled: true, DisableIdentity: true}
	for _, f := range options {
		f(o)
	}
	c := redis.NewClient(o)
	e.open = append(e.open, func() { _ = c.Close() })
	return c
}

// noise is what tests do beside what races.
func (e *env) noise(ctx context.Context, c *redis.Client) {
	c.FlushAll(ctx)
	c.Set(ctx, "config", "{}", 0)
	c.HSet(ctx, "users:1", "name", "ada", "age", "36")
	c.Get(ctx, "config")
	c.HGetAll(ctx, "users:1")
	c.SAdd(ctx, "tags", "a", "b")
	c.SMembers(ctx, "tags")
}

// raw is a connection without a client.
type raw struct {
	net.Conn
	in *bufio.Reader
}

func (e *env) raw(context.Context) *raw {
	c, err := net.Dial("tcp", e.addr)
	require.NoError(e.t, err)
	return &raw{c, bufio.NewReader(c)}
}

// do sends a command and reads one line, and a bulk string whole.
func (r *raw) do(words ...string) string {
	_ = r.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = r.Write(resp.AppendCommand(nil, words...))
	return r.line()
}

func (r *raw) line() string {
	line, _ := r.in.ReadString('\n')
	line = strings.TrimSpace(line)
	var n int
	if _, err := fmt.Sscanf(line, "$%d", &n); err == nil && n >= 0 {
		b := make([]byte, n+2)
		for got := 0; got < len(b); {
			k, err := r.in.Read(b[got:])
			if err != nil {
				return line
			}
			got += k
		}
		return string(b[:n])
	}
	return line
}

// labs is how many rows are run at a time. They wait for most of it.
const labs = 4

// lab runs rows through a proxy to a Redis of its own.
type lab struct {
	t     testing.TB
	redis redisenv.Instance
	proxy *proxy.Proxy
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		t.Skip("no redis-server on PATH")
	}
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "server"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close(context.WithoutCancel(t.Context()))) })
	p, err := proxy.Start(t.Context(), proxy.Config{Dial: inst.Dial, PayloadLimit: 512})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return &lab{t, inst, p}
}

// run runs a row once under a schedule.
func (l *lab) run(r row, s harness.Schedule) *detect.Trace {
	l.t.Helper()
	sched, err := explore.FromSchedule(s)
	require.NoError(l.t, err)
	l.proxy.DropConnections()
	require.NoError(l.t, l.redis.Reset(l.t.Context()))
	rec := history.NewBuffer(history.BufferConfig{})
	defer rec.Close()
	l.proxy.StartTrial(sched, rec)
	l.proxy.Begin(r.name)
	o := harness.Outcome{Test: harness.TestID{Name: r.name}, Verdict: harness.Passed, Start: time.Now()}
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	e := &env{t: l.t, addr: l.proxy.Addr()}
	failed := r.run(ctx, e)
	cancel()
	o.Duration = harness.Duration(time.Since(o.Start))
	for _, f := range e.open {
		f()
	}
	if failed != nil {
		o.Verdict, o.Failure = harness.Failed, &harness.Failure{Kind: harness.AssertionFailure, Message: failed.Error()}
	}
	l.proxy.End()
	events, err := rec.Events(r.name)
	require.NoError(l.t, err)
	return detect.NewTrace(events, o)
}

// passing runs a row until it passes, at most tries times.
func (l *lab) passing(r row, tries int) *detect.Trace {
	l.t.Helper()
	var last string
	for range tries {
		t := l.run(r, harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay"})
		if t.Outcome.Verdict == harness.Passed {
			if *dump != "" {
				f, err := os.Create(filepath.Join(*dump, prefix(r)+r.name+".txt"))
				require.NoError(l.t, err)
				require.NoError(l.t, history.Format(f, history.Recording{Outcome: t.Outcome, Events: t.Events}))
				require.NoError(l.t, f.Close())
			}
			return t
		}
		last = t.Outcome.Failure.Message
	}
	l.t.Fatalf("%s did not pass in %d runs: %s", r.name, tries, last)
	return nil
}

// hello3 begins RESP3.
func (r *raw) hello3() error {
	if _, err := r.Write(resp.AppendCommand(nil, "HELLO", "3")); err != nil {
		return err
	}
	for line := ""; !strings.HasPrefix(line, "*0"); { // the modules, which come last
		if line = r.line(); line == "" || line[0] == '-' {
			return fmt.Errorf("HELLO 3 was answered %q", line)
		}
	}
	return nil
}

// invalidated reports whether an invalidation comes within a time, all of which
// it takes.
func (r *raw) invalidated(within time.Duration) bool {
	end := time.Now().Add(within)
	_ = r.SetReadDeadline(end)
	head, err := r.in.Peek(1)
	if err == nil && head[0] == '>' {
		_ = r.SetReadDeadline(time.Now().Add(time.Second))
		for range 4 { // >2, invalidate, *1, the key
			r.line()
		}
	}
	time.Sleep(time.Until(end))
	return err == nil
}

// prefix marks the histories of programs that are sound.
func prefix(r row) string {
	if r.class == "" {
		return "sound-"
	}
	return ""
}
