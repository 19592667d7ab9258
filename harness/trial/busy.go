package trial

import (
	"context"
	"os"
	"runtime"
	"sync"

	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// spin keeps one CPU busy and takes no memory.
const spin = "while :; do :; done"

// busy keeps all CPUs busy, each with two shells, from its return until done is
// called. The suite competes with them as with other jobs of a crowded machine.
func busy(ctx context.Context) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	n := 2 * runtime.GOMAXPROCS(0)
	var begun, ended sync.WaitGroup
	begun.Add(n)
	for range n {
		ended.Go(func() {
			has := sync.OnceFunc(begun.Done)
			defer has() // a machine without a shell is only less busy
			_, _ = proc.Run(ctx, proc.Spec{
				Argv: []string{"/bin/sh", "-c", spin}, Env: os.Environ(),
				Started: func(int) func() { has(); return func() {} },
			})
		})
	}
	begun.Wait()
	return func() {
		cancel()
		ended.Wait()
	}
}
