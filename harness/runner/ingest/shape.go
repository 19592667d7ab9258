package ingest

import (
	"regexp"
	"slices"
	"strings"
)

var (
	matcherLine = regexp.MustCompile(`^(?:Error: )?(expect\(.*?\)(?:\.\w+)*\(.*?\))(?: // .*)?$`)
	sides       = regexp.MustCompile(`^((?:Expected|Received)[\w ]*):\s*(\S.*)$`)
	gomegaValue = regexp.MustCompile(`^\s+(<[^>]*>:.*)$`)
	diffHead    = regexp.MustCompile(`^\s*(?:[-+] (?:Expected|Received|actual|expected)\b.*|--- Expected|\+\+\+ Actual|@@ .*|Diff:)$`)
	diffLine    = regexp.MustCompile(`^\s*[-+](?:[^-+]|$)`)
	timedOut    = regexp.MustCompile(`^Timed out after [\d.]+m?s\.$`)
	mochaDiff   = regexp.MustCompile(`^\s*\+ expected - actual\s*$`)
)

// shape brings a message to a few lines of which the first says what was wrong:
// without the stack trace and the code around, the two values beside the words
// about them, and of a diff the lines that differ.
func shape(message string) string {
	var lines []string
	for l := range strings.Lines(message) {
		l = strings.TrimRight(l, " \t\r\n")
		if frame.MatchString(l) && len(lines) > 0 {
			break
		}
		if strings.TrimSpace(l) == "" || codeFrame.MatchString(l) && len(lines) > 0 {
			continue
		}
		if mochaDiff.MatchString(l) && len(lines) > 0 && (len(lines) > 1 || !strings.HasSuffix(lines[0], ":")) {
			break // the same again
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		return strings.TrimSpace(message)
	}
	lines[0] = strings.TrimSpace(lines[0])
	lines = gomega(jest(lines))
	if len(lines) > 1 && strings.HasSuffix(lines[0], ":") && !diffHead.MatchString(lines[1]) && len(lines[0]) < 200 { // node: Expected values to be strictly equal:
		lines = append([]string{lines[0] + " " + strings.TrimSpace(lines[1])}, lines[2:]...)
	}
	return strings.Join(changed(lines), "\n")
}

// jest puts the two values beside the matcher.
func jest(lines []string) []string {
	m := matcherLine.FindStringSubmatch(lines[0])
	if m == nil {
		return lines
	}
	var said []string
	rest := lines[1:]
	for len(rest) > 0 {
		s := sides.FindStringSubmatch(strings.TrimSpace(rest[0]))
		if s == nil {
			break
		}
		said = append(said, strings.ToLower(s[1][:1])+s[1][1:]+" "+s[2])
		rest = rest[1:]
	}
	if len(said) == 0 {
		return lines
	}
	return append([]string{m[1] + ": " + strings.Join(said, ", ")}, rest...)
}

// gomega makes one line of "Expected", a value, what it should do, and another
// value; and of an error that was not expected.
func gomega(lines []string) []string {
	for i := range lines {
		one, end := gomegaAt(lines, i)
		if one == "" || len(one) > 2*mostValue {
			continue
		}
		if head := lines[:i]; i == 1 && timedOut.MatchString(head[0]) {
			lines, one = lines[1:], head[0]+" "+one
			i, end = 0, end-1
		}
		return append(append(append([]string{}, lines[:i]...), one), lines[end:]...)
	}
	return lines
}

func gomegaAt(lines []string, i int) (one string, end int) {
	rest := lines[i:]
	switch w := strings.TrimSpace(lines[i]); {
	case w == "Unexpected error:" && len(rest) > 2 && gomegaValue.MatchString(rest[1]):
		for end = i + 3; end < len(lines) && strings.TrimSpace(lines[end-1]) != "occurred"; end++ {
		}
		return w + " " + strings.TrimSpace(rest[2]), end
	case w != "Expected" || len(rest) < 3 || !gomegaValue.MatchString(rest[1]) || gomegaValue.MatchString(rest[2]):
		return "", 0
	case len(rest) > 3 && gomegaValue.MatchString(rest[3]):
		return strings.Join([]string{w, strings.TrimSpace(rest[1]), strings.TrimSpace(rest[2]), strings.TrimSpace(rest[3])}, " "), i + 4
	}
	return strings.Join([]string{strings.TrimSpace(rest[0]), strings.TrimSpace(rest[1]), strings.TrimSpace(rest[2])}, " "), i + 3
}

// mostLines is how many lines of a message are kept.
const mostLines = 8

// headed is how many lines of a diff are put beside the words about it.
const headed = 4

// changed puts the first lines of a diff that differ beside the words about it,
// and of a long diff leaves those lines alone.
func changed(lines []string) []string {
	diff := slices.IndexFunc(lines, diffHead.MatchString)
	if diff < 0 && len(lines) <= mostLines {
		return lines
	}
	var differ []string
	for _, l := range lines[1:] {
		if diffLine.MatchString(l) && !diffHead.MatchString(l) {
			l = strings.TrimSpace(l)
			differ = append(differ, l[:1]+" "+strings.TrimSpace(l[1:]))
		}
	}
	if len(differ) < 2 {
		return lines
	}
	if diff != 1 {
		return append(lines[:1:1], differ...)
	}
	head, _, _ := strings.Cut(lines[0], " // ")
	n := min(headed, len(differ))
	return append([]string{strings.TrimSuffix(head, ":") + ": " + strings.Join(differ[:n], " ")}, differ[n:]...)
}
