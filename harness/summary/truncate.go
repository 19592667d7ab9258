package summary

import (
	"regexp"
	"strings"
)

// quoted is a value as Go, JavaScript and Python print one.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// TruncateQuoted shortens the quoted values of a message that are longer than most
// bytes, so that what is said about them stays in sight: an assertion on a whole
// log prints the log first.
func TruncateQuoted(message string, most int) string {
	return quoted.ReplaceAllStringFunc(message, func(v string) string {
		if len(v) <= most {
			return v
		}
		end := most / 4
		head := strings.ToValidUTF8(v[:most-end], "")
		tail := strings.ToValidUTF8(v[len(v)-end:], "")
		return strings.TrimRight(head, `\`) + "…" + tail // half an escape says nothing
	})
}
