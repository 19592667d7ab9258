package proc

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// MaxPause bounds how long a pause lasts.
const MaxPause = 2 * time.Second

// What a pause says when it can't be.
var (
	ErrNothingRuns = errors.New("no process of the suite is running")
	ErrPaused      = errors.New("the suite's processes are stopped already")
)

// Groups are the process groups of the commands that run now, so that they can
// be stopped for a moment. The zero value has none. Its methods may be called
// from any goroutine.
type Groups struct {
	mu      sync.Mutex
	running map[int]*watchdog // by leader; nil: not needed yet
	stopped bool
	pauses  sync.WaitGroup
}

// Started notes the group of a command that has just begun; ended forgets it, and
// may be called twice. It fits Spec.Started.
func (g *Groups) Started(leader int) (ended func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil {
		g.running = map[int]*watchdog{}
	}
	g.running[leader] = nil
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if w := g.running[leader]; w != nil {
			goOn(leader)
			w.close()
		}
		delete(g.running, leader)
	}
}

// Pause stops all processes of the groups and returns; d later they go on, also
// when this process has ended by then or stands still itself. It fits
// proxy.Config's Pauser.
func (g *Groups) Pause(d time.Duration) error {
	d = min(d, MaxPause)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case len(g.running) == 0:
		return ErrNothingRuns
	case g.stopped:
		return ErrPaused
	}
	for leader, w := range g.running {
		if w == nil {
			var err error
			if w, err = watch(leader); err != nil {
				return fmt.Errorf("pausing the suite: %w", err)
			}
			g.running[leader] = w
		}
		if err := w.stop(d); err != nil {
			g.release()
			return fmt.Errorf("pausing the suite: %w", err)
		}
	}
	g.stopped = true
	watchdogs := maps.Clone(g.running)
	g.pauses.Go(func() {
		for leader, w := range watchdogs {
			err := w.wait()
			g.mu.Lock()
			if err != nil && g.running[leader] == w { // somebody ended the watchdog
				goOn(leader)
				g.running[leader] = nil
			}
			g.mu.Unlock()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.stopped = false
	})
	return nil
}

// release has all groups go on after a pause that failed half-way; watchdogs that
// may still be about to do so are ended.
func (g *Groups) release() {
	for leader, w := range g.running {
		goOn(leader)
		if w != nil {
			w.close()
		}
		g.running[leader] = nil
	}
}

// Wait waits until no pause lasts.
func (g *Groups) Wait() { g.pauses.Wait() }
