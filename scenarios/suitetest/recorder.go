package suitetest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/scenarios"
)

// Try runs a scenario as the binary does, outside of go test, and returns what
// it failed with: "" if it passed.
func Try(ctx context.Context, s *scenarios.Session, sc scenarios.Scenario) (failure string) {
	ctx, cancel := context.WithTimeout(ctx, scenarios.Deadline)
	defer cancel()
	r := &recorder{name: sc.Name, ctx: ctx}
	done := make(chan struct{})
	go func() { // FailNow ends the goroutine
		defer close(done)
		defer r.cleanUp()
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		s.Run(r, sc)
	}()
	<-done
	return strings.Join(r.failures(), "\n")
}

// recorder is a scenarios.T that keeps failures.
type recorder struct {
	name string
	ctx  context.Context

	mu       sync.Mutex
	failed   []string
	cleanups []func()
}

var _ scenarios.T = (*recorder)(nil)

func (r *recorder) Name() string             { return r.name }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}
func (r *recorder) Logf(string, ...any)      {}
func (r *recorder) Failed() bool             { return len(r.failures()) > 0 }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (r *recorder) failures() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.failed...)
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// FailNow ends the scenario's goroutine.
func (r *recorder) FailNow() {
	if !r.Failed() {
		r.Errorf("failed without saying why")
	}
	runtime.Goexit()
}

// cleanUp runs the last first, as testing does.
func (r *recorder) cleanUp() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		f()
	}
}
