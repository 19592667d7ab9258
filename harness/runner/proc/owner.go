package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/internal/owner"
)

// Owner names a hunt's process, so that it is never taken for another.
type Owner = owner.Owner

// Self is this process.
func Self() Owner { return owner.Self() }

var runs atomic.Uint64 // makes each run's mark differ within a process; holds no state that a test could see

// Mark returns a fresh mark of a run of the owner, SPACE-PID-START-N. It is only
// looked for on the machine that made it.
func Mark(o Owner) string { return fmt.Sprintf("%s-%d", short(o), runs.Add(1)) }

// short gives "SPACE-PID-START", which may be part of a file's name.
func short(o Owner) string { return fmt.Sprintf("%s-%d-%s", o.Space, o.PID, o.Start) }

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

// tempPrefix begins the names of all temporary directories of a hunt.
const tempPrefix = "flakehunt-"

// TempDir makes a temporary directory that Sweep recognises once this process
// is gone. The caller removes it.
func TempDir(what string) (string, error) {
	dir, err := os.MkdirTemp("", tempPrefix+short(Self())+"-"+what+"-")
	if err != nil {
		return "", fmt.Errorf("making a temporary directory for %s: %w", what, err)
	}
	return dir, nil
}
