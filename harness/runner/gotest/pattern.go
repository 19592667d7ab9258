package gotest

import (
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/internal/volatile"
)

// exactly gives a -run or -skip pattern that matches the test and nothing
// beside it: "TestX/a b (1)" becomes ^TestX$/^a_b_\(1\)$. The testing package
// matches element by element, and has already rewritten blanks in the name.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = volatile.NamePattern(p)
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

// elements splits a -run or -skip pattern as the testing package does: first at
// |, then each alternative at /, both only outside of brackets.
func elements(pattern string) [][]string {
	var out [][]string
	var one []string
	from, square, round := 0, 0, 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '[':
			square++
		case c == ']':
			square = max(square-1, 0) // an unmatched ] is a character
		case c == '(' && square == 0:
			round++
		case c == ')' && square == 0:
			round--
		case (c == '|' || c == '/') && square == 0 && round == 0:
			one = append(one, pattern[from:i])
			from = i + 1
			if c == '|' {
				out, one = append(out, one), nil
			}
		}
	}
	return append(out, append(one, pattern[from:]))
}

// topLevel gives one expression for the top-level tests of which a -run pattern
// may leave something.
func topLevel(run string) string {
	if run == "" {
		return "."
	}
	var firsts []string
	for _, e := range elements(run) {
		if e[0] == "" {
			return "." // matches any
		}
		firsts = append(firsts, "(?:"+e[0]+")")
	}
	return strings.Join(firsts, "|")
}

// skipsWhole gives one expression for the top-level tests of which a -skip
// pattern leaves nothing, or nil.
func skipsWhole(skip string) (*regexp.Regexp, error) {
	if skip == "" {
		return nil, nil
	}
	var whole []string
	for _, e := range elements(skip) {
		if len(e) == 1 {
			whole = append(whole, "(?:"+e[0]+")")
		}
	}
	if len(whole) == 0 {
		return nil, nil
	}
	return regexp.Compile(strings.Join(whole, "|"))
}
