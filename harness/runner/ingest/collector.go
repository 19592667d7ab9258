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
	began   bool // the stream has the event of its begin
	ended   bool
	paused  bool
	start   time.Time
	since   time.Time // when it last began or went on
	ran     time.Duration
	out     capture.Buffer
	seq     int      // order of ending
	unknown []string // actions that this version does not know
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
	if e.Package == "" && e.Test == "" {
		if c.packages == nil || c.packages[0].Path != "" || e.Action == "output" {
			return // a compiler's words, a script's echo
		}
	}
	p := c.Package(e.Package) // without a name in a stream of test2json without -p
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
	ends, known := endings[e.Action]
	t := p.current[e.Test]
	switch {
	case t == nil, e.Action == "run" && t.ended, known && t.ended && !t.began && ends != "":
		t = &goTest{name: e.Test, start: e.Time, since: e.Time, began: e.Action == "run"}
		p.tests = append(p.tests, t)
		p.current[e.Test] = t
	}
	switch {
	case !known:
		if !slices.Contains(t.unknown, e.Action) && len(t.unknown) < 5 {
			t.unknown = append(t.unknown, e.Action)
		}
	case ends != "":
		p.end(t, e, ends)
	case e.Action == "pause":
		t.paused = true
		t.ran += e.Time.Sub(t.since)
	case e.Action == "cont":
		t.paused = false
		t.since = e.Time
	case e.Action == "output":
		if t.ended && strings.HasPrefix(e.Output, "panic: ") {
			// A panic fails the test and all its parents, innermost first,
			// before its text is printed: the text belongs to the innermost.
			p.redirect = p.lastFailedBelow(t)
		}
		if p.redirect != nil && t.ended {
			t = p.redirect
		}
		_, _ = t.out.WriteString(e.Output)
	}
}

// endings holds the actions that are known, each with the verdict of the test
// that it ends.
var endings = map[string]harness.Verdict{
	"pass": harness.Passed, "bench": harness.Passed, "fail": harness.Failed, "skip": harness.Skipped,
	"run": "", "pause": "", "cont": "", "output": "", "start": "", "attr": "", "artifacts": "",
}

func (p *GoPackage) end(t *goTest, e GoEvent, v harness.Verdict) {
	if t.ended {
		return
	}
	t.ended, t.verdict = true, v
	p.endings++
	t.seq = p.endings
	if t.began && !t.since.IsZero() && !e.Time.IsZero() {
		if !t.paused {
			t.ran += e.Time.Sub(t.since)
		}
		return
	}
	if e.Elapsed > 0 && e.Elapsed < longest { // all that is known of its time
		t.ran = time.Duration(e.Elapsed * float64(time.Second))
	}
	if !t.began && !t.start.IsZero() {
		t.start = e.Time.Add(-t.ran)
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
		if !t.ended && !t.paused && !p.parentEnded(t) && !p.anyBelow(t, func(s *goTest) bool { return !s.ended }) {
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

// parentEnded reports whether a test around t ended: then t did too, and the
// stream has lost its end.
func (p *GoPackage) parentEnded(t *goTest) bool {
	for i := strings.LastIndexByte(t.name, '/'); i > 0; i = strings.LastIndexByte(t.name[:i], '/') {
		if parent := p.current[t.name[:i]]; parent != nil && parent.ended {
			return true
		}
	}
	return false
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
