package redisenv

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/flakehunt/flakehunt/internal/owner"
)

const (
	runDirPrefix = "flakehunt-redis-"
	ownerFile    = "owner"
)

// newRunDir makes a temporary directory that says whose it is, so that Sweep
// can tell later whether anybody still needs it.
func newRunDir() (string, error) {
	dir, err := os.MkdirTemp("", runDirPrefix)
	if err != nil {
		return "", fmt.Errorf("make a temporary directory: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner.Self().String()+"\n"), 0o600); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("mark the temporary directory: %w", err)
	}
	return dir, nil
}
