package volatile

import (
	"regexp"
	"strings"
)

// inMessages lists what changes from run to run in a message, most specific
// first, and the word that takes its place.
var inMessages = []struct {
	what *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`), ""},
	{regexp.MustCompile(`\b` + uuid + `\b`), "{uuid}"},
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
	idWord  = regexp.MustCompile(`\b` + longWord + `\b`)
	number  = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	space   = regexp.MustCompile(`[\s\p{Z}]+`) // go-cmp prints blanks and no-break spaces by chance
)

// Message replaces what changes from run to run (numbers, ids, addresses,
// ports, durations, times, hexadecimal, directories, colours) so that two
// texts of one failure become the same.
func Message(text string) string {
	for _, v := range inMessages {
		text = v.what.ReplaceAllString(text, v.word)
	}
	text = hexWord.ReplaceAllStringFunc(text, func(w string) string {
		if strings.ContainsAny(w, "0123456789") { // "feedback" and "effaced" are words
			return "{n}" // as a number: a hash may happen to hold digits alone
		}
		return w
	})
	text = idWord.ReplaceAllStringFunc(text, func(w string) string {
		if ULID(w) || LooksRandom(w) {
			return "{id}"
		}
		return w
	})
	text = number.ReplaceAllString(text, "{n}")
	return strings.TrimSpace(space.ReplaceAllString(text, " "))
}
