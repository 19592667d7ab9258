package embedded

import "sync"

// crew counts goroutines, as sync.WaitGroup does, but one may join while others
// wait: a connection may end at the very moment at which all are ended.
type crew struct {
	mu   sync.Mutex
	n    int
	left sync.Cond // n is 0
}

// run does f in a goroutine of the crew.
func (c *crew) run(f func()) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	go func() {
		defer c.leave()
		f()
	}()
}

func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.left.L != nil {
		c.left.Broadcast()
	}
}

// wait returns when nobody is left.
func (c *crew) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left.L = &c.mu
	for c.n > 0 {
		c.left.Wait()
	}
}
