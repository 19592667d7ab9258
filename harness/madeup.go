package harness

// ULID tells an identifier of 26 characters of Crockford's base 32, in upper
// case, that begins with 0 to 7 and holds a letter. w holds ASCII letters and
// numerals alone.
func ULID[T ~string | ~[]byte](w T) bool {
	if len(w) != 26 || w[0] > '7' {
		return false
	}
	letters := 0
	for i := range len(w) {
		switch c := w[i]; {
		case c <= '9':
		case c > 'Z', c == 'I', c == 'L', c == 'O', c == 'U':
			return false
		default:
			letters++
		}
	}
	return letters > 0
}

// MadeUp tells a word that a program made up at random (a short UUID, a token, a
// nanoid) from a name that somebody chose. It has 16 letters and numerals or
// more, of both cases, and three numerals; or one, and changes between upper
// case, lower case and numerals at more than two places in five; or none, and
// changes at more than every second, as no CamelCase does. Of random words of 22
// characters of base 57 about five in a hundred are taken for names. w holds
// ASCII letters and numerals alone.
func MadeUp[T ~string | ~[]byte](w T) bool {
	if len(w) < 16 {
		return false
	}
	var digits, lower, upper, changes int
	last := byte(0)
	for i := range len(w) {
		var kind byte
		switch c := w[i]; {
		case c <= '9':
			digits++
			kind = 'n'
		case c >= 'a':
			lower++
			kind = 'l'
		default:
			upper++
			kind = 'u'
		}
		if last != 0 && kind != last {
			changes++
		}
		last = kind
	}
	return lower > 0 && upper > 0 && (digits >= 3 || digits > 0 && 5*changes > 2*len(w) || 2*changes > len(w))
}
