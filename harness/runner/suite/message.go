package suite

import (
	"regexp"
	"strings"
)

var (
	ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	// matcher begins jest's messages: expect(received).toBe(expected) // Object.is equality
	matcher  = regexp.MustCompile(`^(expect\(.*?\)(?:\.\w+)*\(.*?\))(?: // .*)?$`)
	expected = regexp.MustCompile(`^(Expected[\w ]*|Received[\w ]*):\s*(.+)$`)
)

// mostLines of a message are kept: a diff of jest's or pytest's has hundreds.
const mostLines = 8

// plain gives a message without colours, blank lines and what only leads up to
// it, so that its first line says what was wrong.
func plain(message string) string {
	var lines []string
	for l := range strings.Lines(ansi.ReplaceAllString(message, "")) {
		if l = strings.TrimRight(l, " \t\r\n"); strings.TrimSpace(l) != "" {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	if m := matcher.FindStringSubmatch(strings.TrimSpace(lines[0])); m != nil {
		said := []string{}
		rest := lines[1:]
		for len(rest) > 0 {
			e := expected.FindStringSubmatch(strings.TrimSpace(rest[0]))
			if e == nil {
				break
			}
			said = append(said, strings.ToLower(e[1][:1])+e[1][1:]+" "+e[2])
			rest = rest[1:]
		}
		if len(said) > 0 {
			lines = append([]string{m[1] + ": " + strings.Join(said, ", ")}, rest...)
		}
	}
	if first := lines[0]; len(lines) > 1 && strings.HasSuffix(first, ":") { // node: Expected values to be strictly equal:
		lines = append([]string{first + " " + strings.TrimSpace(lines[1])}, lines[2:]...)
	}
	if len(lines) > mostLines {
		lines = append(lines[:mostLines-1], "…")
	}
	return strings.Join(lines, "\n")
}

// tail is the last lines of what a program printed.
func tail(printed string, n int) string {
	var lines []string
	for l := range strings.Lines(printed) {
		l = strings.TrimRight(ansi.ReplaceAllString(l, ""), " \t\r\n")
		if l == "" {
			continue
		}
		if len(l) > 300 {
			l = strings.ToValidUTF8(l[:300], "") + "…"
		}
		lines = append(lines, l)
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
