// Command flakehunt finds, reproduces, explains and gates flaky tests that talk
// to Redis.
//
// The package holds the command line alone: one file a command. What it decides
// is what to call and what to print; it must never hold logic of the hunt.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/flakehunt/flakehunt/harness/runner/netns"
	"github.com/flakehunt/flakehunt/harness/sim"
)

func main() {
	sim.Main() // this program may have been started as a worker of its own simulation
	netns.MaybeRunChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
