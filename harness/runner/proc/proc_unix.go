//go:build unix && !linux

package proc

import (
	"os"
	"os/exec"
	"syscall"
)

// Without /proc the process group is all that is known of a run.

type process struct {
	pid  int
	name string
}

func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(leader int, sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(-leader, s)
	}
}

func endStrays(leader int, _ string) []string {
	_ = syscall.Kill(-leader, syscall.SIGKILL)
	return nil
}

func kill(process) (sent, gone bool)               { return false, true }
func bury([]process)                               {}
func dying() []process                             { return nil }
func marked(func(mark string) bool, int) []process { return nil }

func ownedByUs(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
