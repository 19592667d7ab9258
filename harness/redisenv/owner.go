package redisenv

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// owner names a process so that another one can tell later whether it still
// runs: a process number alone is reused. All parts but pid are empty where the
// system has no /proc.
type owner struct {
	machine string // which kernel: boot id, or the host's name
	space   string // process number space, since a container has its own
	pid     int
	start   string // in clock ticks since boot
}

func self() owner {
	o := owner{machine: bootID(), pid: os.Getpid(), start: startTime(os.Getpid())}
	if ns, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		o.space = strings.Trim(strings.TrimPrefix(ns, "pid:"), "[]")
	}
	return o
}

func bootID() string {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b))
	}
	name, _ := os.Hostname()
	return name
}

// startTime is field 22 of /proc/PID/stat; the fields are counted from the
// last parenthesis, since a command's name may hold blanks and parentheses. A
// process that has ended and was not waited for yet has none: it runs no more.
func startTime(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, ok := cutLast(string(b), ")")
	if fields := strings.Fields(rest); ok && len(fields) > 19 && fields[0] != "Z" && fields[0] != "X" {
		return fields[19]
	}
	return ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// String gives "machine/space/pid/start", which parseOwner reads.
func (o owner) String() string {
	return strings.Join([]string{o.machine, o.space, strconv.Itoa(o.pid), o.start}, "/")
}

func parseOwner(s string) (owner, error) {
	f := strings.Split(strings.TrimSpace(s), "/")
	if len(f) != 4 {
		return owner{}, fmt.Errorf("owner %q: want machine/space/pid/start", s)
	}
	pid, err := strconv.Atoi(f[2])
	if err != nil || pid < 1 {
		return owner{}, fmt.Errorf("owner %q: process number: want a positive number", s)
	}
	return owner{machine: f[0], space: f[1], pid: pid, start: f[3]}, nil
}

// dead reports whether the process is known to be gone. One on another machine
// or in another space of process numbers can't be judged from here: not dead.
func (o owner) dead() bool {
	me := self()
	if o.machine != me.machine || o.space != me.space {
		return false
	}
	if o.start != "" {
		return startTime(o.pid) != o.start
	}
	return gone(o.pid)
}
