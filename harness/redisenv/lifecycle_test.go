package redisenv

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/internal/owner"
)

// hold starts a child process that holds an instance, and gives its address.
func hold(t *testing.T, provider string, env ...string) (pid int, addr string, kill func()) {
	t.Helper()
	cmd := childCommand(t, "hold", append(env, "PROVIDER="+provider)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = stdin.Close() })
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "holding ")
	require.True(t, ok, line)
	return cmd.Process.Pid, addr, func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // says that it was killed
	}
}

// containersOf lists the containers that a process started.
func containersOf(t *testing.T, pid int) (ids []string) {
	t.Helper()
	docker, err := connectDocker(t.Context())
	require.NoError(t, err)
	defer docker.Close()
	list, err := docker.ContainerList(t.Context(), client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", ownerLabel),
	})
	require.NoError(t, err)
	for _, c := range list.Items {
		if o, err := owner.Parse(c.Labels[ownerLabel]); err == nil && o.PID == pid {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// A killed process can't remove its container; the next Sweep does, and leaves
// alone what belongs to a living one.
func TestSweepRemovesContainersOfTheDead(t *testing.T) {
	for range usable(t, "container") {
		ctx := t.Context()
		mine := start(t, Spec{Provider: "container"})
		pid, addr, kill := hold(t, "container")
		require.Len(t, containersOf(t, pid), 1)
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, c.Close())

		require.NotContains(t, strings.Join(Sweep(ctx, nil), "\n"), "of process "+itoa(pid), "its owner lives")
		require.Len(t, containersOf(t, pid), 1)

		kill()
		require.Len(t, containersOf(t, pid), 1)
		require.Contains(t, strings.Join(Sweep(ctx, nil), "\n"), "of process "+itoa(pid))
		require.Empty(t, containersOf(t, pid))
		require.NoError(t, mine.Alive(ctx))
		require.NotContains(t, strings.Join(Sweep(ctx, nil), "\n"), "of process "+itoa(pid), "a second sweep finds nothing")
	}
}

// A server dies with the process that started it; its directory goes at the next Sweep.
func TestServerDiesWithItsOwner(t *testing.T) {
	for range usable(t, "server") {
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		pid, addr, kill := hold(t, "server")
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		kill()
		// The kernel closes the connection as the server dies: nothing to poll for.
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, err = c.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server outlived its owner")

		dirs, err := filepath.Glob(filepath.Join(tmp, runDirPrefix+"*"))
		require.NoError(t, err)
		require.Len(t, dirs, 1)
		require.Contains(t, strings.Join(sweepDirs(quiet()), "\n"), "of process "+itoa(pid))
		require.NoDirExists(t, dirs[0])
	}
}

// Where the kernel does not end the server, Sweep does: here its owner is made out to be dead.
func TestSweepEndsServersOfTheDead(t *testing.T) {
	for range usable(t, "server") {
		t.Setenv("TMPDIR", t.TempDir())
		i := start(t, Spec{Provider: "server"}).(*server)
		require.Empty(t, sweepDirs(quiet()), "its owner lives")

		gone := owner.Self()
		gone.Start = "1" // as if the number had been given to another process since
		require.NoError(t, os.WriteFile(filepath.Join(i.dir, ownerFile), []byte(gone.String()), 0o600))
		removed := strings.Join(sweepDirs(quiet()), "\n")
		require.Contains(t, removed, "redis server "+itoa(i.pid))
		<-i.exited
		err := i.Alive(t.Context())
		require.ErrorContains(t, err, "the redis server ended")
		require.NoDirExists(t, i.dir)
	}
}

func TestSweepLeavesWhatItCannotJudge(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	other, space := owner.Self(), owner.Self()
	other.Machine, other.Start = "another-machine", "1"
	space.Space, space.Start = "1", "1"
	for name, text := range map[string]string{"a": other.String(), "b": space.String(), "c": "nonsense", "d": owner.Self().String()} {
		dir := filepath.Join(tmp, runDirPrefix+name)
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ownerFile), []byte(text), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(tmp, runDirPrefix+"e"), 0o700))
	require.Empty(t, sweepDirs(quiet()))
}

// Closing works after the context of the start has ended, as after a Ctrl-C.
func TestCloseAfterCancel(t *testing.T) {
	for _, name := range usable(t, "container", "server") {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			i, err := Start(ctx, Spec{Provider: name})
			require.NoError(t, err)
			cancel()
			require.NoError(t, i.Close(context.Background()))
			_, err = net.Dial("tcp", i.Addr())
			require.Error(t, err)
		})
	}
	for range usable(t, "container") {
		require.Empty(t, containersOf(t, os.Getpid()))
	}
}

// A start that is cut short leaves nothing.
func TestStartCancelled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, name := range usable(t, "container", "server") {
		for _, after := range []time.Duration{0, 3 * time.Millisecond, 30 * time.Millisecond, 150 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			i, err := Start(ctx, Spec{Provider: name})
			cancel()
			if err == nil { // it was faster than we were
				require.NoError(t, i.Close(context.Background()))
			}
		}
	}
	for range usable(t, "container") {
		require.Empty(t, containersOf(t, os.Getpid()))
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	require.NoError(t, err)
	require.Empty(t, dirs)
}

func TestDeathIsTold(t *testing.T) {
	for range usable(t, "server") {
		i := start(t, Spec{Provider: "server"}).(*server)
		i.signal(os.Kill)
		<-i.exited
		require.ErrorContains(t, i.Alive(t.Context()), "the redis server ended (signal: killed)")
		require.ErrorContains(t, i.Reset(t.Context()), "the redis server ended (signal: killed)")
	}
	for range usable(t, "container") {
		i := start(t, Spec{Provider: "container"}).(*container)
		grace := time.Duration(0)
		require.NoError(t, i.ctr.Stop(t.Context(), &grace))
		require.ErrorContains(t, i.Alive(t.Context()), "the redis container ended with exit code")
	}
}
