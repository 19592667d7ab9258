package trial

import (
	"context"
	"os"
	"runtime"

	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// spin keeps one CPU busy and takes no memory.
const spin = "while :; do :; done"

// busy keeps all CPUs busy, each with two shells, until done is called. The suite
// competes with them as with other jobs of a crowded machine.
func busy(ctx context.Context) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	n := 2 * runtime.GOMAXPROCS(0)
	for range n {
		go func() {
			defer func() { ended <- struct{}{} }()
			// A machine without a shell is only less busy.
			_, _ = proc.Run(ctx, proc.Spec{Argv: []string{"/bin/sh", "-c", spin}, Env: os.Environ()})
		}()
	}
	return func() {
		cancel()
		for range n {
			<-ended
		}
	}
}
