//go:build unix

package sim

import (
	"os"
	"syscall"
)

// pollable has reads of f park their goroutine instead of its thread. With one
// processor a blocked read keeps it until the runtime notices, up to 10 ms
// later: as long as some twenty trials take.
func pollable(f *os.File) *os.File {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil || syscall.SetNonblock(fd, true) != nil {
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}
