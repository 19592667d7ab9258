package proxy

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// earliest is how long before a delay is over the loop wakes up, to warm up
	// its path and to poll without sleeping: waking a processor and a warm-up
	// take about as long. After a long rest they take longer, so a 64th of the rest
	// is added, up to mostEarly.
	earliest  = 200 * time.Microsecond
	mostEarly = 500 * time.Microsecond

	// share is how much of the time, one part in so many, may go into looking on
	// around delays, and saved is how much of it may be saved up: hundreds of
	// delays a second on each of several proxies would else take whole processors.
	share = 16
	saved = 2 * time.Millisecond

	// alone is how many events in a row must be of a session or two for the next
	// one to be worth a look: of fifty that are busy, no four are.
	alone = 4
	// spinTime is how long the loop looks for the next event before it sleeps. A
	// reply from a Redis nearby comes about as soon, and being woken takes longer.
	spinTime = 25 * time.Microsecond
	// mostSkipped is how many sleeps without polling follow one another at most
	// where polling finds nothing.
	mostSkipped = 64
)

// busyPoller decides when the loop looks on instead of sleeping, which takes
// processor time and saves the time that waking up takes.
type busyPoller struct {
	before  [2]int32      // the slots of the last events
	few     int           // so many events in a row were of a session or two
	skip    int           // sleeps without polling still to come
	skipped int           // and how many there were after the last polling that found nothing
	credit  time.Duration // that may be spent around delays
	at      time.Duration // when credit was reckoned: last before the loop sleeps
	looking bool          // since then the loop has looked on for the end of a delay
}

// came notes that an event was of the session in a slot.
func (l *busyPoller) came(slot int32) {
	switch slot {
	case l.before[0]:
		l.few++
	case l.before[1]:
		l.few++
		l.before = [2]int32{slot, l.before[0]}
	default:
		l.few = 0
		l.before = [2]int32{slot, l.before[0]}
	}
}

// until says how long to sleep for what is due; 0: not at all. moved is when
// something happened last.
func (l *busyPoller) until(now, due, moved time.Duration) time.Duration {
	l.reckon(now)
	left := due - now
	early := min(earliest+(due-moved)/64, mostEarly)
	switch {
	case left > early:
		return left - early
	case left <= 0:
		return 0
	case l.credit <= 0:
		return left
	}
	l.looking = true
	return 0
}

// reckon counts what may be spent. While the loop sleeps or works something is
// saved, while it looks on it is spent.
func (l *busyPoller) reckon(now time.Duration) {
	d := max(0, now-l.at) // a trial begins at 0 again
	l.at = now
	if l.looking {
		l.credit -= d
		l.looking = false
		return
	}
	l.credit = min(l.credit+d/share, saved)
}

// first looks for events for a moment, before the loop sleeps, without
// sleeping, as long as a session or two talk alone: of many, the next event has
// most likely come already, and a few that are served at once cost less. Where
// polling finds nothing there is little, so that a quiet or a crowded machine does
// not pay for them.
func (l *busyPoller) first(e *epoll, events []unix.EpollEvent) (int, unix.Errno) {
	if l.few < alone {
		return 0, 0
	}
	if l.skip > 0 {
		l.skip--
		return 0, 0
	}
	since := time.Now() // core's clock is guarded
	for {
		n, errno := e.wait(events, 0)
		if n > 0 || errno != 0 {
			l.skipped = 0
			return n, errno
		}
		if time.Since(since) >= spinTime {
			l.skipped = min(2*l.skipped+1, mostSkipped)
			l.skip = l.skipped
			return 0, 0
		}
	}
}
