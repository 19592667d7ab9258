package redisenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/ports"
)

// serverNames are the programs that serve, in order of preference.
var serverNames = []string{"redis-server", "valkey-server"}

const (
	// startAttempts bounds how often another port is tried: a port that was
	// free when asked may be taken by the time the server binds it.
	startAttempts = 5
	startTimeout  = 10 * time.Second
	// stopGrace is how long a server may take to end by itself.
	stopGrace = 2 * time.Second
)

// serverProvider runs a server program of this machine, each on a loopback
// port and in a temporary directory of its own, without persistence.
type serverProvider struct{ log *slog.Logger }

func (*serverProvider) Name() string { return "server" }

func (*serverProvider) Check(context.Context) error {
	_, err := serverProgram()
	return err
}

func serverProgram() (string, error) {
	for _, name := range serverNames {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", unavailable("no %s on PATH: install one, or use --redis embedded", strings.Join(serverNames, " or "))
}

func (p *serverProvider) Start(ctx context.Context) (Instance, error) {
	program, err := serverProgram()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		port, err := ports.Free()
		if err != nil {
			return nil, err
		}
		s, err := startServer(ctx, program, port)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == startAttempts || ctx.Err() != nil {
			return nil, fmt.Errorf("start %s: %w", filepath.Base(program), err)
		}
		p.log.Debug("redis server lost its port to another process, trying again", "attempt", attempt)
	}
}

// server is one running server program.
type server struct {
	*owned
	info   harness.RedisInfo
	dir    string
	pid    int
	exited chan struct{} // closed when the process is gone
	reason error         // why it went; read after exited
}

// errPortTaken says that the server could not bind its port.
var errPortTaken = errors.New("its port was taken by another process")

func serverArgs(bind []string, port, dir string) []string {
	args := append([]string{"--bind"}, bind...)
	return append(args, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning")
}

// ServerCommand is the command that runs a server at addresses and a port of
// somebody's choice, for those who start it themselves: in a private network.
// An address that begins with - may be missing.
func ServerCommand(bind []string, port, dir string) ([]string, error) {
	program, err := serverProgram()
	if err != nil {
		return nil, err
	}
	return append([]string{program, "--protected-mode", "no"}, serverArgs(bind, port, dir)...), nil
}

func startServer(ctx context.Context, program string, port int) (*server, error) {
	dir, err := newRunDir()
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("create its log: %w", err)
	}
	defer output.Close() // the process has its own
	s := &server{dir: dir, exited: make(chan struct{})}
	cmd := exec.Command(program, serverArgs([]string{"127.0.0.1"}, strconv.Itoa(port), dir)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, output, output
	dieWithParent(cmd)
	started := make(chan error)
	go s.supervise(cmd, started)
	if err := <-started; err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s.owned = &owned{remote: newRemote(&redis.Options{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})}
	s.pid = cmd.Process.Pid
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.becomeReady(ready); err != nil {
		_ = s.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	s.info = harness.RedisInfo{Provider: "server", Version: s.version(ctx), Real: true}
	return s, nil
}

// becomeReady waits for PONG from this very process: another one that took the
// port first would answer as well.
func (s *server) becomeReady(ctx context.Context) error {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.exited:
			cancel(s.reason)
		case <-waiting.Done():
		}
	}()
	if err := s.waitReady(waiting); err != nil {
		return err
	}
	fields, err := s.infoServer(ctx)
	if err != nil {
		return fmt.Errorf("ask who answers: %w", err)
	}
	if fields["process_id"] != strconv.Itoa(s.pid) {
		return errPortTaken
	}
	mine, err := own(ctx, s.remote)
	if err != nil {
		return err // s keeps what Close needs
	}
	s.owned = mine
	return nil
}

// supervise starts the process and waits for it on one OS thread that does
// nothing else: the kernel's "die with the parent" is about the thread that
// forked, which the Go scheduler may otherwise end while the program goes on.
func (s *server) supervise(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = cmd.Wait()                                            // how it ended is in its state
	log, _ := os.ReadFile(filepath.Join(s.dir, "server.log")) // none: nothing was said
	said := lastLine(string(log))
	switch {
	case strings.Contains(string(log), "Address already in use"):
		s.reason = errPortTaken
	case said != "":
		s.reason = fmt.Errorf("the redis server ended (%s): %s", cmd.ProcessState, said)
	default:
		s.reason = fmt.Errorf("the redis server ended (%s)", cmd.ProcessState)
	}
	close(s.exited)
}

func (s *server) Info() harness.RedisInfo { return s.info }

func (s *server) Reset(ctx context.Context) error {
	if err := s.reset(ctx); err != nil {
		return s.because(err)
	}
	return nil
}

func (s *server) Alive(ctx context.Context) error {
	if err := s.remote.Alive(ctx); err != nil {
		return s.because(err)
	}
	return nil
}

func (s *server) Works(ctx context.Context) error {
	if err := s.remote.Works(ctx); err != nil {
		return s.because(err)
	}
	return nil
}

// because replaces a network error by what the process said as it ended.
func (s *server) because(err error) error {
	select {
	case <-s.exited:
		return s.reason
	default:
		return err
	}
}

func (s *server) Close(ctx context.Context) error {
	if !s.conns.End() {
		return nil
	}
	stop := time.NewTimer(stopGrace)
	defer stop.Stop()
	s.signal(os.Interrupt)
	select {
	case <-s.exited:
	case <-stop.C:
		s.signal(os.Kill)
		<-s.exited
	case <-ctx.Done():
		s.signal(os.Kill)
		<-s.exited
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("remove the redis server's directory: %w", err)
	}
	return nil
}

// signal sends to the process unless Wait has had it already.
func (s *server) signal(sig os.Signal) {
	select {
	case <-s.exited:
	default:
		if p, err := os.FindProcess(s.pid); err == nil {
			_ = p.Signal(sig)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
