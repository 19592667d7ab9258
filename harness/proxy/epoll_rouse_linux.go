package proxy

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// rested is after how long a rest the other processors sleep so deeply that it
// takes a tenth of a millisecond to wake one.
const rested = time.Millisecond

// farewell ends a rouser's thread.
const farewell = 1 << 32

// rouser has a thread that is good for nothing but to be woken, shortly before
// a delay is over: it sleeps again at once, but the processor that it ran on is
// quick to wake then, and the Redis that gets the delayed frame runs there. The
// zero value is ready; all is guarded by core.mu.
type rouser struct {
	event int           // eventfd; 0: the thread has not been needed yet
	last  time.Duration // what was due when it was woken last
}

// rouse wakes the thread, once for what is due.
func (r *rouser) rouse(wg *sync.WaitGroup, due time.Duration) {
	if due == r.last || runtime.NumCPU() < 2 {
		return
	}
	r.last = due
	if r.event == 0 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			return // delays are as exact as without
		}
		r.event = fd
		wg.Go(func() { sleepOn(fd) })
	}
	r.tell(1)
}

func (r *rouser) end() {
	if r.event != 0 {
		r.tell(farewell)
	}
}

func (r *rouser) tell(n uint64) {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], n)
	_, _ = unix.Write(r.event, b[:]) // never full: it is read at once
}

// sleepOn is the thread.
func sleepOn(event int) {
	runtime.LockOSThread()
	defer unix.Close(event)
	var b [8]byte
	for {
		if _, err := unix.Read(event, b[:]); err != nil && err != unix.EINTR {
			return
		}
		if binary.NativeEndian.Uint64(b[:]) >= farewell {
			return
		}
	}
}
