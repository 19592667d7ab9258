package propose

import (
	"fmt"
	"sync"

	"github.com/flakehunt/flakehunt/harness/effects"
)

// Scripts is what MONITOR has told of scripts and functions.
type Scripts struct {
	mu    sync.Mutex
	known *effects.Knowledge
	runs  int // trials that MONITOR was read of
}

// Learn takes what Redis ran in a trial.
func (s *Scripts) Learn(lines []string) {
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
func (s *Scripts) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == 0 {
		return ""
	}
	return fmt.Sprintf("MONITOR showed what scripts touch in %d further runs of single tests", s.runs)
}

// Snapshot gives what is known, to be read only.
func (s *Scripts) Snapshot() *effects.Knowledge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Clone()
}
