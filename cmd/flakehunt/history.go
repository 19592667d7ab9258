package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/since"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// meta says where this run comes from: the CI system's variables, and git.
func meta(ctx context.Context) trend.Meta {
	return trend.MetaFromEnv(os.Getenv, func(args ...string) (string, error) { return git(ctx, args...) })
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	var e *exec.ExitError
	if errors.As(err, &e) && len(e.Stderr) > 0 {
		return "", errors.New(strings.TrimSpace(string(e.Stderr)))
	}
	return string(out), err
}

// openHistory opens the history that --db names, which must be there.
func openHistory(ctx context.Context, path string) (*store.Store, error) {
	if path == "" {
		return nil, usagef("which history? name its file with --db, as in --db flakehunt.db")
	}
	s, err := store.OpenExisting(ctx, path)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--db: %w", err)
	}
	return nil, harnessError(err)
}

// changedFiles lists what differs from a revision: commits since the two
// parted, and the working tree.
func changedFiles(ctx context.Context, since string) ([]string, error) {
	if strings.HasPrefix(since, "-") {
		return nil, usagef("--since %q: want a revision, such as origin/main", since)
	}
	base, err := git(ctx, "merge-base", since, "HEAD")
	if err != nil {
		return nil, usagef("--since %s: git does not know it (%w); fetch it first, in CI with the full history (fetch-depth: 0)", since, err)
	}
	var files []string
	for _, args := range [][]string{
		{"diff", "--name-only", "-z", strings.TrimSpace(base), "--"},
		{"ls-files", "--others", "--exclude-standard", "--full-name", "-z"},
	} {
		out, err := git(ctx, args...)
		if err != nil {
			return nil, harnessError(fmt.Errorf("--since %s: list what changed: %w", since, err))
		}
		files = append(files, strings.FieldsFunc(out, func(r rune) bool { return r == 0 })...)
	}
	return files, nil
}

// touched says which tests are hunted; nil: all. The others are surveyed.
func touched(ctx context.Context, a *app, ref string, t harness.Target, r runner.Runner) (func(harness.TestID) bool, error) {
	if ref == "" {
		return nil, nil
	}
	if t.Kind == harness.ShippedTarget {
		return nil, usagef("--since belongs to a command of yours: the suites that ship with it do not change")
	}
	files, err := changedFiles(ctx, ref)
	if err != nil {
		return nil, err
	}
	root, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, usagef("--since %s: %w", ref, err)
	}
	tests, err := r.List(ctx)
	if err != nil {
		return nil, redisError(fmt.Errorf("list the tests: %w", err))
	}
	var suites []string
	for _, id := range tests {
		if !slices.Contains(suites, id.Suite) {
			suites = append(suites, id.Suite)
		}
	}
	by := since.Tests(ctx, t, since.Change{Ref: ref, Root: strings.TrimSpace(root), Files: files}, suites)
	n := 0
	for _, id := range tests {
		if by.Has(id) {
			n++
		}
	}
	if len(tests) == 0 {
		a.notef("--since %s: %s", ref, by.Why)
	} else {
		a.notef("--since %s: %d of %d tests are hunted, the others surveyed: %s", ref, n, len(tests), by.Why)
	}
	return by.Has, nil
}

// historyCommands are those that need no Redis: they work on what runs left.
func historyCommands(a *app) []*cobra.Command {
	return []*cobra.Command{newGateCmd(a), newTrendCmd(a), newMergeCmd(a), newImportCmd(a)}
}
