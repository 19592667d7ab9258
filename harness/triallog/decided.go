package triallog

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// decisions runs one sequential test for each test of the target.
type decisions struct {
	rule   stats.Rule
	byTest map[string]*stats.Sequential
}

func newDecisions(rule stats.Rule) (*decisions, error) {
	if err := rule.Validate(); err != nil {
		return nil, err
	}
	return &decisions{rule: rule, byTest: map[string]*stats.Sequential{}}, nil
}

// observe counts an outcome that counts.
func (d *decisions) observe(o harness.Outcome) {
	if o.Verdict != harness.Passed && (o.Verdict != harness.Failed || len(o.Blocked) > 0) {
		return
	}
	s := d.byTest[o.Test.Name]
	if s == nil {
		var err error
		if s, err = stats.NewSequential(d.rule); err != nil {
			return // the rule was checked when d was made
		}
		d.byTest[o.Test.Name] = s
	}
	s.Observe(o.Verdict == harness.Failed)
}

// decided reports whether the test needs no further trial.
func (d *decisions) decided(test string) bool {
	s := d.byTest[test]
	return s != nil && s.Decision().Status != harness.Undecided
}

// of returns what was decided of a test.
func (d *decisions) of(test string) stats.Decision {
	s := d.byTest[test]
	if s == nil {
		return stats.Decision{Status: harness.Undecided}
	}
	return s.Decision()
}

// DecideBy ends a test's trials once the sequential test has decided.
func (l *Log) DecideBy(rule stats.Rule) (err error) {
	l.decide, err = newDecisions(rule)
	return err
}

// Decision is what was decided of a test; undecided, too, where nothing decides.
func (l *Log) Decision(test string) stats.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.decide == nil {
		return stats.Decision{Status: harness.Undecided}
	}
	return l.decide.of(test)
}
