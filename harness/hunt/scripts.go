package hunt

import (
	"fmt"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// scripts is what MONITOR has told of scripts and functions.
type scripts struct {
	mu    sync.Mutex
	known *effects.Knowledge
	runs  int // trials that MONITOR was read of
}

// learn takes what Redis ran in a trial.
func (s *scripts) learn(lines []string) {
	if len(lines) == 0 {
		return
	}
	calls := effects.FromMonitor(lines)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = effects.NewKnowledge()
	}
	s.known.Observe(calls)
	s.runs++
}

// String says in how many trials MONITOR was read.
func (s *scripts) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == 0 {
		return ""
	}
	return fmt.Sprintf("MONITOR showed what scripts touch in %d further runs of single tests", s.runs)
}

// snapshot gives what is known, to be read only.
func (s *scripts) snapshot() *effects.Knowledge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Clone()
}

// watchScripts runs a foreign test once more with MONITOR, if it calls scripts or
// functions, so that what they touch is known and not only what they declare.
func (h *hunt) watchScripts(a *aim) {
	for _, t := range h.log.Traces(a.test.Name) {
		for _, c := range t.Commands {
			if !c.Script() {
				continue
			}
			j := trial.Job{Suite: a.test.Suite + aloneSuite, Tests: []string{a.test.Name}, Arm: harness.Survey, Keep: true, Urgent: true, Monitor: true}
			h.progress.expect(1)
			if d := h.lab.unnumbered(a.ctx, j, a.test.Suite); d != nil {
				h.scripts.learn(d.Monitored)
			}
			return
		}
	}
}
