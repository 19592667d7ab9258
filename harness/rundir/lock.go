package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockName is the file whose lock a run holds. It stays when the run has ended:
// removing it would let two runs hold two files of that name.
const lockName = ".lock"

// ErrBusy says that another process writes to the directory.
var ErrBusy = errors.New("another flakehunt writes there")

// errLocked is what lockFile returns for a file that another process holds.
var errLocked = errors.New("locked")

// Lock is the right to write to a directory. It ends with the process, however
// that ends.
type Lock struct{ f *os.File }

// Take makes the directory if need be and takes its lock, or returns ErrBusy.
func Take(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil, fmt.Errorf("%w%s", ErrBusy, holder(f))
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
	}
	return &Lock{f}, nil
}

// holder names the process that wrote its number into the file.
func holder(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// Release gives the lock back.
func (l *Lock) Release() error { return l.f.Close() }
