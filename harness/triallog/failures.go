package triallog

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Suspect is a failure that nobody aimed at, and what a detector says of it.
type Suspect struct {
	Outcome harness.Outcome
	Events  []harness.Event
}

// Suspect keeps the first failing history of each test and suspected cause.
func (l *Log) Suspect(d *trial.Done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range d.Trial.Outcomes {
		events := d.Events[o.Test.Name]
		if evidence.Read(&o) != evidence.Failed || o.Failure == nil || len(events) == 0 || o.Suspect == nil {
			continue
		}
		known := func(s Suspect) bool { return s.Outcome.Test.Name == o.Test.Name && s.Outcome.Cause == o.Cause }
		if !slices.ContainsFunc(l.suspects, known) {
			l.suspects = append(l.suspects, Suspect{o, events})
		}
	}
}

// Suspects gives the failures that nobody aimed at, one of a kind.
func (l *Log) Suspects() []Suspect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.suspects)
}

// NaturalFailures gives the fingerprints of the failures of a test with nothing injected.
func NaturalFailures(trials []harness.Trial, test string) map[string]bool {
	out := map[string]bool{}
	for _, t := range trials {
		if !t.Arm.Natural() {
			continue
		}
		for i := range t.Outcomes {
			if o := &t.Outcomes[i]; o.Test.Name == test && o.Failure != nil && evidence.Read(o) == evidence.Failed {
				out[o.Failure.Fingerprint] = true
			}
		}
	}
	return out
}

// Doubts gives the trials that could not be done, why to doubt numbers, and how
// much two histories of one test have in common.
func (l *Log) Doubts() (infra []harness.InfraFailure, warnings []string, shared float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.shared {
		shared += s / float64(len(l.shared))
	}
	return l.infra, l.warnings, shared
}
