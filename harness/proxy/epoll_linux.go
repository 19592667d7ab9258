package proxy

import (
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	chunkSize  = 128 << 10
	eventBatch = 128
	wakeSlot   = -1
)

// epoll is the engine for raw sockets: one thread waits for all of them, reads
// a chunk, lets the session name its frames, and writes it on, all without a
// wake-up in between. Being one thread it also gives all frames one order.
//
// Sockets are registered once, edge-triggered, for reading and writing, so that
// no further system call is spent on interest. Delays use epoll_pwait2, whose
// timeout is in nanoseconds, with the thread's timer slack at its least.
type epoll struct {
	c     *core
	wg    *sync.WaitGroup // of its threads
	fd    int
	event int // eventfd: another goroutine has something for the loop

	// Guarded by core.mu, like all that is in a socketPair.
	slots   []*socketPair
	gens    []int32 // told apart: events of a slot's earlier user
	free    []int32
	woken   []*epollLane // to be flushed
	unread  []*epollLane // to be read on although no event will say so
	timers  laneHeap
	inLoop  bool
	rested  bool // the thread slept for long before it got these events
	closing bool

	poller busyPoller
	warmer warmer

	buf []byte
}

func newEngine(c *core, wg *sync.WaitGroup) (engine, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	e := &epoll{c: c, wg: wg, fd: fd, buf: make([]byte, chunkSize), poller: busyPoller{credit: saved}}
	if _, errno := e.wait(make([]unix.EpollEvent, 1), 0); errno != 0 {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll_pwait2: %w", errno)
	}
	if e.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeSlot}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, e.event, &ev); err != nil {
		unix.Close(fd)
		unix.Close(e.event)
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	wg.Go(e.loop)
	return e, nil
}

// wait is epoll_pwait2. A timeout of 0 does not block, one below 0 has no end.
func (e *epoll) wait(events []unix.EpollEvent, timeout time.Duration) (int, unix.Errno) {
	var ts *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(int64(timeout))
		ts = &t
	}
	args := [4]uintptr{uintptr(e.fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(ts))}
	if timeout == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, args[0], args[1], args[2], args[3], 0, 0)
		return int(n), errno
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, args[0], args[1], args[2], args[3], 0, 0)
	return int(n), errno
}

// loop is the thread.
func (e *epoll) loop() {
	runtime.LockOSThread() // and never unlocked: the thread ends with its timer slack
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	events := make([]unix.EpollEvent, eventBatch)
	c := e.c
	timeout := time.Duration(-1)
	for {
		n, errno := 0, unix.Errno(0)
		if timeout != 0 {
			n, errno = e.poller.first(e, events)
		}
		if n == 0 && errno == 0 {
			n, errno = e.wait(events, timeout)
		}
		if errno != 0 {
			n = 0 // EINTR
		}
		c.mu.Lock()
		e.inLoop = true
		now := c.now()
		e.rested = now-e.poller.at > rested
		for i := range n {
			now = e.handle(now, events[i])
			e.poller.came(events[i].Fd >> 1)
		}
		e.rested = false
		timeout = e.runDue(now)
		e.inLoop = false
		if e.closing {
			e.endWarmUps()
			c.mu.Unlock()
			unix.Close(e.fd)
			unix.Close(e.event)
			return
		}
		c.mu.Unlock()
	}
}

// handle serves one event and returns the time as it was read last.
func (e *epoll) handle(now time.Duration, ev unix.EpollEvent) time.Duration {
	if ev.Fd == wakeSlot {
		var b [8]byte
		_, _ = unix.Read(e.event, b[:]) // nothing to read: another event said so already
		return now
	}
	slot := ev.Fd >> 1
	l := e.slots[slot]
	if l == nil || e.gens[slot] != ev.Pad {
		return now // ended by an earlier event of this batch
	}
	from, to := &l.up, &l.down // the client's socket is up's source and down's destination
	if ev.Fd&1 == 1 {
		from, to = to, from
	}
	if ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		from.hup = true
	}
	if ev.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 && to.full {
		to.full = false
		now = e.flush(now, to, nil)
	}
	if ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 && !l.s.over {
		now = e.readFrom(now, from)
	}
	return now
}

// runDue does what no event announces and says how long to sleep.
func (e *epoll) runDue(now time.Duration) time.Duration {
	for {
		switch {
		case len(e.woken) > 0:
			n := e.woken[len(e.woken)-1]
			e.woken = e.woken[:len(e.woken)-1]
			n.poked = false
			now = e.flush(now, n, nil)
			continue
		case len(e.timers) > 0 && e.timers[0].due <= now:
			n := e.timers[0]
			e.setTimer(n, 0)
			now = e.flush(now, n, nil)
			continue
		}
		break
	}
	if len(e.unread) > 0 {
		lanes := e.unread
		e.unread = nil
		for _, n := range lanes {
			n.listed = false
			if !n.l.s.over {
				now = e.readFrom(now, n)
			}
		}
		e.poller.reckon(now)
		return 0
	}
	if len(e.timers) > 0 {
		due := e.timers[0].due
		sleep := e.poller.until(e.c.now(), due, e.c.moved)
		if sleep == 0 && due-e.c.moved > rested {
			e.warmUp(due)
		}
		return sleep
	}
	e.poller.reckon(now)
	return -1
}

func (e *epoll) close() {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	e.closing = true
	e.inLoop = false
	e.poke()
}

// poke makes the loop run if it sleeps.
func (e *epoll) poke() {
	if !e.inLoop {
		_, _ = unix.Write(e.event, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // full: it will run anyway
	}
}
