package bubble

import "runtime"

const (
	// sleepers keep the average in-use stack near their own, however many small
	// goroutines there are when garbage is collected between trials.
	sleepers = 64
	// depth is what a goroutine of a trial needs: go-redis, the proxy, miniredis.
	depth = 6 << 10
)

// DeepStacks has the runtime begin goroutines with stacks that are large enough
// for those of trials. A trial has about a hundred, none of which lives when
// garbage is collected between trials, so the runtime, which begins with the
// average of the stacks in use at that time, would begin with 2 KiB and copy
// each of them once or twice: a sixth of a trial's time. The goroutines that it
// starts sleep until stop is closed.
func DeepStacks(stop <-chan struct{}) {
	for range sleepers {
		go sleepDeep(stop)
	}
	runtime.Gosched() // so that they are deep when garbage is collected first
	runtime.GC()
}

//go:noinline
func sleepDeep(stop <-chan struct{}) {
	var used [depth]byte
	used[0] = 1
	<-stop
	runtime.KeepAlive(&used)
}
