// Package owner names a process so that another one can tell later whether it
// still runs: a process number alone is used again, and a container has its own.
//
// It must never take a process for gone of which it can't know that.
package owner

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Owner names a process.
type Owner struct {
	Machine string // which kernel: boot id, or the host's name; empty: this one
	Space   string // the process-number space
	PID     int
	Start   string // when it began, as the kernel counts; empty: not known
}

// Self is this process.
func Self() Owner {
	return Owner{Machine: machine(), Space: space(), PID: os.Getpid(), Start: StartTime(os.Getpid())}
}

// String gives "machine/space/pid/start", which Parse reads.
func (o Owner) String() string {
	return strings.Join([]string{o.Machine, o.Space, strconv.Itoa(o.PID), o.Start}, "/")
}

// Parse reads what String gave.
func Parse(s string) (Owner, error) {
	f := strings.Split(strings.TrimSpace(s), "/")
	if len(f) != 4 {
		return Owner{}, fmt.Errorf("owner %q: want machine/space/pid/start", s)
	}
	pid, err := strconv.Atoi(f[2])
	if err != nil || pid < 1 {
		return Owner{}, fmt.Errorf("owner %q: process number: want a positive number", s)
	}
	return Owner{Machine: f[0], Space: f[1], PID: pid, Start: f[3]}, nil
}

// Gone reports whether the process certainly does not run any more. One on another
// machine or in another space of process numbers may run for all we can see.
func (o Owner) Gone() bool {
	switch {
	case o.Machine != "" && o.Machine != machine(), o.Space != space():
		return false
	case o.Start != "":
		return StartTime(o.PID) != o.Start
	}
	return gone(o.PID)
}

// space names the process-number space by its inode.
func space() string {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "host"
	}
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
}

func machine() string {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b))
	}
	name, _ := os.Hostname() // without a name it is this machine
	return name
}
