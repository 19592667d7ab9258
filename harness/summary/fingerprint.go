package summary

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// stackFrames is how many frames of a stack take part in a fingerprint: deeper
// ones belong to the test runner and change with its version.
const stackFrames = 3

// volatile lists what changes from run to run in a message, most specific
// first, and the word that takes its place.
var volatile = []struct {
	what *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`), ""},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "{uuid}"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z| ?[+-]\d\d:?\d\d)?)?`), "{time}"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b`), "{time}"},
	{regexp.MustCompile(`\[[0-9A-Fa-f:]*:[0-9A-Fa-f:]*\](?::\d+)?`), "{addr}"},
	{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "{addr}"},
	{regexp.MustCompile(`\blocalhost:\d+\b`), "{addr}"},
	{regexp.MustCompile(`\b0[xX][0-9a-fA-F]+\b`), "{hex}"},
	{regexp.MustCompile(`(?i)\b\d+(?:\.\d+)?(?:h\d+m)?(?:\d+m)?(?:\d+(?:\.\d+)?)? ?(?:ns|us|µs|μs|ms|s|sec|secs|seconds?|milliseconds?|m|min|minutes?|h|hours?)\b`), "{duration}"},
	{regexp.MustCompile(`(?:/[\w.@+-]+)+/([\w.@+-]+)`), "$1"}, // directories differ from machine to machine
}

var (
	hexWord = regexp.MustCompile(`\b[0-9a-fA-F]{7,}\b`)
	idWord  = regexp.MustCompile(`\b[0-9A-Za-z]{16,}\b`)
	number  = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	space   = regexp.MustCompile(`[\s\p{Z}]+`) // go-cmp prints blanks and no-break spaces by chance
)

// Normalize replaces what changes from run to run (numbers, ids, addresses,
// ports, durations, times, hexadecimal, directories, colours) so that two
// texts of one failure become the same.
func Normalize(text string) string {
	for _, v := range volatile {
		text = v.what.ReplaceAllString(text, v.word)
	}
	text = hexWord.ReplaceAllStringFunc(text, func(w string) string {
		if strings.ContainsAny(w, "0123456789") { // "feedback" and "effaced" are words
			return "{n}" // as a number: a hash may happen to hold digits alone
		}
		return w
	})
	text = idWord.ReplaceAllStringFunc(text, func(w string) string {
		if harness.ULID(w) || harness.LooksRandom(w) {
			return "{id}"
		}
		return w
	})
	text = number.ReplaceAllString(text, "{n}")
	return strings.TrimSpace(space.ReplaceAllString(text, " "))
}

// Fingerprint names a failure: 16 hex digits that are the same for the same
// failure whatever the numbers, ids, ports, durations and addresses in it, on
// any machine. Line numbers do not take part, so that an edit above the test
// leaves it the same.
func Fingerprint(message string, kind harness.FailureKind, stack string) string {
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(Normalize(message)))
	for _, frame := range frames(stack) {
		h.Write([]byte{0})
		h.Write([]byte(frame))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// OfFailure gives the failure's own fingerprint, or computes it.
func OfFailure(f harness.Failure) string {
	if f.Fingerprint != "" {
		return f.Fingerprint
	}
	return Fingerprint(f.Message, f.Kind, f.Stack)
}

// frames gives the first few lines of a stack that say where, normalised.
func frames(stack string) []string {
	var out []string
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "goroutine ") {
			continue
		}
		out = append(out, Normalize(line))
		if len(out) == stackFrames {
			break
		}
	}
	return out
}
