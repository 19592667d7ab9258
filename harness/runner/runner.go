// Package runner executes tests of a target, once at a time, and says what each
// of them did. It must never decide what is injected, count flakes, or know why
// it was asked to run.
package runner

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
)

// Runner executes tests of one target. Its methods may be called from several
// goroutines at once.
type Runner interface {
	// List names the tests of the target, in the order in which they run.
	List(ctx context.Context) ([]harness.TestID, error)
	// Run executes x.Tests once. The error says that the harness could not do
	// its work; what the tests did is in the outcomes, also when there is an error.
	Run(ctx context.Context, x Exec) ([]harness.Outcome, error)
	// Close ends what the runner keeps (compiled binaries, temporary files).
	Close() error
}

// Exec is one execution.
type Exec struct {
	Trial  int
	Seed   uint64
	Arm    harness.Arm
	Worker int
	Tests  []string // names as List gives them; none: all
	Redis  Endpoint
	Begin  func(test string) // called as a test begins, before its first command; may be nil
	End    func(test string) // called after its last; may be nil
	// Started is told the process group of each process of the target that has
	// begun; what it returns is called as it ends. May be nil. See proc.Groups.
	Started func(leader int) (ended func())
	// Spent is called after each process of the target that ended: the processor
	// time that it and the children it waited for took, and its wall time. May be nil.
	Spent func(cpu, wall time.Duration)
	// Called is told which code sent which commands, any number of times, from one goroutine at once. May be nil.
	Called func(calls []harness.Caller)
	// Warm allows a runner to run the one test in a process that has run it before,
	// if the test finds there what it finds in a new one.
	Warm     bool
	Deadline time.Duration // for one test; 0: the runner's own
	Dir      string        // a temporary directory of this execution's own; may be empty
}

// Endpoint says where the tests find Redis: the proxy, or in the direct arm
// Redis itself.
type Endpoint struct {
	Addr     string                                      // host:port; empty when Redis is in memory only
	Username string                                      // of Redis behind the proxy
	Password string                                      //
	TLS      bool                                        // the address speaks TLS
	Dial     func(ctx context.Context) (net.Conn, error) // a fresh connection; preferred by in-process targets when set
	Adopt    func(l net.Listener)                        // makes the proxy accept on l too (takeover)
}

// Options returns go-redis options that reach the endpoint.
func (e Endpoint) Options() *redis.Options {
	o := &redis.Options{Addr: e.Addr, Username: e.Username, Password: e.Password}
	if e.Dial != nil {
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx) }
		// Connections are made anew for each trial, and most of what that takes is
		// buffers: go-redis' own are 32 KiB each.
		o.ReadBufferSize, o.WriteBufferSize = 1<<10, 1<<10
		if o.Addr == "" {
			o.Addr = "127.0.0.1:6379" // never dialled; an IP keeps the client from asking DNS
		}
	}
	return o
}
