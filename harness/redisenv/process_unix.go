//go:build unix

package redisenv

import "syscall"

// gone reports whether no process has this number.
func gone(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }

// kill ends a process at once.
func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
