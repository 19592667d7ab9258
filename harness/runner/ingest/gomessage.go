package ingest

import (
	"regexp"
	"slices"
	"strings"
)

var (
	goNoise   = regexp.MustCompile(`^\s*(=== (RUN|PAUSE|CONT|NAME|ATTR|ARTIFACTS)\b|--- (PASS|SKIP|FAIL|BENCH): |PASS\s*$|FAIL\s*$|FAIL\t|ok  \t|exit status \d)`)
	goLogLine = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)
	// goLogBehind is a log line behind what the test printed without ending the line.
	goLogBehind = regexp.MustCompile(`\S    [\w.-]+_test\.go:\d+: (.*)$`)
	// testifyField starts a part of a testify report: "Error:", "Test:", …
	testifyField = regexp.MustCompile(`^\s+(Error Trace|Error|Test|Messages):\s*(.*)$`)
	ginkgoSays   = regexp.MustCompile(`\[(FAILED|PANICKED)\] `)
	gomegaSays   = regexp.MustCompile(`^\s*(Expected|Unexpected error:|Timed out after [\d.]+s\.)\n`)
)

// goMessage finds the words of a failure in what a Go test printed: a data
// race's first line, a panic's line, testify's Error and Messages, else the
// last logged lines. It returns "" for text that is none of them.
func goMessage(out string) string {
	if ginkgoSays.MatchString(out) {
		if m := Assertion(out); m != "" {
			return m
		}
	}
	var logged, testify []string
	field, indent := "", -1 // of the log line that goes on
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "WARNING: DATA RACE":
			return "data race" + raceWhere(out)
		case strings.HasPrefix(trimmed, "panic: ") || strings.HasPrefix(trimmed, "fatal error: "):
			return strings.TrimSuffix(trimmed, " [recovered]")
		case goNoise.MatchString(line):
			field = ""
		case goLogLine.MatchString(line):
			field, indent = "", indentOf(line)
			logged = append(logged, strings.TrimSpace(goLogLine.ReplaceAllString(line, "")))
		case field == "" && goLogBehind.MatchString(line):
			logged = append(logged, strings.TrimSpace(goLogBehind.FindStringSubmatch(line)[1]))
		default:
			if m := testifyField.FindStringSubmatch(line); m != nil {
				field = m[1]
				if (field == "Error" || field == "Messages") && m[2] != "" {
					testify = append(testify, strings.TrimSpace(m[2]))
				}
			} else if (field == "Error" || field == "Messages") && trimmed != "" {
				testify = append(testify, trimmed)
			} else if field == "" && indent >= 0 && indentOf(line) >= indent+4 { // t.Error of several lines
				logged[len(logged)-1] += "\n" + line[indent+4:]
			} else if field == "" && trimmed != "" {
				indent = -1
			}
		}
	}
	logged = slices.DeleteFunc(logged, func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(testify) > 0 {
		return firstLines(strings.Join(testify, "\n"), 6, 800)
	}
	if n := len(logged); n > 0 && gomegaSays.MatchString(logged[n-1]) {
		return strings.TrimSpace(logged[n-1])
	}
	if len(logged) > 3 {
		logged = logged[len(logged)-3:] // a failure ends a test; what came before is its log
	}
	return strings.Join(logged, "\n")
}

// indentOf counts the spaces at a line's begin.
func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// raceWhere names the functions of the two accesses, which tell one race from another.
func raceWhere(out string) string {
	lines := strings.Split(out, "\n")
	var at []string
	for i, l := range lines {
		l = strings.TrimSpace(l)
		access := strings.HasPrefix(l, "Read at ") || strings.HasPrefix(l, "Write at ") ||
			strings.HasPrefix(l, "Previous read at ") || strings.HasPrefix(l, "Previous write at ")
		if access && i+1 < len(lines) && len(at) < 2 {
			at = append(at, strings.TrimSuffix(strings.TrimSpace(lines[i+1]), "()"))
		}
	}
	if len(at) == 0 {
		return ""
	}
	slices.Sort(at) // which came first is chance
	return " between " + strings.Join(at, " and ")
}
