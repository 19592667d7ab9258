package ingest

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
)

// Collector turns the events of Go test processes into outcomes. Add is not
// safe for concurrent use. The zero value is ready.
type Collector struct {
	packages []*GoPackage
	builds   map[string]*capture.Buffer
}

// GoPackage is what is known of one run of one package's tests.
type GoPackage struct {
	Path    string
	Verdict harness.Verdict // of the whole, as go test says it; Unknown when the stream has no word on it
	Build   string          // the compiler's words, when the build failed
	Ended   bool            // the testing package wrote its last line: PASS or FAIL
	NoTests bool            // nothing to run

	output   capture.Buffer // outside any test
	tests    []*goTest
	current  map[string]*goTest // the latest execution of each
	endings  int
	redirect *goTest // takes the text of a panic
}

type goTest struct {
	name    string
	verdict harness.Verdict
	ended   bool
	paused  bool
	start   time.Time
	since   time.Time // when it last began or went on
	ran     time.Duration
	out     capture.Buffer
	seq     int // order of ending
}

// Add takes the next event.
func (c *Collector) Add(e GoEvent) {
	switch e.Action {
	case "build-output":
		if c.builds == nil {
			c.builds = map[string]*capture.Buffer{}
		}
		if c.builds[e.ImportPath] == nil {
			c.builds[e.ImportPath] = &capture.Buffer{}
		}
		_, _ = c.builds[e.ImportPath].WriteString(e.Output)
		return
	case "build-fail":
		return
	}
	if e.Package == "" {
		return
	}
	p := c.Package(e.Package)
	if e.Test == "" {
		p.whole(e)
		if e.FailedBuild != "" && c.builds[e.FailedBuild] != nil {
			p.Build = c.builds[e.FailedBuild].String()
		}
		return
	}
	p.test(e)
}

// Package returns the record of a package, made when there is none.
func (c *Collector) Package(path string) *GoPackage {
	for _, p := range c.packages {
		if p.Path == path {
			return p
		}
	}
	p := &GoPackage{Path: path, current: map[string]*goTest{}}
	c.packages = append(c.packages, p)
	return p
}

// Packages lists all packages in the order of their first event.
func (c *Collector) Packages() []*GoPackage { return c.packages }

func (p *GoPackage) whole(e GoEvent) {
	switch e.Action {
	case "output":
		_, _ = p.output.WriteString(e.Output)
		switch {
		case e.Output == "PASS\n" || e.Output == "FAIL\n":
			p.Ended = true
		case strings.Contains(e.Output, "no tests to run") || strings.Contains(e.Output, "[no test files]"):
			p.NoTests = true
		case strings.Contains(e.Output, "[build failed]") || strings.Contains(e.Output, "[setup failed]"):
			if p.Build == "" {
				p.Build = e.Output
			}
		}
	case "pass":
		p.Verdict, p.Ended = harness.Passed, true
	case "skip":
		p.Verdict = harness.Skipped
	case "fail":
		p.Verdict = harness.Failed
	}
}

func (p *GoPackage) test(e GoEvent) {
	t := p.current[e.Test]
	if t == nil || e.Action == "run" && t.ended {
		t = &goTest{name: e.Test, start: e.Time, since: e.Time}
		p.tests = append(p.tests, t)
		p.current[e.Test] = t
	}
	switch e.Action {
	case "pause":
		t.paused = true
		t.ran += e.Time.Sub(t.since)
	case "cont":
		t.paused = false
		t.since = e.Time
	case "output":
		if t.ended && strings.HasPrefix(e.Output, "panic: ") {
			// A panic fails the test and all its parents, innermost first,
			// before its text is printed: the text belongs to the innermost.
			p.redirect = p.lastFailedBelow(t)
		}
		if p.redirect != nil && t.ended {
			t = p.redirect
		}
		_, _ = t.out.WriteString(e.Output)
	case "pass", "fail", "skip", "bench":
		if t.ended {
			return
		}
		t.ended = true
		p.endings++
		t.seq = p.endings
		if !t.paused {
			t.ran += e.Time.Sub(t.since)
		}
		t.verdict = map[string]harness.Verdict{"pass": harness.Passed, "bench": harness.Passed, "fail": harness.Failed, "skip": harness.Skipped}[e.Action]
	}
}

// lastFailedBelow follows t down to the innermost subtest whose failure came
// directly before that of its parent; nil when there is none.
func (p *GoPackage) lastFailedBelow(t *goTest) *goTest {
	inner := t
	for found := true; found; {
		found = false
		for _, s := range p.tests {
			if s.verdict == harness.Failed && s.seq == inner.seq-1 && strings.HasPrefix(s.name, inner.name+"/") {
				inner, found = s, true
			}
		}
	}
	if inner == t {
		return nil
	}
	return inner
}

// Running names the innermost tests that had begun and neither ended nor waited
// for their turn: when the process is gone, one of them ended it.
func (p *GoPackage) Running() []string {
	var names []string
	for _, t := range p.tests {
		if !t.ended && !t.paused && !p.anyBelow(t, func(s *goTest) bool { return !s.ended }) {
			names = append(names, t.name)
		}
	}
	return names
}

// RunningFor is how long the test that has been running longest has done so,
// waits for its turn apart.
func (p *GoPackage) RunningFor(now time.Time) (name string, d time.Duration) {
	for _, n := range p.Running() {
		t := p.current[n]
		if ran := t.ran + now.Sub(t.since); ran > d {
			name, d = n, ran
		}
	}
	return name, d
}

// Done names the tests that ended.
func (p *GoPackage) Done() []string {
	var names []string
	for _, t := range p.tests {
		if t.ended && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}

func (p *GoPackage) anyBelow(t *goTest, is func(*goTest) bool) bool {
	return slices.ContainsFunc(p.tests, func(s *goTest) bool {
		return strings.HasPrefix(s.name, t.name+"/") && is(s)
	})
}

// Output is what was printed outside tests, cut.
func (p *GoPackage) Output() string { return p.output.String() }

// OutputOf is what the test has printed so far, cut.
func (p *GoPackage) OutputOf(test string) string {
	if t := p.current[test]; t != nil {
		return t.out.String()
	}
	return ""
}

// Started is when the test last began; zero when it never did.
func (p *GoPackage) Started(test string) time.Time {
	if t := p.current[test]; t != nil {
		return t.start
	}
	return time.Time{}
}

// Outcomes gives one outcome for each ended execution of a test, in order of
// beginning. A parent that failed through its subtests alone counts as passed,
// with a warning, so that one failure is told once.
func (p *GoPackage) Outcomes() []harness.Outcome {
	var out []harness.Outcome
	for _, t := range p.tests {
		if !t.ended {
			continue
		}
		o := harness.Outcome{
			Test:     harness.TestID{Name: p.Path + "." + t.name, Suite: p.Path},
			Verdict:  t.verdict,
			Start:    t.start,
			Duration: harness.Duration(max(t.ran, 0)),
			Output:   t.out.String(),
		}
		if t.verdict == harness.Failed {
			message := goMessage(o.Output)
			failedBelow := p.anyBelow(t, func(s *goTest) bool { return s.verdict == harness.Failed || !s.ended })
			if message == "" && failedBelow {
				o.Verdict = harness.Passed
				o.Warnings = append(o.Warnings, "failed only through its subtests")
			} else {
				o.Failure = GoFailure(o.Output, harness.AssertionFailure)
			}
		}
		out = append(out, o)
	}
	return out
}
