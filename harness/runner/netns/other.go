//go:build !linux

package netns

import (
	"context"
	"errors"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

var errLinux = errors.New("--takeover needs network namespaces, which Linux alone has: give the suite its address through REDIS_URL or --env")

// MaybeRunChild does nothing: there are no private networks here.
func MaybeRunChild() {}

// Check says that there are no private networks here.
func Check(context.Context) error { return errLinux }

func (t *Takeover) wrap(context.Context, *runner.Exec, *proc.Spec) (func() error, error) {
	return nil, errLinux
}
