package proc

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Sweep ends the processes and removes the temporary directories of hunts that
// were killed before they could do so, and says what it did, a line each. It
// waits, within bounds, until what it ended is gone, and until what the kernel
// itself is ending is. What belongs to a hunt that still runs, or to another
// user, is left alone.
func Sweep(ctx context.Context, log *slog.Logger) []string {
	var did []string
	var dead []process
	orphaned := func(mark string) bool {
		o, _, ok := parseOwner(mark)
		return ok && o.Gone()
	}
	for range 5 { // one may fork while we look
		found := marked(orphaned, 0)
		if len(found) == 0 || ctx.Err() != nil {
			break
		}
		for _, p := range found {
			switch sent, gone := kill(p); {
			case sent && gone:
				did = append(did, fmt.Sprintf("ended process %d (%s) of a hunt that is gone", p.pid, p.name))
				dead = append(dead, p)
			case sent:
				did = append(did, fmt.Sprintf("killed process %d (%s) of a hunt that is gone, but the kernel still holds it", p.pid, p.name))
			}
		}
	}
	bury(append(dead, dying()...))
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*")) // the pattern is well formed
	for _, dir := range dirs {
		o, _, ok := parseOwner(strings.TrimPrefix(filepath.Base(dir), tempPrefix))
		if !ok || !o.Gone() || !ownedByUs(dir) || ctx.Err() != nil {
			continue
		}
		if err := removeAll(dir); err != nil {
			if log != nil {
				log.Warn("a temporary directory of an earlier hunt could not be removed", "dir", dir, "error", err)
			}
			continue
		}
		did = append(did, "removed temporary directory "+dir+" of a hunt that is gone")
	}
	if log != nil {
		for _, line := range did {
			log.Info(line)
		}
	}
	return did
}

// removeAll removes dir though parts of it are read-only, as Go's module cache
// and some test suites leave them.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// RemoveAll removes a directory of a trial, read-only parts included.
func RemoveAll(dir string) error {
	if err := removeAll(dir); err != nil {
		return fmt.Errorf("removing temporary directory: %w", err)
	}
	return nil
}
