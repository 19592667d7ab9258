package runner

import (
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

var testifySection = regexp.MustCompile(`^\s*\t([A-Z][A-Za-z ]+):\s*\t?(.*)$`)

// Message takes apart what an assertion printed: testify's block of sections
// ("Error Trace", "Error", "Messages") becomes one message and the trace;
// anything else is the message as it is.
func Message(text string) (message, trace string) {
	if !strings.Contains(text, "Error Trace:") && !strings.Contains(text, "Error:") {
		return strings.TrimSpace(text), ""
	}
	sections := map[string][]string{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := testifySection.FindStringSubmatch(line); m != nil {
			name = m[1]
			line = m[2]
		}
		if name != "" {
			sections[name] = append(sections[name], strings.TrimRight(strings.TrimPrefix(line, "\t            \t"), " \t"))
		}
	}
	join := func(name string) string { return strings.TrimSpace(strings.Join(sections[name], "\n")) }
	message = join("Error")
	if more := join("Messages"); more != "" {
		if message != "" {
			message = more + ": " + message
		} else {
			message = more
		}
	}
	if message == "" {
		message = strings.TrimSpace(text)
	}
	var frames []string
	for _, l := range sections["Error Trace"] {
		if l = strings.TrimSpace(l); l != "" {
			frames = append(frames, l)
		}
	}
	return message, strings.Join(frames, "\n")
}

// KindOf guesses how a failure showed from what it printed.
func KindOf(message string) harness.FailureKind {
	switch {
	case strings.Contains(message, "DATA RACE"):
		return harness.DataRace
	case strings.HasPrefix(message, "panic:"):
		return harness.PanicFailure
	case strings.Contains(message, "test timed out"):
		return harness.TimeoutFailure
	}
	return harness.AssertionFailure
}
