//go:build unix

package probe_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/probe"
	"github.com/flakehunt/flakehunt/harness/probe/hints"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/exec"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
)

func TestMain(m *testing.M) {
	netns.MaybeRunChild()
	if mode, ok := os.LookupEnv("PROBE_TEST_SUITE"); ok {
		if err := suite(mode, os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// suite is a test suite of a user's: it finds its Redis in the way that mode names.
func suite(mode string, args []string) error {
	addr := ""
	switch mode {
	case "url":
		o, err := redis.ParseURL(os.Getenv("REDIS_URL"))
		if err != nil {
			return err
		}
		addr = o.Addr
	case "addr", "rich", "hang", "fail":
		addr = os.Getenv("REDIS_ADDR")
	case "host and port":
		addr = net.JoinHostPort(os.Getenv("REDIS_HOST"), os.Getenv("REDIS_PORT"))
	case "host":
		addr = net.JoinHostPort(os.Getenv("REDIS_HOST"), "6379")
	case "port":
		addr = net.JoinHostPort("localhost", os.Getenv("REDIS_PORT"))
	case "argument":
		addr = args[0]
	case "users pair":
		addr = net.JoinHostPort(os.Getenv("CACHE_HOST"), os.Getenv("CACHE_PORT"))
	case "users half":
		addr = net.JoinHostPort(os.Getenv("CACHE_HOST"), os.Getenv("REDIS_PORT"))
	case "valkey":
		if addr = os.Getenv("VALKEY_ENDPOINT"); addr == "" {
			return errors.New("VALKEY_ENDPOINT is not set")
		}
	case "hard-coded":
		addr = "localhost:6379"
	case "other port":
		addr = "127.0.0.1:7003"
	case "knock": // as scripts do that wait for Redis
		c, err := net.Dial("tcp", os.Getenv("REDIS_ADDR"))
		if err != nil {
			return err
		}
		return c.Close()
	case "tls":
		_, err := tls.Dial("tcp", os.Getenv("REDIS_ADDR"), &tls.Config{InsecureSkipVerify: true})
		return err
	case "nothing":
		return nil
	}
	c := redis.NewClient(&redis.Options{Addr: addr, ClientName: "suite", MaxRetries: -1})
	defer c.Close()
	ctx := context.Background()
	if err := c.Set(ctx, "k", 1, 0).Err(); err != nil {
		return err
	}
	switch mode {
	case "rich":
		sub := c.PSubscribe(ctx, "*")
		defer sub.Close()
		if _, err := sub.Receive(ctx); err != nil {
			return err
		}
		c.Publish(ctx, "c", "m")
		_, _ = c.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, "n"); return nil })
		c.BLPop(ctx, 100*time.Millisecond, "none")
		c.LPush(ctx, "k", "not a list")
		c.Eval(ctx, "return 1", nil)
	case "hang":
		select {}
	case "fail":
		return errors.New("1 is not 2")
	}
	return nil
}

type setting func(*probe.Config)

// look has the probe look at a suite of the mode.
func look(t *testing.T, mode string, change ...setting) *probe.Report {
	t.Helper()
	t.Setenv("PROBE_TEST_SUITE", mode)
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	c := probe.Config{
		Target:   harness.Target{Kind: harness.CommandTarget, Argv: []string{os.Args[0]}},
		Provider: provider, Private: netns.Check(t.Context()), TempDir: t.TempDir(),
		Open: func(_ context.Context, t harness.Target, wrap environ.CommandWrapper, timeout time.Duration) (runner.Runner, error) {
			return exec.New(exec.Config{Argv: t.Argv, JUnit: t.JUnit, OneTest: t.OneTest, Env: t.Env, Wrap: wrap, Timeout: timeout})
		},
	}
	for _, f := range change {
		f(&c)
	}
	r, err := probe.Run(t.Context(), c)
	require.NoError(t, err)
	return r
}

func used(a *probe.Attempt) (names []string) {
	for _, d := range a.ListenAddrs {
		if d.Connections > 0 {
			names = append(names, d.Name)
		}
	}
	return names
}

