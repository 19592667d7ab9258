package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/rundir"
)

// ownReports makes sure that no other hunt of this user reads the reports that a
// target writes: with a fixed --junit, one would take the other's results for its
// own. release ends that.
func ownReports(t harness.Target, log *slog.Logger) (release func(), err error) {
	none := func() {}
	if t.JUnit == "" || strings.Contains(t.JUnit, "{dir}") {
		return none, nil
	}
	at, err := filepath.Abs(filepath.Join(t.Dir, t.JUnit))
	if filepath.IsAbs(t.JUnit) {
		at, err = filepath.Clean(t.JUnit), nil
	}
	cache, cerr := os.UserCacheDir()
	if err := errors.Join(err, cerr); err != nil {
		log.Debug("another hunt that reads the same reports would not be noticed", "err", err)
		return none, nil
	}
	sum := sha256.Sum256([]byte(at))
	lock, err := rundir.Take(filepath.Join(cache, "flakehunt", "reports-"+hex.EncodeToString(sum[:8])))
	switch {
	case errors.Is(err, rundir.ErrBusy):
		return nil, usagef("--junit %q: another hunt reads the same reports%s: wait until it has ended, or give each its own, as in --junit '{dir}/*.xml'",
			t.JUnit, strings.TrimPrefix(err.Error(), rundir.ErrBusy.Error()))
	case err != nil:
		log.Debug("another hunt that reads the same reports would not be noticed", "err", err)
		return none, nil
	}
	return func() { _ = lock.Release() }, nil // the kernel does, too
}
