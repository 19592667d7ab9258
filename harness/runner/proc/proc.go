// Package proc runs a command of the user's and ends it surely: its process
// group, and also what left the group, found by a mark in the environment. It
// also finds what an earlier hunt, killed in the midst, left behind.
//
// On Linux what a command left ends with it, whatever it gave up: its parents, its
// session, its environment. Elsewhere a process that gave up both group and
// environment stays. So does, on any system, one that another process began for the
// command (systemd-run, at, docker run -d), and one without its environment when
// this process itself is killed by SIGKILL.
//
// It must never signal a process that does not carry its own mark, wait without
// a bound once the command has been ended, or hold more output than its writers keep.
package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// MarkVar is the environment variable by which the processes of a run are
// found. Its value names the owner and the run: see Mark.
const MarkVar = "FLAKEHUNT_RUN"

// Spec says what to run.
type Spec struct {
	Argv   []string
	Dir    string
	Env    []string // the whole environment; the mark is added
	Stdout io.Writer
	Stderr io.Writer     // may be the same as Stdout: then both share one pipe, in order
	Polite os.Signal     // sent first when the command must end; nil: SIGTERM
	Grace  time.Duration // from the polite signal to SIGKILL; 0: 2 s
	Drain  time.Duration // how long to read on after the command has ended, while something holds its output open; 0: 250 ms
	Prefix []string      // put before Argv, such as a namespace's helper
	Adjust func(*exec.Cmd)
	Owner  Owner // zero: this process
	// Started, if set, is told the process group of the command when it has begun;
	// what it returns is called when the command has ended, or is about to be ended.
	Started func(leader int) (ended func())
}

// Result says how a command ended.
type Result struct {
	Code     int           // exit status; -1 when a signal ended it
	Signal   string        // the signal that ended it, if one did
	Stopped  error         // why we ended it; nil: it ended by itself
	Start    time.Time     //
	Duration time.Duration //
	CPU      time.Duration // user and system time of the command and of those of its children that it waited for
	Strays   []string      // processes that were still there after its end and were killed: "pid name"
}

// OK reports whether the command ended by itself with status 0.
func (r Result) OK() bool { return r.Code == 0 && r.Signal == "" && r.Stopped == nil }

// String gives the ending in a few words: "exit 1", "killed: signal 9", "stopped: deadline …".
func (r Result) String() string {
	switch {
	case r.Stopped != nil:
		return "stopped: " + r.Stopped.Error()
	case r.Signal != "":
		return "ended by signal: " + r.Signal
	}
	return fmt.Sprintf("exit %d", r.Code)
}

// Run runs the command to its end, or until ctx ends. In the second case it is
// asked to end, and killed after Grace; Result.Stopped is then the cause of ctx.
// Afterwards nothing that the command started is left. The error says that the
// command could not be started at all.
func Run(ctx context.Context, s Spec) (Result, error) {
	if len(s.Argv) == 0 {
		return Result{Code: -1}, errors.New("running a command: no command given")
	}
	if ctx.Err() != nil {
		return Result{Code: -1}, fmt.Errorf("running %s: not started: %w", s.Argv[0], context.Cause(ctx))
	}
	cmd, mark := s.command()
	adopted.adopt()
	r := Result{Start: time.Now()}
	leader, done, err := begin(cmd)
	if err != nil {
		return Result{Code: -1, Start: r.Start}, fmt.Errorf("starting %s: %w", strings.Join(s.Argv, " "), err)
	}
	adopted.begin(leader)
	ended := func() {}
	if s.Started != nil {
		ended = s.Started(leader)
	}
	if !endsBefore(ctx, done) {
		r.Stopped = context.Cause(ctx)
		ended() // what is stopped can't end politely
		stop(leader, s, mark, func(d time.Duration) bool { return closesWithin(done, d) })
	}
	r.Duration = time.Since(r.Start)
	ended()
	r.Strays = append(endStrays(leader, mark), adopted.end(leader)...)
	r.Code, r.Signal = status(cmd.ProcessState)
	if p := cmd.ProcessState; p != nil {
		r.CPU = p.UserTime() + p.SystemTime()
	}
	return r, nil
}

// command is the command that s asks for, and the mark by which what it starts is
// known.
func (s Spec) command() (cmd *exec.Cmd, mark string) {
	of := s.Owner
	if of == (Owner{}) {
		of = Self()
	}
	mark = Mark(of)
	argv := append(append([]string{}, s.Prefix...), s.Argv...)
	cmd = exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, s.Stdout, s.Stderr
	cmd.Env = append(without(s.Env, MarkVar), MarkVar+"="+mark)
	cmd.WaitDelay = orDefault(s.Drain, 250*time.Millisecond)
	isolate(cmd)
	if s.Adjust != nil {
		s.Adjust(cmd)
	}
	return cmd, mark
}

// endsBefore reports whether done is closed before ctx ends. One that is closed
// already is.
func endsBefore(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// closesWithin reports whether done is closed within d.
func closesWithin(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// begin starts a command, and gives its process and what is closed once it has ended.
func begin(cmd *exec.Cmd) (leader int, ended <-chan struct{}, err error) {
	done := make(chan struct{})
	started := make(chan error, 1)
	go func() {
		// The kernel ends the command with the thread that began it (see
		// isolate), so that thread stays with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // cmd.ProcessState tells how it ended
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, done, nil
}

// stop asks the command to end, then kills it; wait reports whether it ended within d.
func stop(leader int, s Spec, mark string, wait func(d time.Duration) bool) {
	polite := s.Polite
	if polite == nil {
		polite = syscall.SIGTERM
	}
	signalGroup(leader, polite)
	if wait(orDefault(s.Grace, 2*time.Second)) {
		return
	}
	for ended := false; !ended; ended = wait(time.Second) {
		signalGroup(leader, syscall.SIGKILL)
		endStrays(leader, mark)
	}
}

func status(p *os.ProcessState) (code int, signal string) {
	if p == nil {
		return -1, ""
	}
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -1, w.Signal().String()
	}
	return p.ExitCode(), ""
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// without returns env without the variable.
func without(env []string, name string) []string {
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return out
}
