package proxy

import (
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness"
)

// maxKey bounds the part of a key that a name keeps.
const maxKey = 200

// normalise takes out of a key, channel or connection name what changes from
// trial to trial:
//
//	{uuid}  8-4-4-4-12 hexadecimal digits
//	{ulid}  26 characters of Crockford's base 32 beginning with 0 to 7
//	{hex}   a word of 8 or more hexadecimal digits, letters and numerals both
//	{id}    a word that looks made up, see harness.MadeUp
//	{ts}    10 or more numerals
//	{n}     any other run of numerals
//
// A word is a run of ASCII letters and numerals. Names longer than 200 bytes
// are cut and end in "…".
func normalise(key []byte) string {
	cut := len(key) > maxKey
	if cut {
		key = key[:maxKey]
		for len(key) > maxKey-utf8.UTFMax && !utf8.RuneStart(key[len(key)-1]) {
			key = key[:len(key)-1]
		}
		key = key[:len(key)-1]
	}
	out := make([]byte, 0, len(key)+8)
	for i := 0; i < len(key); {
		if !isAlnum(key[i]) {
			out = append(out, key[i])
			i++
			continue
		}
		if isUUID(key[i:]) {
			out = append(out, "{uuid}"...)
			i += 36
			continue
		}
		end := i
		for end < len(key) && isAlnum(key[end]) {
			end++
		}
		out = appendWord(out, key[i:end])
		i = end
	}
	if cut {
		out = append(out, "…"...)
	}
	return string(out)
}

func appendWord(out, w []byte) []byte {
	var digits, lower, upper, hex int
	for _, c := range w {
		switch {
		case c <= '9':
			digits++
			hex++
		case c >= 'a':
			lower++
		default:
			upper++
		}
		if c|0x20 >= 'a' && c|0x20 <= 'f' {
			hex++
		}
	}
	switch letters := lower + upper; {
	case digits == 0 && (lower == 0 || upper == 0):
		return append(out, w...)
	case harness.ULID(w):
		return append(out, "{ulid}"...)
	case hex == len(w) && len(w) >= 8 && letters > 0 && (lower == 0 || upper == 0):
		return append(out, "{hex}"...)
	case harness.MadeUp(w):
		return append(out, "{id}"...)
	}
	for i := 0; i < len(w); {
		if w[i] > '9' {
			out = append(out, w[i])
			i++
			continue
		}
		from := i
		for i < len(w) && w[i] <= '9' {
			i++
		}
		if i-from >= 10 {
			out = append(out, "{ts}"...)
		} else {
			out = append(out, "{n}"...)
		}
	}
	return out
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isUUID(b []byte) bool {
	if len(b) < 36 || len(b) > 36 && isAlnum(b[36]) {
		return false
	}
	for i, c := range b[:36] {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if c|0x20 > 'f' || !isAlnum(c) {
				return false
			}
		}
	}
	return true
}
