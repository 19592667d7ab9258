package resp

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Marks that Words puts in place of what is not there.
const (
	Nil = "(nil)" // a nil value
	Cut = "…"     // the end of a value that was cut
)

// maxWords bounds what one frame decodes to, whatever counts it claims.
const maxWords = 1 << 16

// Words decodes the beginning of a frame to its words: a request's verb and
// arguments, the elements of a push, the values of a reply, nested ones in one
// flat list. It takes a frame that was cut anywhere: a value of which the end
// is missing ends in Cut, and values that are missing altogether are left out.
// Attributes are skipped. It never fails: what is no RESP is taken for an
// inline command.
func Words(raw []byte) []string {
	d := decoder{b: raw}
	if len(raw) == 0 {
		return nil
	}
	if !isType(raw[0]) {
		return inlineWords(raw)
	}
	// A frame is one value; a cut or broken one just ends early.
	d.value(0)
	return d.words
}

func isType(c byte) bool { return bytes.IndexByte([]byte("*$+-:_#,(=!%~>|"), c) >= 0 }

type decoder struct {
	b      []byte
	words  []string
	silent int // within attributes
}

func (d *decoder) emit(s string) {
	if d.silent == 0 {
		d.words = append(d.words, s)
	}
}

// value decodes one value and reports whether it was whole.
func (d *decoder) value(depth int) bool {
	if len(d.b) == 0 || depth > maxDepth || len(d.words) >= maxWords {
		return false
	}
	kind := d.b[0]
	end := bytes.IndexByte(d.b, '\n')
	if end < 0 { // the line itself was cut
		if text := d.b[1:]; kind == '+' || kind == '-' || kind == '(' {
			d.emit(string(cutRune(bytes.TrimSuffix(text, []byte{'\r'}))) + Cut)
		}
		d.b = nil
		return false
	}
	if end == 0 {
		return false
	}
	line := bytes.TrimSuffix(d.b[1:end], []byte{'\r'})
	d.b = d.b[end+1:]
	switch kind {
	case '+', '-', ':', ',', '(':
		d.emit(string(line))
		return true
	case '_':
		d.emit(Nil)
		return true
	case '#':
		d.emit(strconv.FormatBool(string(line) == "t"))
		return true
	case '$', '=', '!':
		if string(line) == "?" {
			return d.streamed()
		}
		n, err := number(line)
		if err != nil {
			return false
		}
		if n < 0 {
			d.emit(Nil)
			return true
		}
		text, whole := d.take(n)
		if kind == '=' && len(text) >= 4 && text[3] == ':' { // verbatim: "txt:" says the format
			text = text[4:]
		}
		if !whole {
			d.emit(string(cutRune(text)) + Cut)
			return false
		}
		d.emit(string(text))
		return true
	case '*', '~', '>', '%', '|':
		return d.aggregate(kind, line, depth)
	}
	return false
}

func (d *decoder) aggregate(kind byte, line []byte, depth int) bool {
	n := int64(maxWords)
	streamed := string(line) == "?"
	if !streamed {
		var err error
		if n, err = number(line); err != nil {
			return false
		}
		if n < 0 {
			d.emit(Nil)
			return true
		}
		if n = min(n, maxWords); kind == '%' || kind == '|' {
			n *= 2
		}
	}
	if kind == '|' {
		d.silent++
	}
	whole := true
	for range n {
		if streamed && bytes.HasPrefix(d.b, []byte(".\r\n")) {
			d.b = d.b[3:]
			break
		}
		if whole = d.value(depth + 1); !whole {
			break
		}
	}
	if kind == '|' {
		d.silent--
		return whole && d.value(depth+1) // the value that it describes
	}
	return whole
}

// streamed joins the chunks of a streamed string.
func (d *decoder) streamed() bool {
	var all []byte
	for {
		end := bytes.IndexByte(d.b, '\n')
		if end < 1 || d.b[0] != ';' {
			break
		}
		n, err := number(bytes.TrimSuffix(d.b[1:end], []byte{'\r'}))
		if err != nil || n < 0 {
			break
		}
		d.b = d.b[end+1:]
		if n == 0 {
			d.emit(string(all))
			return true
		}
		part, whole := d.take(n)
		all = append(all, part...)
		if !whole {
			break
		}
	}
	d.emit(string(cutRune(all)) + Cut)
	return false
}

// take takes a value of n bytes and its line end.
func (d *decoder) take(n int64) (text []byte, whole bool) {
	if n > int64(len(d.b)) {
		text, d.b = d.b, nil
		return text, false
	}
	text = d.b[:n]
	d.b = d.b[min(n+2, int64(len(d.b))):]
	return text, true
}

// cutRune takes an incomplete UTF-8 sequence off the end, so that a cut value
// stays as readable as the whole was.
func cutRune(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}

// inlineWords splits a line as Redis splits an inline command: white space
// between words, double quotes with escapes, single quotes without.
func inlineWords(b []byte) []string {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end]
	}
	var words []string
	for i := 0; i < len(b) && len(words) < maxWords; {
		if isSpace(b[i]) {
			i++
			continue
		}
		end := wordEnd(b, i)
		words = append(words, unquote(b[i:end]))
		i = end
	}
	return words
}

func unquote(b []byte) string {
	if bytes.IndexByte(b, '"') < 0 && bytes.IndexByte(b, '\'') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	var quote byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'' && c == '\\' && i+1 < len(b) && b[i+1] == '\'':
			i++
			out = append(out, '\'')
		case quote == '"' && c == '\\' && i+3 < len(b) && b[i+1] == 'x' && isHex(b[i+2]) && isHex(b[i+3]):
			out = append(out, unhex(b[i+2])<<4|unhex(b[i+3]))
			i += 3
		case quote == '"' && c == '\\' && i+1 < len(b):
			i++
			if k := bytes.IndexByte([]byte("nrtba"), b[i]); k >= 0 {
				out = append(out, "\n\r\t\b\a"[k])
			} else {
				out = append(out, b[i])
			}
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// Split returns the words of a command, which lie in raw, and what is behind the
// last whole one: of a whole command, nothing.
func Split(raw []byte) (out [][]byte, rest []byte) {
	i := bytes.IndexByte(raw, '\n') + 1
	for i > 0 && i < len(raw) && raw[i] == '$' {
		end := bytes.IndexByte(raw[i:], '\n')
		if end < 1 {
			break
		}
		n, err := number(bytes.TrimSuffix(raw[i+1:i+end], []byte{'\r'}))
		from := i + end + 1
		if err != nil || n < 0 || n > int64(len(raw)-from) {
			break
		}
		out = append(out, raw[from:from+int(n):from+int(n)])
		i = from + int(n) + 2
	}
	return out, raw[min(max(i, 0), len(raw)):]
}

// AppendCommand appends the wire form of a command to b.
func AppendCommand[S []byte | string](b []byte, words ...S) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(words)), 10)
	b = append(b, "\r\n"...)
	for _, w := range words {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(w)), 10)
		b = append(b, "\r\n"...)
		b = append(b, w...)
		b = append(b, "\r\n"...)
	}
	return b
}
