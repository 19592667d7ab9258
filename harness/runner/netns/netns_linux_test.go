package netns_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

func TestMain(m *testing.M) {
	netns.MaybeRunChild()
	if addrs, ok := os.LookupEnv("NETNS_TEST_CLIENT"); ok {
		client(strings.FieldsFunc(addrs, func(r rune) bool { return r == ',' }))
		return
	}
	goleak.VerifyTestMain(m)
}

// client is a suite with hard-coded addresses: it prints what each answers,
// and then who it is.
func client(addrs []string) {
	for _, a := range addrs {
		c, err := net.DialTimeout("tcp", a, 5*time.Second)
		if err != nil {
			fmt.Println(a, "error", err)
			continue
		}
		_, _ = c.Write([]byte("hello\n"))
		_ = c.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(c)
		_ = c.Close()
		fmt.Println(a, strings.TrimSpace(string(b)))
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff:") {
			fmt.Printf("uid %d %s", os.Getuid(), line)
		}
	}
	ifs, _ := net.Interfaces()
	fmt.Println("interfaces", len(ifs))
}

// answer serves a listener: each connection is read to its end and told the word.
func answer(l net.Listener, word string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b, _ := io.ReadAll(c)
			fmt.Fprintf(c, "%s heard %s", word, strings.TrimSpace(string(b)))
		}()
	}
}

// host opens a listener on this machine's loopback that answers with the word.
func host(t *testing.T, word string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go answer(l, word)
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// allowed reports whether this machine gives us namespaces; where it does not,
// the words are the test.
func allowed(t *testing.T) bool {
	t.Helper()
	err := netns.Check(t.Context())
	if err != nil {
		require.ErrorContains(t, err, "--takeover needs a private network")
		require.ErrorContains(t, err, "or, without --takeover")
		t.Log(err)
	}
	return err == nil
}

func visit(t *testing.T, tk *netns.Takeover, x runner.Exec, addrs ...string) string {
	t.Helper()
	var out capture.Buffer
	s := proc.Spec{Argv: []string{os.Args[0]}, Stdout: &out, Stderr: &out}
	undo, err := tk.Wrapper().Prepare(t.Context(), &x, &s)
	require.NoError(t, err)
	s.Env = append(os.Environ(), "NETNS_TEST_CLIENT="+strings.Join(addrs, ","), "ADDR="+x.Redis.Addr)
	res, err := proc.Run(t.Context(), s)
	require.NoError(t, err)
	require.NoError(t, undo())
	require.NoError(t, undo(), "again, without harm")
	require.True(t, res.OK(), "%s: %s", res, out.String())
	return out.String()
}

// Eight commands at once, each with the same hard-coded address: each meets its
// own server, and the host's port stays the host's.
func TestEightAtOnce(t *testing.T) {
	if !allowed(t) {
		return
	}
	port := host(t, "the host")
	tk, err := netns.New(t.Context(), netns.Config{Takeover: []string{"localhost:" + port}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			me := fmt.Sprintf("server %d", i)
			x := runner.Exec{}
			if i%2 == 0 { // the proxy takes the listeners over
				x.Redis.Adopt = func(l net.Listener) { go answer(l, me) }
			} else { // or is dialled
				x.Redis.Addr = "127.0.0.1:" + host(t, me)
			}
			out := visit(t, tk, x, "127.0.0.1:"+port, "localhost:"+port, "[::1]:"+port)
			require.Equal(t, 3, strings.Count(out, me+" heard hello"), out)
			require.Contains(t, out, "interfaces 1\n", "only lo")
		})
	}
	wg.Wait()
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	_ = c.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	_ = c.Close()
	require.Equal(t, "the host heard ", string(b))
}

func TestForwardAndOtherAddresses(t *testing.T) {
	if !allowed(t) {
		return
	}
	db, hidden := host(t, "database"), host(t, "hidden")
	tk, err := netns.New(t.Context(), netns.Config{Takeover: []string{"10.1.2.3:6379", "127.0.0.1:7000"}, Forward: []string{db}})
	require.NoError(t, err)
	x := runner.Exec{}
	x.Redis.Adopt = func(l net.Listener) { go answer(l, "proxy") }
	out := visit(t, tk, x, "10.1.2.3:6379", "127.0.0.1:7000", "[::1]:7000", "localhost:"+db, "127.0.0.1:"+hidden)
	require.Equal(t, 3, strings.Count(out, "proxy heard hello"), out)
	require.Contains(t, out, "database heard hello")
	require.Contains(t, out, "127.0.0.1:"+hidden+" error", "what is not forwarded is not there")
}

