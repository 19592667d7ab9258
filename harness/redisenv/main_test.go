package redisenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// childTask makes the test binary a helper process: it names what to do.
const childTask = "FLAKEHUNT_TEST_CHILD"

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		os.Exit(child(task))
	}
	// A connection to Docker's socket that was still being dialled when its client
	// was closed goes to the transport's idle ones afterwards, and ends by timeout.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// child does what a test wants to have done in a process that it can kill, or
// that has an environment of its own, and prints the outcome in one line.
func child(task string) int {
	ctx := context.Background()
	switch task {
	case "hold": // start an instance, say where, and never let go
		i, err := Start(ctx, Spec{Provider: os.Getenv("PROVIDER")})
		if err != nil {
			fmt.Println("error:", err)
			return 1
		}
		fmt.Println("holding", i.Addr())
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent ends, if it does not kill us
		return 0
	case "resolve":
		p, notes, err := Resolve(ctx, Spec{Provider: os.Getenv("PROVIDER"), Image: os.Getenv("IMAGE")})
		for _, n := range notes {
			fmt.Println("note:", n)
		}
		if err != nil {
			fmt.Println("error:", err)
			return 1
		}
		fmt.Println("provider:", p.Name())
		return 0
	}
	fmt.Println("unknown task", task)
	return 2
}

// childCommand prepares the test binary to run as a child.
func childCommand(t *testing.T, task string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, childTask+"="+task)...)
	return cmd
}
