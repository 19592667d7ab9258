package volatile

import "unicode/utf8"

// maxKey bounds the part of a key that a name keeps.
const maxKey = 200

// Key takes out of a key, channel or connection name what changes from
// trial to trial:
//
//	{uuid}  8-4-4-4-12 hexadecimal digits
//	{ulid}  26 characters of Crockford's base 32 beginning with 0 to 7
//	{hex}   a word of 8 or more hexadecimal digits, letters and numerals both
//	{id}    a word that looks random, see LooksRandom, or a nanoid
//	{ts}    10 or more numerals
//	{n}     any other run of numerals
//
// A word is a run of ASCII letters and numerals. Names longer than 200 bytes
// are cut and end in "…".
func Key(key []byte) string {
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
		if n := nanoid(key, i); n > 0 {
			out = append(out, "{id}"...)
			i += n
			continue
		}
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
		out = appendWord(out, key[i:end], i > 0)
		i = end
	}
	if cut {
		out = append(out, "…"...)
	}
	return string(out)
}

// nanoid is how long the nanoid is that begins at key[i], with - or _ in it, or
// 0: 21 or 22 characters of base 64 for URLs that, together, look random. One
// without either is a word like any other.
func nanoid(key []byte, i int) int {
	of64 := func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' }
	if i > 0 && isAlnum(key[i-1]) || !of64(key[i]) {
		return 0
	}
	end := i
	for end < len(key) && of64(key[end]) {
		end++
	}
	n := end - i
	if n != 21 && n != 22 || isUUID(key[i:]) {
		return 0
	}
	word := make([]byte, 0, 22)
	for from, k := i, i; k <= end; k++ {
		if k < end && isAlnum(key[k]) {
			word = append(word, key[k])
			continue
		}
		if piece := key[from:k]; len(piece) > 4 && !LooksRandomSuffix(piece) {
			return 0 // a name is a part of it
		}
		from = k + 1
	}
	if len(word) == n || !LooksRandom(word) {
		return 0
	}
	return n
}

// appendWord appends what stands for a word; behind says that a separator is
// before it.
func appendWord(out, w []byte, behind bool) []byte {
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
	switch {
	case ULID(w):
		return append(out, "{ulid}"...)
	case hex == len(w) && len(w) >= 8 && lower+upper > 0 && digits > 0 && (lower == 0 || upper == 0):
		return append(out, "{hex}"...)
	case LooksRandom(w) || behind && LooksRandomSuffix(w):
		return append(out, "{id}"...)
	case digits == 0:
		return append(out, w...)
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
