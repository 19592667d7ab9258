package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/flakehunt/flakehunt/harness/sim"

	"github.com/flakehunt/flakehunt/harness/runner/netns"
)

func TestMain(m *testing.M) {
	netns.MaybeRunChild()
	// The tests wait for hunts, which wait for their suites: more of them at a time
	// than there are CPUs take less of the time. A flag overrides it.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"flakehunt": func() {
			sim.Main()
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
		"toyrunner": func() {
			if err := toyrunner(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

// TestScripts runs the program as a person would, one file a subject. A script
// asserts an exit code with `exits CODE flakehunt …`.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name != "userns" { // a private loopback can be had
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return netns.Check(t.Context()) == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "redis": startRedis},
		Setup: func(e *testscript.Env) error {
			// A program under the race detector sleeps a second at its end, to see
			// late races.
			e.Setenv("GORACE", "atexit_sleep_ms=50")
			// What the machine offers must be found, whatever the test's PATH.
			for _, name := range []string{"DOCKER_HOST", "TESTCONTAINERS_RYUK_DISABLED", "TESTCONTAINERS_HOST_OVERRIDE", "GOCACHE", "GOPATH", "GOFLAGS", "GOMODCACHE"} {
				if v, ok := os.LookupEnv(name); ok {
					e.Setenv(name, v)
				}
			}
			// A script's HOME is its own; what is compiled already must not be again.
			if _, set := os.LookupEnv("GOCACHE"); !set {
				if dir, err := os.UserCacheDir(); err == nil {
					e.Setenv("GOCACHE", filepath.Join(dir, "go-build"))
				}
			}
			return nil
		},
	})
}

// exits runs a command and fails unless it ends with the code given.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG]…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = exitCode(err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

func exitCode(err error) string {
	type coder interface{ ExitCode() int }
	for e := err; e != nil; {
		if c, ok := e.(coder); ok {
			return strconv.Itoa(c.ExitCode())
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return err.Error()
}
