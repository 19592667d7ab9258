//go:build linux

package proc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

func TestMain(m *testing.M) {
	if os.Getenv("PROC_TEST_HUNT") != "" {
		hunt()
		return
	}
	goleak.VerifyTestMain(m)
}

// hunt is what a hunt looks like from outside: a temporary directory and a
// command with a daemon. It says what it has and waits to be killed.
func hunt() {
	dir, err := proc.TempDir("test")
	if err != nil {
		panic(err)
	}
	_ = os.MkdirAll(filepath.Join(dir, "read-only", "deep"), 0o700)
	_ = os.Chmod(filepath.Join(dir, "read-only"), 0o500)
	fmt.Println(dir)
	_, _ = proc.Run(context.Background(), proc.Spec{
		Argv:   []string{"sh", "-c", "setsid sleep 7777 & echo $!; sleep 7778 & echo $!; wait"},
		Env:    os.Environ(),
		Stdout: os.Stdout,
	})
}

func run(t *testing.T, ctx context.Context, script string, change ...func(*proc.Spec)) (proc.Result, string) {
	t.Helper()
	var out capture.Buffer
	s := proc.Spec{Argv: []string{"sh", "-c", script}, Env: os.Environ(), Stdout: &out, Stderr: &out, Grace: 100 * time.Millisecond}
	for _, c := range change {
		c(&s)
	}
	r, err := proc.Run(ctx, s)
	require.NoError(t, err)
	return r, out.String()
}

// alive reports whether a process is there and not a zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	return f[0] != "Z" && f[0] != "X"
}

func state(pid int) string {
	st, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return fmt.Sprintf("%s env=%q %v", st, env, err)
}

func pids(t *testing.T, text string) (list []int) {
	t.Helper()
	for _, w := range strings.Fields(text) {
		n, err := strconv.Atoi(w)
		require.NoError(t, err, "want process numbers, got %q", text)
		list = append(list, n)
	}
	return list
}

