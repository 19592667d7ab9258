package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Owner names a hunt's process so that it is never taken for another: process
// numbers are used again, and a container has its own.
type Owner struct {
	Space string // the process-number space
	PID   int
	Start string // when it began, as the kernel counts
}

// Self is this process.
func Self() Owner {
	return Owner{Space: space(), PID: os.Getpid(), Start: startTime(os.Getpid())}
}

var runs atomic.Uint64 // makes each run's mark differ within a process; holds no state that a test could see

// Mark returns a fresh mark of a run of the owner.
func (o Owner) Mark() string {
	return fmt.Sprintf("%s-%d", o, runs.Add(1))
}

// String gives "SPACE-PID-START".
func (o Owner) String() string { return fmt.Sprintf("%s-%d-%s", o.Space, o.PID, o.Start) }

// parseOwner reads the owner off the front of a mark or a directory's name.
func parseOwner(s string) (o Owner, rest string, ok bool) {
	parts := strings.SplitN(s, "-", 4)
	if len(parts) != 4 {
		return Owner{}, "", false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil || pid < 1 || parts[0] == "" || parts[2] == "" {
		return Owner{}, "", false
	}
	return Owner{Space: parts[0], PID: pid, Start: parts[2]}, parts[3], true
}

// Gone reports whether the owner certainly does not run any more. An owner in
// another process-number space may run for all we can see.
func (o Owner) Gone() bool {
	return o.Space == space() && startTime(o.PID) != o.Start
}

// tempPrefix begins the names of all temporary directories of a hunt.
const tempPrefix = "flakehunt-"

// TempDir makes a temporary directory that Sweep recognises once this process
// is gone. The caller removes it.
func TempDir(what string) (string, error) {
	dir, err := os.MkdirTemp("", tempPrefix+Self().String()+"-"+what+"-")
	if err != nil {
		return "", fmt.Errorf("making a temporary directory for %s: %w", what, err)
	}
	return dir, nil
}
