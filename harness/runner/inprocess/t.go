package inprocess

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
)

// maxOutput bounds what is kept of a scenario's output, in bytes.
const maxOutput = 64 << 10

// test is what a scenario sees as its T. It outlives the scenario: goroutines
// that the scenario left behind may still call it, and are then ignored.
type test struct {
	name string
	ctx  context.Context

	mu       sync.Mutex
	over     bool // verdict taken; later calls change nothing
	failure  *harness.Failure
	more     int // failures after the first
	output   strings.Builder
	cleanups []func()
}

func (t *test) Name() string             { return t.name }
func (t *test) Context() context.Context { return t.ctx }
func (t *test) Helper()                  {}

// Errorf marks the scenario as failed and goes on.
func (t *test) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	message, trace := runner.Message(text)
	t.fail(harness.Failure{Kind: runner.KindOf(message), Message: message, Stack: trace})
	t.log(text)
}

// FailNow ends the calling goroutine, which is the scenario's unless a handler
// asserts something.
func (t *test) FailNow() {
	t.mu.Lock()
	if t.failure == nil && !t.over { // after Errorf it adds nothing
		t.failure = &harness.Failure{Kind: harness.AssertionFailure, Message: "FailNow without a message"}
	}
	t.mu.Unlock()
	runtime.Goexit()
}

// Failed reports whether an assertion failed so far.
func (t *test) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure != nil
}

// Logf keeps a line for the report of a failure.
func (t *test) Logf(format string, args ...any) { t.log(fmt.Sprintf(format, args...)) }

// Cleanup registers what is run when the scenario ends, last first.
func (t *test) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *test) log(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.output.Len() >= maxOutput {
		return
	}
	t.output.WriteString(strings.TrimRight(text, "\n"))
	t.output.WriteByte('\n')
}

// fail keeps the first failure: it is the one that explains, what follows is
// often its consequence.
func (t *test) fail(f harness.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over:
	case t.failure == nil:
		t.failure = &f
	default:
		t.more++
	}
}

// guard runs f, turning a panic into this scenario's failure.
func (t *test) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			t.fail(harness.Failure{
				Kind:    harness.PanicFailure,
				Message: fmt.Sprintf("panic: %v", p),
				Stack:   string(debug.Stack()),
			})
		}
	}()
	f()
}

// run executes body and then the cleanups, in a goroutine of its own since
// FailNow ends the goroutine that calls it.
func (t *test) run(body func()) (done <-chan struct{}) {
	ch := make(chan struct{})
	go func() {
		defer close(ch)
		t.inner(func() { t.guard(body) })
		for {
			t.mu.Lock()
			n := len(t.cleanups)
			var f func()
			if n > 0 {
				f, t.cleanups = t.cleanups[n-1], t.cleanups[:n-1]
			}
			t.mu.Unlock()
			if f == nil {
				return
			}
			t.inner(func() { t.guard(f) })
		}
	}()
	return ch
}

// inner survives a Goexit of f.
func (t *test) inner(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

// finish takes the verdict; nothing can change it afterwards.
func (t *test) finish() (f *harness.Failure, output string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.failure != nil && t.more > 0 {
		fmt.Fprintf(&t.output, "(%d more failed assertions)\n", t.more)
	}
	return t.failure, t.output.String()
}
