package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/reports"
)

// openOut begins a run in the directory that --out names, or goes on with the
// one there.
func (s *session) openOut(ctx context.Context) (*rundir.Dir, error) {
	f := s.f
	asked := rundir.Asked{
		Tool: "flakehunt " + toolVersion(), Trials: f.trials, For: harness.Duration(f.forD), Seed: f.seed,
		Strategy: f.strategy, Params: f.params(), Target: s.target,
	}
	if part, err := f.part(); err == nil {
		asked.Shard = part.String()
	}
	key, err := checkoutKey(ctx)
	if err != nil {
		s.logger().Debug("findings are not sealed: their replay asks first", "err", err)
	}
	d, err := rundir.Open(f.out, asked, rundir.Options{
		Resume: f.resume, SeedGiven: f.seedGiven, Results: resultFiles(), Failed: s.lose, Key: key, Mask: s.mask,
	})
	switch {
	case err == nil:
	case errors.Is(err, rundir.ErrAsked):
		return nil, usagef("--resume: %w", err)
	default:
		return nil, outError(f.out, err)
	}
	f.seed = d.Asked.Seed
	if d.Earlier != nil {
		for _, w := range d.Earlier.Warnings {
			s.notef("%s", w)
		}
	}
	return d, nil
}

// outError says why a directory cannot be written to. A full or broken disk is
// exit 3, another directory would not help; anything else is exit 2.
func outError(dir string, err error) error {
	if errors.Is(err, rundir.ErrBusy) {
		return usagef("--out %s: %w: wait until it has ended, or name another directory", dir, err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO) {
		return harnessError(fmt.Errorf("--out %s: %w", dir, err))
	}
	return usagef("--out %s: %w; name a directory that can be written", dir, unwrapPath(err))
}

// errLost says that what a run does can no longer be kept.
var errLost = errors.New("the run's directory is lost")

// keeping gives a context that ends, with errLost, once lose has been called.
func keeping(ctx context.Context) (_ context.Context, lose func(error), cancel func()) {
	ctx, stop := context.WithCancelCause(ctx)
	return ctx, func(err error) { stop(fmt.Errorf("%w: %w", errLost, err)) }, func() { stop(nil) }
}

// resultFiles are the names of what only a finished run writes.
func resultFiles() (names []string) {
	for _, f := range reports.Formats() {
		names = append(names, f.File)
	}
	return names
}

// unwrapPath drops the path of an error that is told with its path anyway.
func unwrapPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// exists reports whether there is anything at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