func TestCommandKeepsItsUserAndGetsNoRights(t *testing.T) {
	if !allowed(t) {
		return
	}
	tk, err := netns.New(t.Context(), netns.Config{Takeover: []string{"localhost:6379"}})
	require.NoError(t, err)
	out := visit(t, tk, runner.Exec{Redis: runner.Endpoint{Adopt: func(net.Listener) {}}})
	require.Contains(t, out, fmt.Sprintf("uid %d ", os.Getuid()))
	if os.Getuid() != 0 {
		require.Contains(t, out, "CapEff:\t0000000000000000")
	}
}

// The same tests as a user without any right.
func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("this is already an ordinary user")
		return
	}
	dir, err := os.MkdirTemp("", "netns-test-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	bin := filepath.Join(dir, "netns.test")
	self, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bin, self, 0o755))
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--no-new-privs",
		bin, "-test.v", "-test.run=EightAtOnce|Forward|Keeps|Broken")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, 4, strings.Count(string(out), "--- PASS"), "%s", out)
}

func TestBrokenCommandIsTheHarnessesError(t *testing.T) {
	if !allowed(t) {
		return
	}
	tk, err := netns.New(t.Context(), netns.Config{Takeover: []string{"localhost:6379"}})
	require.NoError(t, err)
	x := runner.Exec{Redis: runner.Endpoint{Adopt: func(net.Listener) {}}}
	s := proc.Spec{Argv: []string{"no-such-program"}, Env: os.Environ()}
	undo, err := tk.Wrapper().Prepare(t.Context(), &x, &s)
	require.NoError(t, err)
	require.Equal(t, "localhost:6379", x.Redis.Addr)
	_, err = proc.Run(t.Context(), s)
	require.NoError(t, err)
	err = undo()
	require.ErrorContains(t, err, "starting no-such-program")
	require.NotContains(t, err.Error(), "private network", "the machine allows it well enough")

	// Prepared, and never run: nothing hangs.
	undo, err = tk.Wrapper().Prepare(context.Background(), &x, &s)
	require.NoError(t, err)
	require.ErrorContains(t, undo(), "before it was ready")
}

func TestConfigErrors(t *testing.T) {
	for want, c := range map[string]netns.Config{
		"no address given":          {},
		"want HOST:PORT":            {Takeover: []string{"6379"}},
		"is no port":                {Takeover: []string{"localhost:redis"}},
		"is not in /etc/hosts":      {Takeover: []string{"redis:6379"}},
		"only [::1] can be taken":   {Takeover: []string{"[fe80::1]:6379"}},
		"already taken":             {Takeover: []string{"localhost:6379", "127.0.0.1:6379"}},
		"want the PORT":             {Takeover: []string{"localhost:6379"}, Forward: []string{"postgres"}},
		"127.0.0.1:6379 is already": {Takeover: []string{"localhost:6379"}, Forward: []string{"6379"}},
	} {
		_, err := netns.New(t.Context(), c)
		require.ErrorContains(t, err, want)
	}
}

// What a private network costs a command.
func BenchmarkPrivateNetwork(b *testing.B) {
	tk, err := netns.New(b.Context(), netns.Config{Takeover: []string{"localhost:6379"}})
	require.NoError(b, err)
	run := func(b *testing.B, private bool) {
		for b.Loop() {
			x := runner.Exec{Redis: runner.Endpoint{Adopt: func(net.Listener) {}}}
			s := proc.Spec{Argv: []string{"true"}, Env: os.Environ()}
			undo := func() error { return nil }
			if private {
				undo, err = tk.Wrapper().Prepare(b.Context(), &x, &s)
				require.NoError(b, err)
			}
			_, err := proc.Run(b.Context(), s)
			require.NoError(b, err)
			require.NoError(b, undo())
		}
	}
	b.Run("with", func(b *testing.B) { run(b, true) })
	b.Run("without", func(b *testing.B) { run(b, false) })
}