// The connection itself tells which variable was read.
func TestWhichVariableIsRead(t *testing.T) {
	cases := map[string]string{
		"url": "REDIS_URL", "addr": "REDIS_ADDR", "host and port": "REDIS_HOST and REDIS_PORT", "argument": "{addr} in the command line",
		"users pair": "CACHE_HOST and CACHE_PORT",
	}
	for mode, want := range cases {
		r := look(t, mode, func(c *probe.Config) {
			c.Target.Argv = append(c.Target.Argv, "{addr}")
			c.Target.Env = []string{"CACHE_HOST={host}", "CACHE_PORT={port}"}
		})
		require.Equal(t, []string{want}, used(r.As), mode)
		require.True(t, r.Works, mode)
		require.Nil(t, r.Again, mode)
		require.Equal(t, r.Target, r.Hunt, "as it was given")
		require.Positive(t, r.As.Wire.Commands)
		require.Equal(t, probe.Tests{Total: 1, Passed: 1}, r.As.Tests)
		require.Equal(t, []probe.BoundaryCount{{Boundary: harness.BoundaryAlone, Says: "exact: the test ran alone", Tests: 1}}, r.As.Boundaries)
	}
	half := look(t, "users half", func(c *probe.Config) { c.Target.Env = []string{"CACHE_HOST={host}"} })
	require.Equal(t, []string{"(REDIS_HOST or CACHE_HOST) and (REDIS_PORT)"}, used(half.As))
}

// In a private loopback all addresses can be had, the default port's too.
func TestHalfAnAddress(t *testing.T) {
	if err := netns.Check(t.Context()); err != nil {
		require.ErrorContains(t, err, "--takeover needs")
		return
	}
	for mode, want := range map[string]string{
		"host": "REDIS_HOST, with 6379 for the port", "port": "REDIS_PORT, with localhost for the host", "host and port": "REDIS_HOST and REDIS_PORT",
	} {
		r := look(t, mode, func(c *probe.Config) { c.Target.Takeover = []string{"localhost:6400"} })
		require.Equal(t, []string{want}, used(r.As), mode)
		require.True(t, r.As.Private)
	}
}

func TestWhatIsOnTheWire(t *testing.T) {
	w := look(t, "rich").As.Wire
	require.True(t, w.RESP3)
	require.Equal(t, []string{"suite"}, w.Clients)
	require.Contains(t, strings.Join(w.Libraries, " "), "go-redis")
	require.Equal(t, []probe.Verb{{Name: "BLPOP", N: 1}}, w.Blocking)
	require.ElementsMatch(t, []probe.Verb{{Name: "PSUBSCRIBE", N: 1}, {Name: "PUBLISH", N: 1}}, w.PubSub)
	require.Equal(t, 1, w.Multi)
	require.Equal(t, 1, w.Scripts)
	require.Equal(t, 1, w.Errors, w.FirstError)
	require.Contains(t, w.FirstError, "LPUSH: WRONGTYPE")
	require.GreaterOrEqual(t, w.Connections, 2)
}

// No command on the wire: a second try finds what leads to us, and says how to hunt.
func TestSecondTry(t *testing.T) {
	private := netns.Check(t.Context()) == nil
	seen := hints.Found{
		Variables: []hints.Hint{{Text: "VALKEY_ENDPOINT"}, {Text: "REDIS_URL"}},
		Addresses: []hints.Hint{{Text: "localhost:7003"}, {Text: "redis.internal:6379"}},
	}
	for _, c := range []struct {
		mode          string
		env, takeover []string
		why           string
		private       bool
	}{
		{"valkey", []string{"VALKEY_ENDPOINT={addr}"}, nil, "no command seen on the wire: it reads VALKEY_ENDPOINT", false},
		{"hard-coded", nil, []string{"localhost:6379"}, "no command seen on the wire: the address localhost:6379 is hard-coded", true},
		{"other port", nil, []string{"localhost:7003"}, "no command seen on the wire: the address localhost:7003 is hard-coded", true},
	} {
		if c.private && !private {
			continue // TestNoPrivateLoopback has the words
		}
		r := look(t, c.mode, func(p *probe.Config) { p.Hints = seen })
		require.False(t, r.Works, c.mode)
		require.Zero(t, r.As.Wire.Commands, c.mode)
		require.NotNil(t, r.Again, c.mode)
		require.Positive(t, r.Again.Wire.Commands, c.mode)
		require.Equal(t, c.env, r.Hunt.Env, c.mode)
		require.Equal(t, c.takeover, r.Hunt.Takeover, c.mode)
		require.Equal(t, c.why, r.Why, c.mode)
	}
}

