package suite

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// collector turns the events of one run into outcomes. Its events come one at
// a time; the rest is called when they have ended.
type collector struct {
	bounds *marks.Boundaries
	alone  string // the only test that was asked for, which has all frames
	place  func(file string) string
	called func([]harness.Caller) // may be nil

	mu      sync.Mutex
	hello   marks.Event
	spoke   bool
	tests   map[string]*test
	order   []*test
	faults  []marks.Event // of hooks and files
	lastEnd *test
	workers map[int]*worker // by connection
}

// worker is a process or thread of the runner's that speaks.
type worker struct {
	first, gone time.Time // it began to speak, and ended; zero: it has not
	tests       bool      // it has run some
}

// test is what is known of one.
type test struct {
	id         harness.TestID
	titles     []string
	from       int // the worker that ran it last
	start, end time.Time
	begun      bool
	open       bool
	concurrent bool
	final      *marks.Event
	attempts   []marks.Event
}

func (c *collector) take(e marks.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.worker(e)
	if e.Event == "gone" {
		return
	}
	c.spoke = true
	switch e.Event {
	case "hello":
		if c.hello.Version == "" {
			c.hello = e
		}
	case "begin":
		t := c.of(e)
		t.start, t.begun, t.open, t.from, w.tests = e.Arrived, true, true, e.From, true
		t.concurrent = t.concurrent || e.Concurrent
		if c.alone == "" {
			c.bounds.Began(e.ID, true)
		}
	case "attempt":
		t := c.of(e)
		t.attempts = append(t.attempts, e)
		c.close(t, e)
	case "end":
		t := c.of(e)
		c.close(t, e)
		t.final = &e
		if e.Name != "" { // RSpec names an example without a text as it runs
			t.id.Title = e.Name
		}
		if t.begun {
			c.lastEnd = t
		}
	case "error":
		c.faults = append(c.faults, e)
	case "calls":
		if c.called != nil {
			c.called(e.Callers(c.place))
		}
	}
}

// worker notes when who says something speaks.
func (c *collector) worker(e marks.Event) *worker {
	w := c.workers[e.From]
	if w == nil {
		if c.workers == nil {
			c.workers = map[int]*worker{}
		}
		w = &worker{first: e.Arrived}
		c.workers[e.From] = w
	}
	if e.Event == "gone" {
		w.gone = e.Arrived
	}
	return w
}

// beside reports whether another worker ran while the test did: also one that was
// between two tests, in its hooks, may have sent what is taken for the test's.
func (c *collector) beside(t *test) bool {
	for from, w := range c.workers {
		if from != t.from && w.tests && (t.open || w.first.Before(t.end)) && (w.gone.IsZero() || w.gone.After(t.start)) {
			return true
		}
	}
	return false
}

// heard reports whether the plugin has said anything.
func (c *collector) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spoke
}

func (c *collector) close(t *test, e marks.Event) {
	if c.alone == "" && t.open {
		c.bounds.Ended(e.ID, true)
	}
	t.end, t.open = e.Arrived, false
}

// of finds or makes the test that an event is about.
func (c *collector) of(e marks.Event) *test {
	if c.tests == nil {
		c.tests = map[string]*test{}
	}
	t := c.tests[e.ID]
	if t == nil {
		file := c.place(e.File)
		t = &test{titles: e.Titles, id: harness.TestID{
			Name: e.ID, Suite: e.Suite, File: file, Line: e.Line, Classname: e.Classname, Title: e.Name,
		}}
		if t.id.Suite == "" {
			t.id.Suite = file
		}
		c.tests[e.ID] = t
		c.order = append(c.order, t)
	}
	return t
}

// ended says how the process came to its end, for the tests that it took along.
type ended struct {
	why     string // empty: orderly
	kind    harness.FailureKind
	at      time.Time
	printed string
}

// outcomes are what the tests did, in the order in which they began.
func (c *collector) outcomes(end ended) []harness.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blame()
	var out []harness.Outcome
	for _, t := range c.order {
		if o, ok := c.outcome(t, end); ok {
			out = append(out, o)
		}
	}
	for _, f := range c.faults {
		if o, ok := c.file(f, end); ok {
			i := slices.IndexFunc(out, func(have harness.Outcome) bool { return have.Test.Name == o.Test.Name })
			if i < 0 {
				out = append(out, o)
			}
		}
	}
	return out
}

