package proxy

import (
	"fmt"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// rested is after how long a rest a processor is slow to wake and has forgotten
// the way through the network's code: to send a command to a Redis on this
// machine takes a tenth of a millisecond longer then.
const rested = time.Millisecond

// warmer shortens that: shortly before a delay is over the loop sends one
// byte over a TCP connection of the proxy's own, and a thread that is good for
// nothing else sends it back. What the delayed command does next, wake another
// processor and run that code on both, has just been done. The zero value is
// ready; all is guarded by core.mu.
type warmer struct {
	local int // the loop's end; 0: there is none, yet or at all
	asked bool
	sent  bool          // a byte, which has not been read again
	due   time.Duration // what was warmed up for last
}

// warmUp warms up, once for what is due.
func (e *epoll) warmUp(due time.Duration) {
	r := &e.warmer
	if due == r.due {
		return
	}
	r.due = due
	if r.local == 0 {
		if !r.asked && runtime.NumCPU() > 1 {
			r.asked = true
			e.wg.Go(e.echo)
		}
		return
	}
	var b [1]byte
	if r.sent {
		if n, _ := rawRead(r.local, b[:]); n == 0 {
			return // the machine has no time for it
		}
	}
	n, _ := rawWrite(r.local, b[:])
	r.sent = n > 0
}

// endWarmUps ends the thread. The loop calls it last.
func (e *epoll) endWarmUps() {
	if local := e.warmer.local; local != 0 {
		unix.Close(local)
	}
}

// echo is the thread. It makes the connection, which takes too long for the
// loop. Without one, delays are as exact as they are without a warm-up.
func (e *epoll) echo() {
	local, far, err := tcpPair()
	if err != nil {
		e.c.cfg.Log.Info("proxy does not warm up for the ends of delays", "reason", err)
		return
	}
	defer unix.Close(far)
	e.c.mu.Lock()
	if e.closing {
		unix.Close(local)
	} else {
		e.warmer.local = local
	}
	e.c.mu.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var b [1]byte
	for {
		n, err := unix.Read(far, b[:])
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			return
		default:
			_, _ = rawWrite(far, b[:]) // there is room for a byte
		}
	}
}

// tcpPair connects two sockets over the loopback interface. Reading from near
// does not block, from far it does.
func tcpPair() (local, far int, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return 0, 0, err
	}
	defer a.Close()
	b, err := ln.Accept()
	if err != nil {
		return 0, 0, err
	}
	defer b.Close()
	if a.LocalAddr().String() != b.RemoteAddr().String() {
		return 0, 0, fmt.Errorf("a stranger at %s connected to %s", b.RemoteAddr(), ln.Addr())
	}
	local, ok := dupSocket(a)
	if !ok {
		return 0, 0, fmt.Errorf("no descriptor left")
	}
	if far, ok = dupSocket(b); !ok {
		unix.Close(local)
		return 0, 0, fmt.Errorf("no descriptor left")
	}
	// The duplicate shares its flags with b, which is closed before far is read.
	if err := unix.SetNonblock(far, false); err != nil {
		unix.Close(local)
		unix.Close(far)
		return 0, 0, err
	}
	return local, far, nil
}