func TestHowCommandsEnd(t *testing.T) {
	r, out := run(t, t.Context(), "echo out; echo err >&2; exit 3")
	require.Equal(t, "out\nerr\n", out)
	require.Equal(t, "exit 3", r.String())
	require.False(t, r.OK())

	r, _ = run(t, t.Context(), "kill -SEGV $$")
	require.Equal(t, "ended by signal: segmentation fault", r.String())

	r, _ = run(t, t.Context(), "true")
	require.True(t, r.OK())

	_, err := proc.Run(t.Context(), proc.Spec{Argv: []string{"/no/such/program"}})
	require.ErrorContains(t, err, "starting /no/such/program")
	_, err = proc.Run(t.Context(), proc.Spec{})
	require.ErrorContains(t, err, "no command given")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = proc.Run(ended, proc.Spec{Argv: []string{"true"}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestDeadlineEndsACommandThatIgnoresSignals(t *testing.T) {
	why := errors.New("deadline of 50ms passed")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	r, out := run(t, ctx, "trap '' TERM INT; echo $$; while :; do sleep 0.05; done")
	require.ErrorIs(t, r.Stopped, why)
	require.Less(t, r.Duration, 5*time.Second)
	require.False(t, alive(pids(t, out)[0]))
}

func TestPoliteSignalComesFirst(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, out := run(t, ctx, "trap 'echo asked; exit 5' QUIT; while :; do sleep 0.01; done", func(s *proc.Spec) {
		s.Polite, s.Grace = syscall.SIGQUIT, 10*time.Second
	})
	require.Contains(t, out, "asked")
	require.Equal(t, 5, r.Code)
	require.ErrorIs(t, r.Stopped, context.DeadlineExceeded)
}

func TestNothingIsLeft(t *testing.T) {
	for name, script := range map[string]string{
		"own session":                   "setsid sleep 7771 >/dev/null 2>&1 & echo $!",
		"own session, holds the output": "setsid sleep 7772 & echo $!",
		"twice forked":                  "(setsid sh -c 'sleep 7773 & echo $!' &) ; sleep 0.1",
		"same group":                    "sleep 7774 & echo $!",
		"several":                       "for i in 1 2 3; do setsid sleep 7775 & echo $!; done",
		"no environment":                "env -i setsid sleep 7780 & sleep 0.1; echo $!",
		"no environment, twice forked":  "(env -i PATH=$PATH setsid sh -c 'sleep 7781 >/dev/null 2>&1 & echo $!' &) ; sleep 0.2",
		"no environment, parent alive":  "(env -i PATH=$PATH setsid sh -c 'echo $$; sleep 7782 >/dev/null 2>&1 & echo $!; wait' &) ; sleep 0.2",
		"nohup":                         "nohup sleep 7783 >/dev/null 2>&1 & echo $!",
		"disowned by bash":              "bash -c 'sleep 7784 >/dev/null 2>&1 & disown; echo $!'",
		"ignores TERM and HUP":          "setsid sh -c 'trap \"\" TERM HUP; echo $$; exec sleep 7776' & sleep 0.1",
	} {
		t.Run(name, func(t *testing.T) {
			r, out := run(t, t.Context(), script)
			require.Equal(t, 0, r.Code)
			require.Less(t, r.Duration, 3*time.Second, "an open output must not hold us up")
			list := pids(t, out)
			require.NotEmpty(t, list)
			for _, pid := range list {
				require.False(t, alive(pid), "process %d is left", pid)
			}
		})
	}
}

// A daemon that gave up its environment may be of any command that ran when it was
// born: it is left to the last of them.
func TestADaemonWithoutEnvironmentEndsWithTheLastThatMayOwnIt(t *testing.T) {
	dir := t.TempDir()
	script := func(name, then string) string {
		return fmt.Sprintf("(env -i PATH=$PATH setsid sh -c 'echo $$ >%[1]s.tmp; mv %[1]s.tmp %[1]s; exec sleep 7790' >/dev/null 2>&1 &); while [ ! -e %[1]s ]; do sleep 0.01; done; %[2]s", name, then)
	}
	pid := func(name string) int {
		var n int
		require.Eventually(t, func() bool {
			b, err := os.ReadFile(filepath.Join(dir, name))
			_, scanned := fmt.Sscan(string(b), &n)
			return err == nil && scanned == nil
		}, 20*time.Second, 10*time.Millisecond)
		return n
	}
	in := func(s *proc.Spec) { s.Dir = dir }
	first := make(chan struct{})
	go func() {
		defer close(first)
		run(t, t.Context(), script("first", "while [ ! -e go ]; do sleep 0.01; done"), in)
	}()
	own := pid("first")
	run(t, t.Context(), script("second", "true"), in)
	require.True(t, alive(own), "it was born before the second command began, and its own runs")
	late := pid("second")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
	<-first
	require.False(t, alive(own))
	require.False(t, alive(late), "the last command that it may be of has ended")
}

func TestOtherRunsAreLeftAlone(t *testing.T) {
	other := exec.Command("sleep", "60")
	other.Env = append(os.Environ(), proc.MarkVar+"="+proc.Mark(proc.Self()))
	require.NoError(t, other.Start())
	_, _ = run(t, t.Context(), "setsid sleep 7779 & true")
	proc.Sweep(t.Context(), nil) // its owner, this process, lives
	require.True(t, alive(other.Process.Pid))
	require.NoError(t, other.Process.Kill())
	_ = other.Wait()
}

func TestOutputIsBoundedAndClosedOutputIsFine(t *testing.T) {
	var out capture.Buffer
	r, _ := run(t, t.Context(), "head -c 104857600 /dev/zero; echo end", func(s *proc.Spec) { s.Stdout = &out })
	require.True(t, r.OK())
	require.EqualValues(t, 104857600+4, out.Len())
	require.Less(t, len(out.String()), 128<<10)

	r, text := run(t, t.Context(), "echo before; exec >&- 2>&-; sleep 0.05; exit 4")
	require.Equal(t, "before\n", text)
	require.Equal(t, 4, r.Code)
	require.GreaterOrEqual(t, r.Duration, 50*time.Millisecond)
}

// Twenty times: a hunt is killed with no warning; the next start finds and ends
// all that it left, and names it.
func TestSweepAfterKill(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for round := range 20 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "PROC_TEST_HUNT=1")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		in := bufio.NewScanner(stdout)
		var lines []string
		for len(lines) < 3 && in.Scan() {
			lines = append(lines, in.Text())
		}
		require.Len(t, lines, 3)
		dir, children := lines[0], pids(t, strings.Join(lines[1:], " "))

		// Other hunts and tests may run on this machine: only our own count.
		ours := func(did []string) (lines []string) {
			for _, line := range did {
				mine := strings.Contains(line, dir)
				for _, pid := range children {
					mine = mine || strings.Contains(line, fmt.Sprintf("process %d ", pid))
				}
				if mine {
					lines = append(lines, line)
				}
			}
			return lines
		}
		require.Empty(t, ours(proc.Sweep(t.Context(), nil)), "round %d: the hunt still runs", round)
		require.DirExists(t, dir)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()

		did := ours(proc.Sweep(t.Context(), nil))
		require.NoDirExists(t, dir)
		for _, pid := range children {
			require.False(t, alive(pid), "round %d: process %d is left; the sweep said %s; %s", round, pid, did, state(pid))
		}
		require.Contains(t, did, "removed temporary directory "+dir+" of a hunt that is gone")
		require.Empty(t, ours(proc.Sweep(t.Context(), nil)), "the second sweep finds nothing")
	}
}
