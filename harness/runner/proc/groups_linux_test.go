package proc

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pids collects the process numbers that a command prints, one a line.
type pids struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (p *pids) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Write(b)
}

func (p *pids) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Fields(p.all.String())
}

// state is the kernel's letter for what a process does: T is stopped.
func state(pid string) string {
	if f := statFields(pid); f != nil {
		return f[0]
	}
	return ""
}

func all(pids []string, so func(state string) bool) func() bool {
	return func() bool {
		for _, p := range pids {
			if !so(state(p)) {
				return false
			}
		}
		return true
	}
}

func stopped(s string) bool { return s == "T" }
func goesOn(s string) bool  { return s != "T" && s != "" }

// A command and its child stand still when Pause returns or as soon as the
// kernel gets to it, for as long as was asked, and go on.
func TestPauseStopsTheWholeGroup(t *testing.T) {
	const d = 300 * time.Millisecond
	var g Groups
	assert.ErrorIs(t, g.Pause(d), ErrNothingRuns)
	ctx, cancel := context.WithCancel(t.Context())
	var printed pids
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := Run(ctx, Spec{
			Argv: []string{"sh", "-c", `sh -c 'echo $$; while :; do sleep 0.01; done' & echo $$; wait`},
			Env:  os.Environ(), Stdout: &printed, Started: g.Started,
		})
		assert.NoError(t, err)
	})
	require.Eventually(t, func() bool { return len(printed.list()) == 2 }, 10*time.Second, time.Millisecond)
	two := printed.list()
	for range 3 {
		start := time.Now()
		require.NoError(t, g.Pause(d))
		require.Eventually(t, all(two, stopped), 5*time.Second, time.Millisecond)
		assert.ErrorIs(t, g.Pause(d), ErrPaused)
		require.Eventually(t, all(two, goesOn), 10*time.Second, time.Millisecond)
		assert.GreaterOrEqual(t, time.Since(start), d)
		g.Wait()
	}
	// A command that must end while it is stopped ends politely, and at once.
	require.NoError(t, g.Pause(MaxPause))
	start := time.Now()
	cancel()
	wg.Wait()
	assert.Less(t, time.Since(start), MaxPause)
	assert.ErrorIs(t, g.Pause(d), ErrNothingRuns)
	g.Wait()
	assert.Nil(t, stat(two[0]), "it is dead")
	assert.Nil(t, stat(two[1]), "so is its child")
}

// helperVar makes the test binary the hunt that TestNothingStaysStoppedWhenWeDie kills.
const helperVar = "FLAKEHUNT_TEST_PAUSE"

// A hunt that is killed while its suite is stopped leaves nothing stopped.
func TestNothingStaysStoppedWhenWeDie(t *testing.T) {
	if dir := os.Getenv(helperVar); dir != "" {
		pauseAndDie(dir)
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingStaysStoppedWhenWeDie$")
	cmd.Env = append(os.Environ(), helperVar+"="+dir)
	require.Error(t, cmd.Run(), "it is killed")
	b, err := os.ReadFile(filepath.Join(dir, "pid"))
	require.NoError(t, err)
	pid := strings.TrimSpace(string(b))
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	defer syscall.Kill(n, syscall.SIGKILL) //nolint:errcheck // it may be gone
	assert.Eventually(t, all([]string{pid}, goesOn), MaxPause+3*time.Second, time.Millisecond)
}

// pauseAndDie starts a command with a child that does not die with it, stops
// both, and is killed.
func pauseAndDie(dir string) {
	var g Groups
	file := filepath.Join(dir, "pid")
	go func() {
		_, _ = Run(context.Background(), Spec{
			Argv: []string{"sh", "-c", `sh -c 'trap "" HUP; echo $$ >$1.new; mv $1.new $1; while :; do sleep 0.01; done' sh $1 & wait`, "sh", file},
			Env:  os.Environ(), Started: g.Started,
		})
	}()
	for {
		b, err := os.ReadFile(file)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		if err := g.Pause(time.Second); err != nil {
			os.Exit(1)
		}
		for !stopped(state(strings.TrimSpace(string(b)))) {
			time.Sleep(time.Millisecond)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}
