package effects

// Glob reports whether s matches a pattern of Redis: * and ?, [abc], [^abc],
// [a-z], and \ before a character that stands for itself.
func Glob(pattern, s string) bool {
	p, rest := 0, 0
	star, mark := -1, 0 // where to go on after a * that took too little
	for rest < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, rest
			p++
			continue
		}
		if n := globOne(pattern[p:], s[rest]); n > 0 {
			p += n
			rest++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, rest = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globOne matches one byte and returns how much of the pattern that took, 0 if
// it does not match.
func globOne(p string, c byte) int {
	switch {
	case p == "":
		return 0
	case p[0] == '?':
		return 1
	case p[0] == '\\' && len(p) > 1:
		if p[1] == c {
			return 2
		}
		return 0
	case p[0] == '[':
		i, not, in := 1, false, false
		if i < len(p) && p[i] == '^' {
			not = true
			i++
		}
		for i < len(p) && p[i] != ']' {
			switch {
			case p[i] == '\\' && i+1 < len(p):
				i++
				in = in || p[i] == c
			case i+2 < len(p) && p[i+1] == '-' && p[i+2] != ']':
				lo, hi := min(p[i], p[i+2]), max(p[i], p[i+2])
				in = in || lo <= c && c <= hi
				i += 2
			default:
				in = in || p[i] == c
			}
			i++
		}
		if in == not {
			return 0
		}
		return min(i+1, len(p))
	case p[0] == c:
		return 1
	}
	return 0
}
