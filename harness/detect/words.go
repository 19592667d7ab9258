package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness/effects"
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

// Glob reports whether s matches a pattern of PSUBSCRIBE.
func Glob(pattern, s string) bool { return effects.Glob(pattern, s) }
