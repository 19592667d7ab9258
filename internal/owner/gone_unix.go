//go:build unix

package owner

import "syscall"

// gone reports whether no process has this number.
func gone(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }
