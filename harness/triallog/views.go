package triallog

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// Trials gives the trials so far of which more is asked than sums: those that were
// aimed, those of a test alone, and those in which not all passed.
func (l *Log) Trials() []harness.Trial {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.trials)
}

// Tests gives the tests that are known so far.
func (l *Log) Tests() []harness.TestID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.tests)
}

// Admits reports whether the test is one of those that are hunted.
func (l *Log) Admits(test string) bool { return l.admit == nil || l.admit(test) }

// Leaves gives the tests that have no subtests: those that can be aimed at.
func (l *Log) Leaves() []harness.TestID {
	all := l.Tests()
	parent := func(t harness.TestID) bool {
		return slices.ContainsFunc(all, func(o harness.TestID) bool { return strings.HasPrefix(o.Name, t.Name+"/") })
	}
	return slices.DeleteFunc(slices.Clone(all), parent)
}

// Histories gives the kept ones of a test.
func (l *Log) Histories(test string) Histories {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept := l.histories[test]; kept != nil {
		return *kept
	}
	return Histories{}
}

// Traces gives the passing histories of a test from which failures are predicted.
func (l *Log) Traces(test string) []*detect.Trace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.traces[test]
}

// Runs gives the histories of the first trials' tests that passed, in the order in
// which they began, also where time stamps alone tell which frames are whose.
func (l *Log) Runs() [][]*detect.Trace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.runs)
}

// Undecided gives the tests of a suite that want further trials; those of all
// suites if it has no name, which is how a foreign one is called before it has run.
func (l *Log) Undecided(suite string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, t := range l.tests {
		if (suite == "" || t.Suite == suite) && (l.decide == nil || !l.decide.decided(t.Name)) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Done reports whether a numbered trial of the suite is in the log.
func (l *Log) Done(suite string, index int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.done[suite][index]
	return ok
}

// AloneSuite marks the trials of a test by itself.
const AloneSuite = harness.AloneSuite

// Tally counts the executions of one test without injection.
type Tally struct{ Suite, Alone harness.Count }

// Tallies counts those of all tests, by name.
func Tallies(trials iter.Seq[harness.Trial]) map[string]Tally {
	seen := map[string]Tally{}
	for t := range trials {
		if !t.Arm.Natural() {
			continue
		}
		for _, o := range t.Outcomes {
			s := seen[o.Test.Name]
			c := &s.Suite
			if strings.HasSuffix(t.Suite, AloneSuite) {
				c = &s.Alone
			}
			c.N++
			if o.Verdict == harness.Failed {
				c.K++
			}
			seen[o.Test.Name] = s
		}
	}
	return seen
}

// LongestAlone is the longest that a test took by itself; 0: it never ran so.
func LongestAlone(trials []harness.Trial, test string) time.Duration {
	longest := time.Duration(0)
	for _, t := range trials {
		if t.Arm.Natural() && strings.HasSuffix(t.Suite, AloneSuite) && len(t.Outcomes) == 1 && t.Outcomes[0].Test.Name == test {
			longest = max(longest, time.Duration(t.Duration))
		}
	}
	return longest
}

// SuiteWarnings says which tests fail alone but never in their suite, or only
// there, and whether the suite never spoke to Redis through the proxy.
func SuiteWarnings(trials iter.Seq[harness.Trial], tests []harness.TestID) (warnings []string) {
	seen := Tallies(trials)
	for _, id := range tests {
		s := seen[id.Name]
		switch {
		case s.Alone.N == 0 || s.Suite.N < 2:
		case s.Alone.K == s.Alone.N && s.Suite.K == 0:
			warnings = append(warnings, id.Name+" fails when it runs alone and not in its suite: it needs something that an earlier test does (a warm connection pool, a cached script, a key)")
		case s.Suite.K == s.Suite.N && s.Alone.K == 0:
			warnings = append(warnings, id.Name+" fails in its suite and not alone: another test's keys, channels or connections may reach it")
		}
	}
	through, seenAny := false, false
	for t := range trials {
		through = through || t.Arm != harness.Direct
		seenAny = seenAny || t.Arm != harness.Direct && t.Points > 0
	}
	if through && !seenAny {
		warnings = append(warnings, "no command was seen on the wire: the suite does not use REDIS_URL, REDIS_ADDR, REDIS_HOST or REDIS_PORT; if its address is hard-coded, try --takeover localhost:6379, or name its variable with --env; 'flakehunt doctor -- COMMAND' finds out which")
	}
	return warnings
}
