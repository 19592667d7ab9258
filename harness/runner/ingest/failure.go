package ingest

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

var ansi = regexp.MustCompile("[\x1b\uFFFD]\\[[0-9;?]*[A-Za-z]") // reporters often lose the escape itself

// NewFailure builds a Failure whose message is cut to a few lines and whose
// fingerprint is set.
func NewFailure(kind harness.FailureKind, message, stack string) *harness.Failure {
	message = shape(summary.Shorten(ansi.ReplaceAllString(message, "")))
	if len(message) > mostMessage {
		message = summary.TruncateQuoted(message, mostValue)
	}
	message = cmp.Or(firstLines(message, mostLines, mostMessage), "failed without a message")
	// The trace takes no part in the fingerprint: for many runners it is the
	// test's whole output.
	return &harness.Failure{Kind: kind, Message: message, Stack: stack, Fingerprint: summary.Fingerprint(message, kind, "")}
}

const (
	mostMessage = 1000 // bytes of a message
	mostValue   = 200  // bytes of a quoted value in a longer one
)

// firstLines returns at most n non-blank lines and about size bytes of s.
func firstLines(s string, n, size int) string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, " \t\r\n"); strings.TrimSpace(line) == "" {
			continue
		}
		if out = append(out, line); len(out) == n {
			break
		}
	}
	s = strings.Join(out, "\n")
	if len(s) > size {
		s = strings.ToValidUTF8(s[:size], "") + "…"
	}
	return s
}

var (
	raceText  = regexp.MustCompile(`WARNING: DATA RACE|race detected during execution of test`)
	panicText = regexp.MustCompile(`(?m)^\s*(panic: |fatal error: |thread '.*' panicked at )`)
	// timeoutText holds the words with which test runners announce that the
	// test's own deadline passed; "timed out waiting for a message" is an
	// assertion of the test and not among them.
	timeoutText = regexp.MustCompile(`(?i)^\s*(error: )?(` +
		`test timed out in \d|` + // vitest
		`hook timed out in \d|` +
		`(thrown: ")?exceeded timeout of \d|` + // jest
		`timeout of \d+ ?ms exceeded|` + // mocha
		`(failed: )?timeout \(?>|` + // pytest-timeout
		`test timed out after|` + // JUnit 4, Go
		`panic: test timed out after|` +
		`execution timed out after|` + // JUnit 5
		`test timeout of \d)`) // Playwright
	timeoutType = regexp.MustCompile(`(?i)timeout(exception|error)?$|timedout(exception)?$|test timeout`)
)

// KindOf tells what kind of failure a text shows; def when it shows nothing
// special. typ is the reporter's own word for it (an exception's class) and may
// be empty.
func KindOf(text, typ string, def harness.FailureKind) harness.FailureKind {
	switch {
	case raceText.MatchString(text):
		return harness.DataRace
	case timeoutText.MatchString(text), timeoutType.MatchString(typ), strings.Contains(text, "panic: test timed out after"):
		return harness.TimeoutFailure
	case panicText.MatchString(text):
		return harness.PanicFailure
	}
	return def
}
