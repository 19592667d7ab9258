package proxy

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stampSocket has the kernel note when bytes arrive at a TCP socket.
func stampSocket(fd int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) // without, they arrive when they are read
}

// read reads into buf and says when the bytes arrived, now being when the
// thread woke up. After a long rest that is a tenth of a millisecond after the
// bytes came, time which would be added to a delay; the kernel knows better.
func (e *epoll) read(now time.Duration, fd int) (int, time.Duration, unix.Errno) {
	if !e.rested {
		k, errno := rawRead(fd, e.buf)
		return k, now, errno
	}
	k, stamp, errno := readStamped(fd, e.buf)
	return k, e.arrived(now, stamp, time.Now()), errno
}

// arrived is when bytes arrived that the kernel stamped, at being a time since
// then. The clock of the day may be set in between: what can't be is not
// believed. Nothing arrives before what was seen to happen last.
func (e *epoll) arrived(now time.Duration, stamp int64, at time.Time) time.Duration {
	c := e.c
	t := at.Sub(c.epoch) - time.Duration(at.UnixNano()-stamp)
	if t > now || t < e.poller.at {
		return now
	}
	return max(t, c.moved, c.run.since)
}

// stampLen is the length of a __kernel_timespec: two numbers of 64 bits on
// every architecture.
const stampLen = 16

// readStamped is rawRead that also says when the last of the bytes arrived, in
// nanoseconds since 1970; 0: not known.
func readStamped(fd int, b []byte) (n int, stamp int64, errno unix.Errno) {
	var control [64]byte
	vec := unix.Iovec{Base: &b[0]}
	vec.SetLen(len(b))
	msg := unix.Msghdr{Iov: &vec, Control: &control[0]}
	msg.SetIovlen(1)
	msg.SetControllen(len(control))
	r, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), 0)
	if errno != 0 {
		return 0, 0, errno
	}
	for rest := control[:msg.Controllen]; len(rest) > 0; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS_NEW && len(data) >= stampLen {
			sec, nsec := binary.NativeEndian.Uint64(data), binary.NativeEndian.Uint64(data[stampLen/2:])
			stamp = int64(sec)*int64(time.Second) + int64(nsec)
		}
		rest = next
	}
	return int(r), stamp, 0
}
