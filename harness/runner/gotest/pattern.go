package gotest

import (
	"regexp"
	"strings"
)

// exactly gives a -run or -skip pattern that matches the test and nothing
// beside it: "TestX/a b (1)" becomes ^TestX$/^a_b_\(1\)$. The testing package
// matches element by element, and has already rewritten blanks in the name.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// anyOf joins names of the top level into one pattern.
func anyOf(names []string) string {
	if len(names) == 1 {
		return exactly(names[0])
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}

// skipping joins patterns of which each alone leaves tests out. The testing
// package splits a pattern at | before it splits at /.
func skipping(user string, names []string) string {
	patterns := make([]string, 0, len(names)+1)
	if user != "" {
		patterns = append(patterns, user)
	}
	for _, n := range names {
		patterns = append(patterns, exactly(n))
	}
	return strings.Join(patterns, "|")
}
