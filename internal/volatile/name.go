package volatile

import (
	"regexp"
	"strings"
)

// placeholders are the words that take the place of what is volatile in a test's
// name, and what finds it again.
var placeholders = []struct{ word, pattern string }{{"{uuid}", uuid}, {"{ulid}", `[0-7][0-9A-HJKMNP-TV-Z]{25}`}, {"{id}", longWord}}

var (
	inNames  = regexp.MustCompile(uuid + `|` + longWord)
	numbered = regexp.MustCompile(`#\d\d+$`)
)

// Name puts placeholders into one element of a subtest's name. A word of less than
// 16 characters stays: people write such names.
func Name(element string) string {
	return inNames.ReplaceAllStringFunc(element, func(w string) string {
		switch {
		case isUUID([]byte(w)):
			return "{uuid}"
		case ULID(w):
			return "{ulid}"
		case LooksRandom(w):
			return "{id}"
		}
		return w
	})
}

// NamePattern gives a pattern for one element that Name made. Of subtests that are
// told apart by number alone it matches all.
func NamePattern(name string) string {
	pattern := regexp.QuoteMeta(name)
	found := false
	for _, p := range placeholders {
		if quoted := regexp.QuoteMeta(p.word); strings.Contains(pattern, quoted) {
			pattern, found = strings.ReplaceAll(pattern, quoted, p.pattern), true
		}
	}
	if found {
		pattern = Unnumbered(pattern)
	}
	return "^" + pattern + "$"
}

// Unnumbered takes the number away that tells tests of one name apart.
func Unnumbered(name string) string { return numbered.ReplaceAllString(name, "") }
