package netns

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// childArg is the hidden first argument with which this binary is the helper.
const childArg = "__private-network"

// MaybeRunChild becomes the helper when this process was started as one, and
// then does not return. A program that uses this package calls it first in
// main, and in TestMain.
func MaybeRunChild() {
	if len(os.Args) < 4 || os.Args[1] != childArg {
		return
	}
	err := child(os.Args[2], os.Args[3:])
	var start *startError
	_ = send(note{Index: -1, Error: err.Error(), Command: errors.As(err, &start)}, -1)
	fmt.Fprintln(os.Stderr, "flakehunt:", err)
	os.Exit(125)
}

// startError says that the command, not the network, is at fault.
type startError struct {
	program string
	err     error
}

func (e *startError) Error() string { return "starting " + e.program + ": " + e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// child sets the private network up and becomes the command.
func child(text string, argv []string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return fmt.Errorf("reading the plan of a private network: %w", err)
	}
	unix.CloseOnExec(helperFD)
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return &startError{argv[0], err}
	}
	if err := loopbackUp(p.Add); err != nil {
		return err
	}
	if len(p.Server) > 0 {
		if err := serve(p); err != nil {
			return err
		}
	}
	for i, l := range p.Listen {
		if l.Redis && len(p.Server) > 0 {
			continue // that is the server's
		}
		fd, err := listenOn(l.Addr)
		if err != nil {
			if l.Optional {
				continue
			}
			return fmt.Errorf("listening on %s in a private network: %w", l.Addr, err)
		}
		if err := send(note{Index: i}, fd); err != nil {
			return err
		}
		_ = unix.Close(fd)
	}
	// The command gets no right that its user has not.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("binding the command to the hunt: %w", err)
	}
	if err := send(note{Index: -1, Ready: true}, -1); err != nil {
		return err
	}
	return &startError{argv[0], syscall.Exec(program, argv, os.Environ())}
}

// serverStart is how long a Redis may take to answer.
const serverStart = 10 * time.Second

// serve starts the Redis of the private network and waits until it answers. It
// goes on as a child of the command and ends with it.
func serve(p plan) error {
	// The kernel ends it when this thread does, and this thread becomes the command.
	runtime.LockOSThread()
	cmd := exec.Command(p.Server[0], p.Server[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting Redis in a private network: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	addr := ""
	for _, l := range p.Listen {
		if l.Redis && addr == "" {
			addr = l.Addr
		}
	}
	for end := time.Now().Add(serverStart); ; {
		if pings(addr) {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("starting Redis in a private network: it ended: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			return fmt.Errorf("starting Redis in a private network: no answer at %s within %s", addr, serverStart)
		}
	}
}

func pings(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write([]byte("PING\r\n"))
	var b [5]byte
	_, err = io.ReadFull(c, b[:])
	return err == nil && string(b[:]) == "+PONG"
}

// loopbackUp brings lo up and gives it the IPv4 addresses, as aliases.
func loopbackUp(add []string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bringing the private loopback up: %w", err)
	}
	defer unix.Close(fd)
	up := func(name string) error {
		r, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
	}
	if err := up("lo"); err != nil {
		return fmt.Errorf("bringing the private loopback up: %w", err)
	}
	for i, a := range add {
		ip, err := netip.ParseAddr(a)
		if err != nil {
			return fmt.Errorf("giving %s to the private loopback: %w", a, err)
		}
		name := fmt.Sprintf("lo:%d", i+1)
		r, err := unix.NewIfreq(name)
		if err == nil {
			b := ip.As4()
			if err = r.SetInet4Addr(b[:]); err == nil {
				err = unix.IoctlIfreq(fd, unix.SIOCSIFADDR, r)
			}
		}
		if err != nil {
			return fmt.Errorf("giving %s to the private loopback: %w", a, err)
		}
	}
	return nil
}

// listenOn opens a listening socket without the runtime's network poller, which
// the command that this process becomes would not want.
func listenOn(addr string) (int, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return -1, err
	}
	family := unix.AF_INET
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(ap.Port()), Addr: as4(ap.Addr())}
	if ap.Addr().Is6() {
		family = unix.AF_INET6
		sa = &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if family == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := errors.Join(unix.Bind(fd, sa), unix.Listen(fd, 511)); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func as4(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
}

// send writes a note, with a file descriptor when fd ≥ 0.
func send(n note, fd int) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	if err := unix.Sendmsg(helperFD, text, rights, nil, 0); err != nil {
		return fmt.Errorf("reporting from a private network: %w", err)
	}
	return nil
}
