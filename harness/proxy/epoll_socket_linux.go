package proxy

import (
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adopt is part of engine.
func (e *epoll) adopt(client, server net.Conn, drops int) bool {
	cfd, ok := dupSocket(client)
	if !ok {
		return false
	}
	sfd, ok := dupSocket(server)
	if !ok {
		unix.Close(cfd)
		return false
	}
	stampSocket(cfd)
	stampSocket(sfd)
	unpaced(client, cfd)
	unpaced(server, sfd)
	port := portOf(client.RemoteAddr())
	client.Close()
	server.Close()
	c := e.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.closing || drops != c.drops {
		unix.Close(cfd)
		unix.Close(sfd)
		return true
	}
	l := &socketPair{e: e, client: cfd, server: sfd}
	l.s = c.newSession(l)
	l.s.port = port
	l.up = epollLane{l: l, p: &l.s.up, other: &l.down, src: cfd, dst: sfd}
	l.down = epollLane{l: l, p: &l.s.down, other: &l.up, src: sfd, dst: cfd}
	if k := len(e.free); k > 0 {
		l.slot, e.free = e.free[k-1], e.free[:k-1]
	} else {
		l.slot = int32(len(e.slots))
		e.slots, e.gens = append(e.slots, nil), append(e.gens, 0)
	}
	e.gens[l.slot]++
	e.slots[l.slot] = l
	for side, fd := range []int{cfd, sfd} {
		ev := unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
			Fd:     l.slot<<1 | int32(side), Pad: e.gens[l.slot],
		}
		if err := unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			c.warn(c.now(), l.s.conn, fmt.Sprintf("connection %d: epoll_ctl: %v", l.s.conn, err))
			l.end(false)
			break
		}
	}
	return true
}

// unpaced spares a connection within this machine what the system's congestion
// control does for a network: BBR, for one, reckons a pace for every segment and
// may keep segments back for it. Reno, which every Linux lets everybody choose,
// does next to nothing as long as nothing is lost.
func unpaced(conn net.Conn, fd int) {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno") // it works without
	}
}

// dupSocket takes the descriptor of a plain socket out of the Go runtime's
// hands. A wrapper that changes no byte may offer SyscallConn, too.
func dupSocket(conn net.Conn) (fd int, ok bool) {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, false
	}
	var dupErr error
	err = raw.Control(func(s uintptr) { fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, err == nil && dupErr == nil
}

// The sockets never block, so the Go scheduler need not be told.

func rawRead(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func rawWrite(fd int, b []byte) (int, unix.Errno) {
	// MSG_NOSIGNAL: a broken connection is an error, not a signal.
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}
