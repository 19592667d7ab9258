package detect

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// ms gives a duration as a person wants to read it.
func ms(d time.Duration) string { return phrase.Ms(d) }

// at3 gives a time since the test began.
func at3(t *Trace, d time.Duration) string { return "+" + ms(d-t.Begin) }

// seqs leaves out the frames that are not there, and puts the rest in order.
func seqs(all ...uint64) []uint64 {
	out := slices.DeleteFunc(all, func(s uint64) bool { return s == 0 })
	slices.Sort(out)
	return slices.Compact(out)
}

// brief shortens a value for a sentence.
func brief(s string) string { return phrase.Short(s, 40) }

// message is what a test failed with, in lower case.
type message string

// message is what the test failed with; "" when it passed.
func (t *Trace) message() message {
	if t.Outcome.Failure == nil {
		return ""
	}
	return message(strings.ToLower(t.Outcome.Failure.Message))
}

// says reports whether the failure's message has one of the words.
func (m message) says(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(string(m), w) })
}

// says reports whether the failure's message has one of the words.
func (t *Trace) says(words ...string) bool { return t.message().says(words...) }

// Glob reports whether s matches a pattern of PSUBSCRIBE.
func Glob(pattern, s string) bool { return effects.Glob(pattern, s) }
