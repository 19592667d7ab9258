package gotest

import (
	"fmt"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// listener takes what one process says: its events on the standard output, and
// the marks that the suite sets itself.
type listener struct {
	own  *marks.Server // nil: the suite cannot mark its tests
	conv *ingest.Converter

	mu sync.Mutex
	c  ingest.Collector
	e  *ending // its culprit is written by watch
}

// listen begins to take what a process says. single is its only test, or "".
func (t *trial) listen(single string) *listener {
	bounds := &marks.Boundaries{Begin: t.x.Begin, End: t.x.End}
	sp := t.specs(bounds)
	l := &listener{}
	l.e = &ending{p: l.c.Package(t.job.p.Path), bounds: bounds, single: single, specs: sp}
	var known names
	own, err := marks.ListenEvents(t.x.Dir, func(e marks.Event) {
		if e.Event == "calls" {
			if t.x.Called != nil {
				t.x.Called(e.Callers(t.r.place))
			}
			return
		}
		switch test := known.of(e.ID); {
		case sp != nil && (e.Titles != nil || e.ID == ""):
			sp.take(e)
		case single != "": // all is its own
		case e.Event == "begin":
			bounds.Began(t.full(test), true)
		case e.Event == "end":
			bounds.Ended(t.full(test), true)
		}
	})
	if err != nil {
		t.r.log.Debug("the suite cannot mark its tests itself", "error", err)
	} else {
		l.own = own
	}
	l.conv = &ingest.Converter{Package: t.job.p.Path, Event: func(ev ingest.GoEvent) {
		ev.Test = known.of(ev.Test)
		l.mu.Lock()
		l.c.Add(ev)
		l.mu.Unlock()
		if single == "" {
			t.mark(bounds, ev)
		}
	}}
	return l
}

func (l *listener) close() {
	if l.own != nil {
		_ = l.own.Close()
	}
}

// watch stops the process once a test has run for longer than deadline, unless
// that is 0. The function that it returns ends the watch.
func (l *listener) watch(deadline time.Duration, stop func(error)) (end func()) {
	if deadline <= 0 {
		return func() {}
	}
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(min(deadline/10+time.Millisecond, 100*time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				l.mu.Lock()
				name, ran := l.e.p.RunningFor(now)
				late := name != "" && ran > deadline && l.e.culprit == ""
				if late {
					l.e.culprit = name
				}
				l.mu.Unlock()
				if late {
					stop(fmt.Errorf("%s ran longer than %s", name, deadline))
				}
			}
		}
	})
	return func() {
		close(done)
		watch.Wait()
	}
}
