package netns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// helperFD is where the helper finds its socket: the first of cmd.ExtraFiles.
const helperFD = 3

// note is what the helper says on its socket, a datagram each. A note with
// Index ≥ 0 carries a listener.
type note struct {
	Index int    `json:"index"`
	Ready bool   `json:"ready,omitempty"`
	Error string `json:"error,omitempty"`
	// Command says that Error is about the command, not about the network.
	Command bool `json:"command,omitempty"`
}

func (t *Takeover) wrap(ctx context.Context, x *runner.Exec, s *proc.Spec) (func() error, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	seen := *x // as the hunt sees it
	p := t.plan
	if x.Arm == harness.Direct && t.server != nil {
		if p.Server, err = t.server(x.Dir); err != nil {
			_ = ours.Close()
			_ = theirs.Close()
			return nil, fmt.Errorf("starting Redis in a private network: %w", err)
		}
		// It is a fresh one: nothing of the one outside holds for it.
		x.Redis.Username, x.Redis.Password, x.Redis.TLS = "", "", false
	}
	// The command is told what is true where it runs. The proxy keeps the
	// password: what is behind the address has not changed.
	x.Redis.Addr, x.Redis.Dial = t.first, nil

	h := &helper{ours: ours, theirs: theirs, done: make(chan struct{})}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	h.end = end
	go h.follow(func(n note, l net.Listener) { t.serve(life, n.Index, l, &seen, &h.relays) })
	if err := prepare(s, p, theirs); err != nil {
		_ = ours.Close()
		_ = h.stop() // it has not begun: what it says is that we closed it
		return nil, err
	}
	return h.stop, nil
}

// helper is the process that makes a private network and becomes the command.
type helper struct {
	ours   *net.UnixConn
	theirs *os.File
	end    func()         // ends what serves the listeners
	relays sync.WaitGroup // of this command alone
	done   chan struct{}  // closed when follow has ended

	mu        sync.Mutex
	listeners []net.Listener
	failure   error
	ready     bool

	once   sync.Once
	result error
}

// follow reads the helper's notes, until it is ready or has failed, and gives each
// listener to serve.
func (h *helper) follow(serve func(note, net.Listener)) {
	defer close(h.done)
	for {
		n, l, err := receive(h.ours)
		if h.take(n, l, err) {
			return
		}
		serve(n, l)
	}
}

// take keeps what a note says, and reports whether it is the last.
func (h *helper) take(n note, l net.Listener, err error) (over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		if !h.ready && h.failure == nil {
			h.failure = fmt.Errorf("setting up a private network: the helper ended before it was ready: %w", err)
		}
	case n.Command:
		h.failure = errors.New(n.Error)
	case n.Error != "":
		h.failure = explain(errors.New(n.Error))
	case n.Ready:
		h.ready = true
	default:
		h.listeners = append(h.listeners, l)
	}
	return err != nil || h.failure != nil || h.ready
}

// stop takes all down, once, and says what failed. What the helper has sent is
// still read: closing its end alone ends follow.
func (h *helper) stop() error {
	h.once.Do(func() {
		_ = h.theirs.Close()
		<-h.done
		_ = h.ours.Close()
		h.mu.Lock()
		for _, l := range h.listeners {
			_ = l.Close()
		}
		h.result = h.failure
		h.mu.Unlock()
		h.end()
		h.relays.Wait()
	})
	return h.result
}

// prepare makes s start the helper, in namespaces of its own, before the command.
func prepare(s *proc.Spec, p plan, socket *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("setting up a private network: %w", err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("setting up a private network: %w", err)
	}
	s.Prefix = append(s.Prefix, self, childArg, string(text))
	before := s.Adjust
	s.Adjust = func(cmd *exec.Cmd) {
		if before != nil {
			before(cmd)
		}
		cmd.ExtraFiles = append([]*os.File{socket}, cmd.ExtraFiles...)
		enter(cmd.SysProcAttr)
	}
	return nil
}

// enter asks for new namespaces. The user keeps his number, so that the suite
// runs as who it always runs; the two capabilities are for the helper, which
// gives them up before it becomes the command. Root needs no user namespace,
// and keeps by that what it may do to files.
func enter(a *syscall.SysProcAttr) {
	a.Cloneflags |= syscall.CLONE_NEWNET
	if mayUnshare() {
		return
	}
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	a.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE}
}

// mayUnshare reports whether this process has CAP_SYS_ADMIN, which makes a
// network namespace without a user namespace.
func mayUnshare() bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	return unix.Capget(&h, &d[0]) == nil && d[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// socketPair gives our end and the helper's. Messages keep their bounds and
// the end of the other side is seen.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("setting up a private network: socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "helper")
	f := os.NewFile(uintptr(fds[0]), "hunt")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("setting up a private network: %w", err)
	}
	return c.(*net.UnixConn), theirs, nil
}

// receive reads one note and the listener that came with it, if any.
func receive(c *net.UnixConn) (note, net.Listener, error) {
	var buf [4096]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.ReadMsgUnix(buf[:], oob)
	if err != nil || n == 0 {
		return note{}, nil, errors.Join(err, errClosed(n, err))
	}
	m := note{Index: -1}
	if err := json.Unmarshal(buf[:n], &m); err != nil {
		return m, nil, fmt.Errorf("the helper's word %q: %w", strconv.Quote(string(buf[:n])), err)
	}
	if m.Ready || m.Error != "" {
		return m, nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		return m, nil, fmt.Errorf("the helper sent no listener: %w", err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return m, nil, fmt.Errorf("the helper sent no listener: %w", err)
	}
	f := os.NewFile(uintptr(fds[0]), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	return m, l, err
}

func errClosed(n int, err error) error {
	if n == 0 && err == nil {
		return errors.New("it closed its socket")
	}
	return nil
}
