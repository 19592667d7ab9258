package exec

import (
	"sync"

	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// marking is how the tests of one execution are marked on the wire.
type marking struct {
	begun  map[string]bool // tests that were begun; marks come one at a time
	bounds *marks.Boundaries
	own    *marks.Server // the suite marks its tests itself; nil: it cannot
	close  func()        // may be called twice
}

// mark begins to mark. more holds placeholders of the only test: a command that
// runs one test has sure boundaries.
func (r *Runner) mark(x runner.Exec, more words) *marking {
	m := &marking{begun: map[string]bool{}, close: func() {}}
	m.bounds = &marks.Boundaries{End: x.End, Begin: func(test string) {
		m.begun[test] = true
		if x.Begin != nil {
			x.Begin(test)
		}
	}}
	if more != nil || r.c.JUnit == "" {
		return m
	}
	if only := r.only(x.Tests); only != "" {
		m.bounds.Began(only, true) // nothing else is in it
		m.close = m.bounds.Close
		return m
	}
	own, err := marks.Listen(x.Dir, func(begin bool, test string) {
		if begin {
			m.bounds.Began(test, true)
		} else {
			m.bounds.Ended(test, true)
		}
	})
	if err != nil {
		r.log.Debug("the suite cannot mark its tests itself", "error", err)
		return m
	}
	m.own = own
	m.close = sync.OnceFunc(func() {
		_ = own.Close()
		m.bounds.Close()
	})
	return m
}
