package embedded

import "sync"

// goroutineGroup counts goroutines, as sync.WaitGroup does, but one may join while others
// wait: a connection may end at the very moment at which all are ended.
type goroutineGroup struct {
	mu   sync.Mutex
	n    int
	left sync.Cond // n is 0
}

// run does f in a goroutine of the group.
func (g *goroutineGroup) run(f func()) {
	g.mu.Lock()
	g.n++
	g.mu.Unlock()
	go func() {
		defer g.leave()
		f()
	}()
}

func (g *goroutineGroup) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.left.L != nil {
		g.left.Broadcast()
	}
}

// wait returns when nobody is left.
func (g *goroutineGroup) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left.L = &g.mu
	for g.n > 0 {
		g.left.Wait()
	}
}
