package spec

import (
	"time"
)

const (
	// deliveryWait is how long a fixed wait sleeps for a message to arrive.
	deliveryWait = 200 * time.Millisecond
	// commandWait is what it adds for a command that a handler makes first.
	commandWait = 250 * time.Millisecond
	// pollBudget is how long a hardened wait polls: 15 × 100 ms.
	pollBudget = 1500 * time.Millisecond
	// strayWait is how long a scenario watches for what must not come.
	strayWait = 150 * time.Millisecond
	// ShortTTL is the expiry that the TTL scenarios give to a key.
	ShortTTL = time.Second
	// ExpiryWait is how long they wait for it to have passed.
	ExpiryWait = 1100 * time.Millisecond
)

// Sleep waits for d, or fails the scenario when its deadline comes first.
func (e *Env) Sleep(t T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Errorf("the scenario's deadline passed while it waited %v: %v", d, t.Context().Err())
		t.FailNow()
	}
}

// Await waits until cond holds, in the suite's way of waiting, and reports
// whether it does and within which time it was given to. commands is how many
// Redis commands must be answered, one after another, between the delivery of a
// message and cond: a fixed wait allows for each.
func (e *Env) Await(t T, commands int, cond func() bool) (seen bool, within time.Duration) {
	t.Helper()
	if e.Waits == FixedWaits {
		within = deliveryWait + commandWait*time.Duration(commands)
		e.Sleep(t, within)
		return cond(), within
	}
	// Short steps first, so that a quiet Redis is not waited for; 100 ms in the end.
	within = pollBudget
	for start, step := time.Now(), 2*time.Millisecond; ; step = min(2*step, 100*time.Millisecond) {
		if cond() {
			return true, within
		}
		left := within - time.Since(start)
		if left <= 0 {
			return false, within
		}
		e.Sleep(t, min(step, left))
	}
}

// WatchForStray watches long enough for a message that must not come to have come.
func (e *Env) WatchForStray(t T) {
	t.Helper()
	e.Sleep(t, strayWait)
}
