package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ms gives a duration as a person wants to read it.
func ms(d time.Duration) string {
	switch {
	case d >= 10*time.Second || d <= -10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond || d <= -100*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(float64(d.Round(10*time.Microsecond))/1e6, 'f', -1, 64) + " ms"
}

// at3 gives a time since the test began.
func at3(t *Trace, d time.Duration) string { return "+" + ms(d-t.Begin) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// seqs leaves out the frames that are not there, and puts the rest in order.
func seqs(all ...uint64) []uint64 {
	out := slices.DeleteFunc(all, func(s uint64) bool { return s == 0 })
	slices.Sort(out)
	return slices.Compact(out)
}

// brief shortens a value for a sentence.
func brief(s string) string {
	const longest = 40
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "…"
	}
	return s
}

// message is what the test failed with, in lower case.
func (t *Trace) message() string {
	if t.Outcome.Failure == nil {
		return ""
	}
	return strings.ToLower(t.Outcome.Failure.Message)
}

// says reports whether the failure's message has one of the words.
func (t *Trace) says(words ...string) bool {
	m := t.message()
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m, w) })
}

// Glob reports whether s matches a pattern of PSUBSCRIBE: * and ?, [abc],
// [^abc], [a-z], and \ before a character that stands for itself.
func Glob(pattern, s string) bool {
	p, rest := 0, 0
	star, mark := -1, 0 // where to go on after a * that took too little
	for rest < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, rest
			p++
			continue
		}
		if n := globOne(pattern[p:], s[rest]); n > 0 {
			p += n
			rest++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, rest = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globOne matches one byte and returns how much of the pattern that took, 0 if
// it does not match.
func globOne(p string, c byte) int {
	switch {
	case p == "":
		return 0
	case p[0] == '?':
		return 1
	case p[0] == '\\' && len(p) > 1:
		if p[1] == c {
			return 2
		}
		return 0
	case p[0] == '[':
		i, not, in := 1, false, false
		if i < len(p) && p[i] == '^' {
			not = true
			i++
		}
		for i < len(p) && p[i] != ']' {
			switch {
			case p[i] == '\\' && i+1 < len(p):
				i++
				in = in || p[i] == c
			case i+2 < len(p) && p[i+1] == '-' && p[i+2] != ']':
				lo, hi := min(p[i], p[i+2]), max(p[i], p[i+2])
				in = in || lo <= c && c <= hi
				i += 2
			default:
				in = in || p[i] == c
			}
			i++
		}
		if in == not {
			return 0
		}
		return min(i+1, len(p))
	case p[0] == c:
		return 1
	}
	return 0
}
