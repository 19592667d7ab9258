package resp

import (
	"bytes"
	"encoding/binary"
)

// fast frames the common shapes when they lie wholly in b; ok is false when the
// general machine must look, and nothing has changed then but the spans.
func (f *Framer) fast(b []byte) (n int, ok bool) {
	if f.requests {
		return f.fastRequest(b)
	}
	switch b[0] {
	case '+', '-', ':', '_', '#', ',', '(':
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return 0, false
		}
		f.Type, f.Argc, f.Body = b[0], -1, 0
		return end + 1, true
	case '$':
		l, i := shortLength(b, 0)
		if i == 0 || len(b)-i < l+2 || b[i+l+1] != '\n' {
			return 0, false
		}
		f.Type, f.Argc, f.Body = '$', -1, 0
		return i + l + 2, true
	case '*', '>':
		return f.fastArray(b)
	}
	return 0, false
}

// fastArray frames an array or push of at most nine values and integers, which
// every published message is.
func (f *Framer) fastArray(b []byte) (n int, ok bool) {
	if len(b) < 4 || b[2] != '\r' || b[3] != '\n' {
		return 0, false
	}
	argc := int(b[1] - '0')
	if argc == 0 || argc > 9 {
		return 0, false
	}
	i := 4
	for range argc {
		if i < len(b) && b[i] == ':' {
			end := bytes.IndexByte(b[i:], '\n')
			if end < 0 {
				return 0, false
			}
			i += end + 1
			continue
		}
		l, from := bulk(b[i:])
		if from == 0 {
			return 0, false
		}
		if i += from + l + 2; i > len(b) || b[i-1] != '\n' {
			return 0, false
		}
	}
	f.Type, f.Argc, f.Body = b[0], int64(argc), 0
	return i, true
}

// fastRequest frames an array of at most 99 values of at most 999,999 bytes.
func (f *Framer) fastRequest(b []byte) (n int, ok bool) {
	f.nspans = 0
	if b[0] != '*' || len(b) < 4 {
		return 0, false
	}
	argc := int(b[1] - '0')
	i := 4
	if b[2] != '\r' {
		c := int(b[2] - '0')
		if argc > 9 || c > 9 || len(b) < 5 || b[3] != '\r' {
			return 0, false
		}
		argc, i = argc*10+c, 5
	}
	if argc == 0 || argc > 99 || b[i-1] != '\n' {
		return 0, false
	}
	for a := 0; a < argc; a++ {
		if len(b)-i < 4 || b[i] != '$' {
			return 0, false
		}
		// One digit, then two, and so on: most arguments are short, and a call
		// costs as much as the work. A longer number costs a nanosecond or less.
		l := int(b[i+1] - '0')
		if l > 9 {
			return 0, false
		}
		from := i + 4
		if b[i+2] != '\r' {
			if d := int(b[i+2] - '0'); d <= 9 && b[i+3] == '\r' {
				l, from = l*10+d, i+5
				if len(b) < from {
					return 0, false
				}
			} else if len(b)-i < 1+8 { // a hundred bytes or more are not here yet
				return 0, false
			} else if line := binary.LittleEndian.Uint64(b[i+1:]); (line^f.long.head)&f.long.mask == 0 {
				l, from = f.long.size, i+f.long.width
			} else {
				h := (*[8]byte)(b[i:])
				e, g := int(h[3]-'0'), int(h[4]-'0')
				switch {
				case d > 9 || e > 9:
					return 0, false
				case h[4] == '\r':
					l, from = l*100+d*10+e, i+6
				case g <= 9 && h[5] == '\r':
					l, from = l*1000+d*100+(e*10+g), i+7
				default:
					if l, from = shortLength(b, i); from == 0 {
						return 0, false
					}
				}
				if width := from - i; width <= 1+8 {
					f.long = seen{head: line, mask: 1<<(8*(width-1)) - 1, size: l, width: width}
				}
			}
		}
		if b[from-1] != '\n' {
			return 0, false
		}
		to := from + l
		if len(b) < to+2 || b[to+1] != '\n' {
			return 0, false
		}
		if a < maxSpans {
			f.spans[a] = span{from, to}
		}
		i = to + 2
	}
	f.Type, f.Argc, f.Body, f.nspans = '*', int64(argc), 0, min(argc, maxSpans)
	return i, true
}

// seen is the length line of a long value that was read last. Values often are
// as long as the one before, and then the processor, which guesses that the
// comparison holds, goes on to the next frame without waiting for the number.
type seen struct {
	head, mask  uint64 // the line after its '$', and which bytes belong to it
	size, width int    // of the value; of the line
}

// bulk reads the length line at the front of h, as shortLength does; most
// lengths have one digit or two.
func bulk(h []byte) (l, from int) {
	if len(h) < len("$0\r\n\r\n") || h[0] != '$' {
		return 0, 0
	}
	c, d := h[1]-'0', h[2]-'0'
	switch {
	case c > 9:
	case h[2] == '\r' && h[3] == '\n':
		return int(c), 4
	case d <= 9 && h[3] == '\r' && h[4] == '\n':
		return int(c)*10 + int(d), 5
	default:
		return shortLength(h, 0)
	}
	return 0, 0
}

// shortLength reads "$N\r\n" at b[i] for an N of one to seven digits and
// returns N and where the value begins; 0 if it is not such a line.
func shortLength(b []byte, i int) (l, from int) {
	i++
	for d := 0; d < 8 && i < len(b); d++ {
		c := b[i]
		if c == '\r' {
			if d == 0 || i+1 >= len(b) || b[i+1] != '\n' {
				return 0, 0
			}
			return l, i + 2
		}
		if c -= '0'; c > 9 {
			return 0, 0
		}
		l = l*10 + int(c)
		i++
	}
	return 0, 0
}

// findSpans notes where the arguments are in Head, which may be cut.
func (f *Framer) findSpans() {
	f.nspans = 0
	if f.Type == Inline {
		f.inlineSpans()
		return
	}
	b := f.Head
	i := bytes.IndexByte(b, '\n') + 1
	for f.nspans < maxSpans && i > 0 && i < len(b) && b[i] == '$' {
		end := bytes.IndexByte(b[i:], '\n')
		if end < 2 {
			return
		}
		num := bytes.TrimSuffix(b[i+1:i+end], []byte{'\r'})
		l, err := number(num)
		from := i + end + 1
		if err != nil || l > int64(len(b)-from) {
			return
		}
		f.spans[f.nspans] = span{from, from + int(l)}
		f.nspans++
		i = from + int(l) + 2
	}
}

// inlineSpans splits an inline command at white space. Quoted words keep their
// quotes here; Words takes them off.
func (f *Framer) inlineSpans() {
	b := f.Head
	f.Argc = 0
	for i := 0; i < len(b); {
		if isSpace(b[i]) {
			i++
			continue
		}
		from := i
		i = wordEnd(b, i)
		if f.nspans < maxSpans {
			f.spans[f.nspans] = span{from, i}
			f.nspans++
		}
		f.Argc++
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// wordEnd returns where the inline word that begins at i ends.
func wordEnd(b []byte, i int) int {
	var quote byte
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case quote != 0 && c == '\\' && i+1 < len(b):
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case isSpace(c):
			return i
		}
	}
	return i
}