func TestNoCommandAnywhere(t *testing.T) {
	for _, mode := range []string{"nothing", "knock"} {
		r := look(t, mode)
		require.False(t, r.Works, mode)
		require.False(t, r.Hunts(), mode)
		require.Contains(t, r.Why, "no command seen on the wire: is the address hard-coded? try --takeover", mode)
		require.Empty(t, used(r.As), mode)
	}
}

func TestNoPrivateLoopback(t *testing.T) {
	var notes []string
	r := look(t, "nothing", func(c *probe.Config) {
		c.Private = errors.New("the kernel forbids it")
		c.Note = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	})
	require.Nil(t, r.Again)
	require.Empty(t, notes)
	require.Equal(t, "no command seen on the wire: is the address hard-coded? try --takeover (not on this machine: the kernel forbids it)", r.Why)

	r = look(t, "valkey", func(c *probe.Config) {
		c.Private = errors.New("the kernel forbids it")
		c.Hints.Variables = []hints.Hint{{Text: "VALKEY_ENDPOINT"}}
	})
	require.Equal(t, []string{"VALKEY_ENDPOINT={addr}"}, r.Hunt.Env, "a variable needs no private loopback")
	require.False(t, r.Again.Private)
}

func TestTLS(t *testing.T) {
	r := look(t, "tls", func(c *probe.Config) { c.Timeout = 2 * time.Second })
	require.False(t, r.Works)
	require.Contains(t, r.Why, "began with TLS", "%+v", r.As.Wire)
}

func TestSuitesThatFailOrNeverEnd(t *testing.T) {
	r := look(t, "fail")
	require.False(t, r.Works)
	require.Equal(t, "no test passed, so nothing can turn out to be flaky", r.Why)
	require.Len(t, r.As.Failures, 1)
	require.Contains(t, r.As.Failures[0].Message, "1 is not 2")
	require.Nil(t, r.Again, "it did reach Redis")

	start := time.Now()
	r = look(t, "hang", func(c *probe.Config) { c.Timeout = 500 * time.Millisecond })
	require.Less(t, time.Since(start), 30*time.Second)
	require.False(t, r.Works)
	require.Contains(t, r.Why, "it did not end within 500ms")
	require.Greater(t, r.As.Waiting, 0.5)
}

func TestOpenAndSetUpErrors(t *testing.T) {
	provider, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	gone := errors.New("no such program")
	c := probe.Config{
		Target: harness.Target{Argv: []string{"x"}}, Provider: provider,
		Open: func(context.Context, harness.Target, environ.CommandWrapper, time.Duration) (runner.Runner, error) {
			return nil, gone
		},
	}
	_, err = probe.Run(t.Context(), c)
	require.ErrorIs(t, err, gone)
	c.Target.Takeover = []string{"redis:6379"}
	_, err = probe.Run(t.Context(), c)
	var setup *probe.SetupError
	require.ErrorAs(t, err, &setup)
}

func TestTips(t *testing.T) {
	r := look(t, "addr")
	require.Contains(t, strings.Join(r.Tips, "\n"), "the exit code is the only test")
	report := []string{"sh", "-c", `"$0"; echo "<testsuite name='s'><testcase name='a'/></testsuite>" > {dir}/x.xml`, os.Args[0]}
	r = look(t, "addr", func(c *probe.Config) {
		c.Target.Argv, c.Target.JUnit = append(report, "vitest"), "{dir}/x.xml"
	})
	require.True(t, r.Works)
	require.False(t, r.As.Single)
	require.Contains(t, strings.Join(r.Tips, "\n"), "add --one-test, as in --one-test 'npx vitest run {file} -t {regexp}'")
	require.NotContains(t, strings.Join(r.Tips, "\n"), "one at a time")
}
