package ingest

import (
	"regexp"
	"strings"
)

// longestAssertion is how many lines of an assertion are looked at.
const longestAssertion = 400

var (
	ginkgoWords = regexp.MustCompile(`^\s*\[(FAILED|PANICKED|TIMEDOUT|INTERRUPTED|ABORTED)\] ([^\[].*)$`)
	ginkgoEnd   = regexp.MustCompile(`^\s*(In \[.*\] at: |-{20,}|There were additional failures)`)
	pytestWords = regexp.MustCompile(`^E {2,}(\S.*)$`)
	matcherCall = regexp.MustCompile(`^\s*(?:Error: )?(expect\(.*\)\.\w.*)$`)
	thrown      = regexp.MustCompile(`^\s*(?:cause: |Uncaught |\[)*((?:[A-Za-z_$][\w$]*\.)*[A-Z]\w*(?:Error|Exception|Failure)|Error|panic)(?: \[\w+\])?: \S.*$`)
	rspecWords  = regexp.MustCompile(`^\s*Failure/Error: `)
	// frame is a line of a stack trace: of Node, .NET and Java; of RSpec; of Ginkgo.
	frame     = regexp.MustCompile(`^\s*(?:at .*(?:[:(]|<anonymous>|\bin )|at new |# \S+:\d+|In \[.*\] at: |File ".*", line \d+|\.{3} \d+ (?:more|lines matching cause))`)
	codeFrame = regexp.MustCompile(`^\s*>?\s*\d* ?\|`)
	source    = regexp.MustCompile(`^[\w@./\\-]+\.\w{1,5}:\d+(?::\d+)?(?::|\b)`)
)

// Assertion finds the words of the first failed assertion, or of the exception
// that was thrown, in what a runner printed: Ginkgo, pytest, jest, vitest,
// mocha, node, RSpec, Python's and Go's own. It is empty when there is none.
func Assertion(printed string) string {
	lines := strings.Split(ansi.ReplaceAllString(printed, ""), "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		rest := lines[i:min(i+longestAssertion, len(lines))]
		switch {
		case ginkgoWords.MatchString(l):
			return ginkgo(rest)
		case pytestWords.MatchString(l):
			return until(rest, func(l string) bool { return !strings.HasPrefix(l, "E ") && strings.TrimSpace(l) != "E" },
				func(l string) string { return strings.TrimPrefix(strings.TrimPrefix(l, "E"), "   ") })
		case matcherCall.MatchString(l):
			return untilFrame(rest)
		case rspecWords.MatchString(l):
			return untilFrame(append([]string{rspecWords.ReplaceAllString(l, "")}, rest[1:]...))
		case thrown.MatchString(l) && !strings.Contains(l, "ERR_TEST_FAILURE") && !strings.HasPrefix(strings.TrimSpace(l), "panic: "):
			return untilFrame(rest)
		}
	}
	if strings.Contains(printed, "--- FAIL: ") || strings.Contains(printed, "panic: ") {
		return goMessage(printed)
	}
	return ""
}

// until joins lines up to the first that is the end.
func until(lines []string, end func(string) bool, clean func(string) string) string {
	var out []string
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\r")
		if end(l) {
			break
		}
		out = append(out, clean(l))
	}
	return strings.TrimSpace(dedent(strings.Join(out, "\n")))
}

// untilFrame joins lines up to a stack trace or a code frame; without one, up to
// a blank line.
func untilFrame(lines []string) string {
	ends := func(l string) bool { return frame.MatchString(l) || codeFrame.MatchString(l) }
	for _, l := range lines[1:] {
		if ends(l) {
			return strings.TrimLeft(until(lines, ends, func(l string) string { return l }), "[")
		}
	}
	return until(lines, func(l string) bool { return strings.TrimSpace(l) == "" }, func(l string) string { return l })
}

func ginkgo(lines []string) string {
	m := ginkgoWords.FindStringSubmatch(strings.TrimRight(lines[0], "\r"))
	if m[1] == "PANICKED" {
		for i, l := range lines {
			if ginkgoEnd.MatchString(l) {
				for _, l := range lines[i+1:] {
					if l = strings.TrimSpace(l); l != "" {
						return "panic: " + l
					}
				}
			}
		}
	}
	out := []string{m[2]}
	for _, l := range lines[1:] {
		if ginkgoEnd.MatchString(l) {
			break
		}
		out = append(out, strings.TrimRight(l, " \t\r"))
	}
	return strings.TrimSpace(dedent(strings.Join(out, "\n")))
}

// dedent takes away the indentation that all lines but the first have.
func dedent(s string) string {
	lines := strings.Split(s, "\n")
	least := -1
	for _, l := range lines[1:] {
		if t := strings.TrimLeft(l, " "); t != "" && (least < 0 || len(l)-len(t) < least) {
			least = len(l) - len(t)
		}
	}
	for i, l := range lines[1:] {
		if least > 0 && len(l) >= least {
			lines[i+1] = l[least:]
		}
	}
	return strings.Join(lines, "\n")
}

// framed reports whether a message says where a test failed and not why:
// "cart.spec.ts:7:3 keeps what was put in".
func framed(message string) bool {
	m := strings.TrimSpace(message)
	return !strings.Contains(m, "\n") && source.MatchString(m)
}
