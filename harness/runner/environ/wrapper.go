package environ

import (
	"context"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// CommandWrapper prepares what a command runs in, a private network for instance. It
// may change x (where Redis is, seen from inside) and s before the command is
// started. undo is called after its end, and again without harm; its error says
// that the command did not run as it should have, so that nothing follows from
// how it ended. nil: nothing to prepare.
type CommandWrapper func(ctx context.Context, x *runner.Exec, s *proc.Spec) (undo func() error, err error)

// Prepare calls a, which may be nil.
func (a CommandWrapper) Prepare(ctx context.Context, x *runner.Exec, s *proc.Spec) (undo func() error, err error) {
	if a == nil {
		return func() error { return nil }, nil
	}
	return a(ctx, x, s)
}
