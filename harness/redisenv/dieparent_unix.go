//go:build unix && !linux

package redisenv

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps a Ctrl-C in the terminal from the process. Here the
// kernel can't end it with us: Sweep does, at the next start.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