func (c *collector) outcome(t *test, end ended) (harness.Outcome, bool) {
	o := harness.Outcome{Test: t.id, Start: t.start, Boundary: c.boundary(t)}
	if t.begun {
		o.Duration = harness.Duration(max(0, t.end.Sub(t.start)))
	}
	last := t.final
	if last == nil && len(t.attempts) > 0 && !t.open {
		last = &t.attempts[len(t.attempts)-1]
		last.Verdict = "fail"
	}
	if last == nil { // the process ended under it
		o.Duration = harness.Duration(max(0, end.at.Sub(t.start)))
		o.Verdict = harness.Failed
		why, kind := end.why, end.kind
		if why == "" {
			why, kind = "the runner ended before the test did", harness.ExitFailure
		}
		o.Failure = ingest.NewFailure(kind, why, end.printed)
		o.Output = end.printed
		return o, true
	}
	if l := last.Limit; l != nil && l.Of > 0 {
		o.Limit = &harness.Limit{Of: millis(l.Of), Took: millis(l.Took)}
	}
	switch last.Verdict {
	case "pass":
		o.Verdict = harness.Passed
	case "fail":
		o.Verdict = harness.Failed
		o.Failure = failureOf(*last)
	case "skip", "todo":
		o.Verdict = harness.Skipped
	default: // container
		return o, false
	}
	if o.Verdict == harness.Passed && len(t.attempts) > 0 {
		o.Warnings = append(o.Warnings, fmt.Sprintf("passed at attempt %d: the runner ran it again after it failed: %s",
			len(t.attempts)+1, phrase.FirstLine(plain(t.attempts[len(t.attempts)-1].Message))))
	}
	return o, true
}

// millis is a duration of a plugin, in ms. One of more than a day is no limit.
func millis(ms float64) harness.Duration {
	const day = 24 * 3600 * 1000
	return harness.Duration(min(max(ms, 0), day) * float64(time.Millisecond))
}

// boundary says how the test's frames are known.
func (c *collector) boundary(t *test) harness.Boundary {
	switch {
	case c.alone != "" && c.alone == t.id.Name:
		return harness.BoundaryAlone
	case !t.begun:
		return harness.BoundaryUnknown
	case t.concurrent || c.beside(t):
		return harness.BoundaryOverlapping
	}
	if b := c.bounds.Of(t.id.Name); b != harness.BoundaryUnknown {
		return b
	}
	return harness.BoundaryOverlapping
}

// blame gives the faults of hooks to the tests that they belong to: those that
// it kept from ending, else the last that ran below it.
func (c *collector) blame() {
	var left []marks.Event
	for _, f := range c.faults {
		var last *test
		file := c.place(f.File)
		for _, t := range c.order {
			if (f.File == "" || t.id.File == file) && below(t.titles, f.Titles) && t.begun && t.final != nil && (last == nil || t.end.After(last.end)) {
				last = t
			}
		}
		if last == nil {
			left = append(left, f)
			continue
		}
		if last.final.Verdict == "fail" {
			continue // it has failed already
		}
		final := f
		final.Verdict = "fail"
		last.final = &final
	}
	c.faults = left
}

func below(titles, above []string) bool {
	return len(titles) >= len(above) && slices.Equal(titles[:len(above)], above)
}

// file is the outcome of a file that could not be loaded.
func (c *collector) file(f marks.Event, end ended) (harness.Outcome, bool) {
	if f.File == "" {
		return harness.Outcome{}, false
	}
	file := c.place(f.File)
	o := harness.Outcome{
		Test:    harness.TestID{Name: file, Suite: file, File: file, Title: file, Classname: file},
		Verdict: harness.Failed, Failure: failureOf(f), Start: f.Arrived, Output: end.printed,
	}
	if c.alone == file {
		o.Boundary = harness.BoundaryAlone
	}
	return o, true
}

// failureOf makes a failure of what a plugin says.
func failureOf(e marks.Event) *harness.Failure {
	message := plain(e.Message)
	if message == "" {
		message = "it failed without a message"
	}
	kind := ingest.KindOf(message, "", e.FailureKind())
	if e.Hook != "" && !strings.Contains(message, e.Hook) {
		message = e.Hook + ": " + message
	}
	return ingest.NewFailure(kind, message, ansi.ReplaceAllString(e.Stack, ""))
}
