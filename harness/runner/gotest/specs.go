package gotest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// specs makes what collects the specs of one process; nil where there are none.
func (t *trial) specs(b *marks.Boundaries) *specs {
	if g := t.job.p.Ginkgo; g != nil && g.Test != "" {
		return &specs{t: t, g: g, bounds: b}
	}
	return nil
}

// specs collects what the specs of one process say.
type specs struct {
	t      *trial
	g      *ginkgoSuite
	bounds *marks.Boundaries

	mu     sync.Mutex
	spoke  bool
	taken  map[string]int
	open   *harness.Outcome // the spec under way
	out    []harness.Outcome
	tries  []marks.Event // attempts of the spec under way that failed
	faults []marks.Event // of BeforeSuite and the like
}

// name gives the spec's name: those with the same text are numbered as the
// testing package numbers subtests.
func (s *specs) name(text string) string {
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	k := s.taken[text]
	s.taken[text]++
	if k > 0 {
		text += fmt.Sprintf("#%02d", k)
	}
	return s.g.Test + "/" + text
}

// take takes one event of the suite; it is called before the suite goes on.
func (s *specs) take(e marks.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Event == "gone" {
		return
	}
	s.spoke = true
	switch e.Event {
	case "begin":
		id := s.t.r.id(s.t.job.p, s.name(e.ID))
		id.Line, id.Classname, id.Title = e.Line, s.g.class, e.Name
		id.File = s.t.r.place(e.File)
		s.open, s.tries = &harness.Outcome{Test: id, Start: time.Now()}, nil
		s.bounds.Began(id.Name, true)
	case "attempt":
		s.tries = append(s.tries, e)
	case "end":
		if s.open == nil {
			return
		}
		o := s.open
		s.open = nil
		s.bounds.Ended(o.Test.Name, true)
		o.Duration = harness.Duration(time.Since(o.Start))
		switch e.Verdict {
		case "pass":
			o.Verdict = harness.Passed
			if n := len(s.tries); n > 0 {
				o.Warnings = append(o.Warnings, fmt.Sprintf("passed at attempt %d: Ginkgo ran it again after it failed: %s", n+1, s.tries[n-1].Message))
			}
		case "fail":
			o.Verdict, o.Failure = harness.Failed, failureOf(e)
		default:
			o.Verdict = harness.Skipped
		}
		s.out = append(s.out, *o)
	case "error":
		s.faults = append(s.faults, e)
	case "log":
		s.g.mu.Lock()
		s.g.title = e.Suite
		s.g.mu.Unlock()
	}
}

func failureOf(e marks.Event) *harness.Failure {
	message := e.Message
	if e.Hook != "" {
		message = e.Hook + ": " + message
	}
	return ingest.NewFailure(e.FailureKind(), message, e.Stack)
}

// outcomes gives those of the specs, and puts right that of the Go test that
// ran them, which failed with them. A spec under way when the process ended took
// it along.
func (s *specs) outcomes(of []harness.Outcome, e *ending) []harness.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.spoke {
		return of
	}
	run := s.t.full(s.g.Test)
	own := s.out
	i := slices.IndexFunc(of, func(o harness.Outcome) bool { return o.Test.Name == run })
	if s.open != nil {
		o := *s.open
		o.Verdict, o.Duration = harness.Failed, harness.Duration(time.Since(o.Start))
		o.Failure = ingest.NewFailure(harness.ExitFailure, "the process ended under it ("+e.Result.String()+")", "")
		if i >= 0 && of[i].Failure != nil {
			o.Failure, o.Output = of[i].Failure, of[i].Output
		}
		own = append(own, o)
	}
	own = append(own, s.unheard(own)...)
	if i < 0 {
		return append(of, own...)
	}
	parent := &of[i]
	failed := slices.ContainsFunc(own, func(o harness.Outcome) bool { return o.Failure != nil })
	switch {
	case parent.Verdict != harness.Failed:
	case len(s.faults) > 0:
		parent.Failure = failureOf(s.faults[0])
	case failed:
		parent.Verdict, parent.Failure = harness.Passed, nil
		parent.Warnings = append(parent.Warnings, "failed only through its specs")
	}
	return append(of, own...)
}

// unheard is the outcome of the spec that was asked for and that BeforeSuite
// kept from running.
func (s *specs) unheard(own []harness.Outcome) []harness.Outcome {
	name := s.t.single()
	if _, spec := s.t.job.p.spec(name); !spec || len(s.faults) == 0 || len(own) > 0 {
		return nil
	}
	return []harness.Outcome{{Test: s.t.r.id(s.t.job.p, name), Verdict: harness.Failed, Failure: failureOf(s.faults[0])}}
}
