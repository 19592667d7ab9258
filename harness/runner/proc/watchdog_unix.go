//go:build unix

package proc

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// watchdog has a stopped group go on whatever becomes of us. It is a shell in a
// group of its own, which sleeps for as long as it is told, continues the group
// and says so. When its input ends, since we have closed it or died, it continues
// the group once more and ends.
type watchdog struct {
	leader int
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
}

// script has no quotes around $1: it is a number of ours.
const script = `while read -r d; do sleep "$d"; kill -CONT "-$1"; echo; done; kill -CONT "-$1"`

// watch starts the watchdog of a group.
func watch(leader int) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", script, "sh", strconv.Itoa(leader))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a signal from the terminal does not reach it
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a watchdog: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a watchdog: %w", err)
	}
	return &watchdog{leader: leader, cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// stop stops the group's processes, after the watchdog knows for how long.
func (w *watchdog) stop(d time.Duration) error {
	if _, err := fmt.Fprintf(w.in, "%.3f\n", d.Seconds()); err != nil {
		return fmt.Errorf("telling the watchdog of group %d: %w", w.leader, err)
	}
	if err := syscall.Kill(-w.leader, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping process group %d: %w", w.leader, err)
	}
	return nil
}

// wait waits until the watchdog has continued the group. An error says that it
// has ended.
func (w *watchdog) wait() error {
	_, err := w.out.ReadByte()
	return err
}

// close ends the watchdog, which must not signal a group that may not be ours any
// more.
func (w *watchdog) close() {
	_ = w.cmd.Process.Kill() // it may have ended by itself
	w.in.Close()
	_ = w.cmd.Wait() // killed
}

// goOn continues a group.
func goOn(leader int) { _ = syscall.Kill(-leader, syscall.SIGCONT) } // it may have ended by itself
