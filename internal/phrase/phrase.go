// Package phrase has the few forms in which people are told things: a first line, a
// shortened one, a number of things, a duration in a sentence.
//
// It must never look at what the words mean.
package phrase

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FirstLine is the first line of s that is not blank, without space around it.
func FirstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimRight(s, " \t\r")
}

// OneLine is s with one space in place of each run of white space.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Short is s if it has at most n characters, else its first n and "…".
func Short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// Cut is the longest beginning of s of at most n bytes that ends between two characters.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Plural gives "1 trial", "2 trials".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Ms gives a duration for a sentence, mostly in milliseconds: "1.53 ms", "203 ms", "12.4s".
func Ms(d time.Duration) string {
	switch {
	case d >= 10*time.Second || d <= -10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond || d <= -100*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(float64(d.Round(10*time.Microsecond))/1e6, 'f', -1, 64) + " ms"
}
