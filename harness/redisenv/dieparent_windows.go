package redisenv

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps a Ctrl-C in the console from the process. Here the system
// can't end it with us: Sweep does, at the next start.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
