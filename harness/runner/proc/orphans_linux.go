package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/internal/owner"
)

// orphans ends what a command left that has neither its process group nor its
// environment any more: a daemon. The kernel makes this process the parent of such
// processes. They are told from our own children by their session: we begin none.
//
// Which of several commands that ran at once an orphan is of cannot be known. It
// is ended with the last of those that had begun when it was born.
type orphans struct {
	once sync.Once
	mu   sync.Mutex
	live map[int]uint64 // commands that run, by leader: when each began, in ticks
}

// adopted is one for all commands of this process, as the kernel's own is.
var adopted = &orphans{live: map[int]uint64{}}

// adopt has the kernel make this process the parent of daemons. It comes before the
// first command: what that leaves at once would be init's.
func (o *orphans) adopt() {
	o.once.Do(func() {
		// Where it fails, a daemon without its environment is left: see the package's documentation.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	})
}

// begin notes a command that has begun.
func (o *orphans) begin(leader int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.live[leader] = ticks(owner.StartTime(leader))
}

// end notes that a command has ended, and ends the orphans that can be of none
// that still runs. It names those that it killed.
func (o *orphans) end(leader int) (killed []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.live, leader)
	for range 20 { // one may have forked while we looked
		found := o.children(leader)
		for _, p := range found {
			if sent, _ := kill(p); sent {
				killed = append(killed, fmt.Sprintf("%d %s", p.pid, p.name))
			}
		}
		if len(found) == 0 {
			break
		}
	}
	return killed
}

// children lists the orphans that are to be ended, and buries those that have ended.
func (o *orphans) children(leader int) (found []process) {
	own, err := unix.Getsid(0)
	if err != nil {
		return nil
	}
	self := strconv.Itoa(os.Getpid())
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		number := filepath.Base(filepath.Dir(file))
		f := statFields(number)
		if f == nil || f[1] != self {
			continue
		}
		pid, err := strconv.Atoi(number)
		_, runs := o.live[pid]
		foreign := f[3] != strconv.Itoa(own)
		if err != nil || runs || !foreign && f[2] != strconv.Itoa(leader) {
			continue
		}
		if f[0] == "Z" || f[0] == "X" {
			if pid != leader { // whose end its own waiter reads
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // it may be another's turn
			}
			continue
		}
		if foreign && o.nobodys(ticks(f[19])) {
			found = append(found, process{pid: pid, name: comm(number), start: f[19]})
		}
	}
	return found
}

// nobodys reports whether no command that runs had begun when a process was born.
func (o *orphans) nobodys(born uint64) bool {
	for _, began := range o.live {
		if began <= born {
			return false
		}
	}
	return true
}

func ticks(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64) // the kernel's
	return n
}
