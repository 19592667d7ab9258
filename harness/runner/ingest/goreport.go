package ingest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// GoFailure describes a failure by what its test printed; def is its kind when
// the text shows nothing special.
func GoFailure(output string, def harness.FailureKind) *harness.Failure {
	message := goMessage(output)
	if message == "" {
		message = cmp.Or(lastLines(output, 3), "failed without a message")
	}
	return NewFailure(KindOf(output, "", def), message, output)
}

// PackageTest is the name under which a package's process as a whole appears:
// its build, its TestMain, its exit.
func PackageTest(path string) harness.TestID {
	return harness.TestID{Name: path + ".(package)", Suite: path, Classname: path, Title: "TestMain"} // gotestsum's word
}

// GoTest reads the output of go test -json: one outcome for each execution of a
// test, and one for each package that failed as a whole: its build, or an end
// that no single test is to blame for.
func GoTest(r io.Reader) ([]harness.Outcome, error) {
	var c Collector
	n := 0
	err := ReadGoEvents(r, func(e GoEvent) {
		if e.Package != "" || e.ImportPath != "" || e.Test != "" {
			n++
		}
		c.Add(e)
	})
	var out []harness.Outcome
	for _, p := range c.Packages() {
		out = append(out, p.Outcomes()...)
		ended := p.whatEnded()
		out = append(out, ended...)
		out = append(out, p.unended(ended)...)
	}
	if err == nil && n == 0 {
		err = fmt.Errorf("reading go test events: none found: want the output of go test -json")
	}
	return out, err
}

// whatEnded gives the outcomes of a package's failure that no ended test explains.
func (p *GoPackage) whatEnded() []harness.Outcome {
	o := harness.Outcome{Test: PackageTest(p.Path), Verdict: harness.Failed, Output: p.Output()}
	switch running := p.Running(); {
	case p.Build != "":
		o.Failure = NewFailure(harness.BuildFailure, p.Build, p.Build)
		o.Output = p.Build
	case p.Verdict != harness.Failed:
		return nil
	case len(running) == 1:
		name := running[0]
		o.Test = goID(p.Path, name)
		o.Start, o.Output = p.Started(name), p.OutputOf(name)
		o.Failure = EndedUnder(o.Output)
	case len(running) > 1:
		o.Failure = NewFailure(KindOf(p.Output(), "", harness.ExitFailure),
			"the process ended while several tests ran: "+strings.Join(running, ", "), p.Output())
	case slices.ContainsFunc(p.tests, func(t *goTest) bool { return t.verdict == harness.Failed }):
		return nil
	default:
		o.Failure = GoFailure(o.Output, harness.ExitFailure)
	}
	return []harness.Outcome{o}
}

// unended gives an outcome that says nothing for each test whose end the stream
// lacks, but for those that the package's own outcomes tell of.
func (p *GoPackage) unended(told []harness.Outcome) (out []harness.Outcome) {
	for _, t := range p.tests {
		if t.ended || slices.ContainsFunc(told, func(o harness.Outcome) bool {
			return o.Test.Title == t.name || strings.HasPrefix(o.Test.Title, t.name+"/")
		}) {
			continue
		}
		o := p.outcome(t)
		o.Verdict = harness.Unknown
		o.Warnings = append(o.Warnings, "the events do not say how it ended")
		out = append(out, o)
	}
	return out
}

// EndedUnder describes the failure of a test under which the process ended.
func EndedUnder(output string) *harness.Failure {
	kind := KindOf(output, "", harness.ExitFailure)
	message := goMessage(output)
	if kind == harness.ExitFailure {
		message = strings.TrimSpace("the process ended under the test (os.Exit, log.Fatal or a signal)\n" + lastLines(output, 3))
	}
	return NewFailure(kind, message, output)
}

// lastLines returns the last n lines that the testing package did not write.
func lastLines(s string, n int) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && !goNoise.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
