package ingest

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxRun is how many bytes of one text node, CDATA section or attribute value
// are kept. Reporters put a test's whole output there.
const maxRun = 128 << 10

// xmlFilter passes XML through and makes it digestible: valid UTF-8, no
// character that XML 1.0 forbids (neither raw nor as &#27;), and no text or
// attribute longer than maxRun. Test reporters break all three rules, since
// they copy what a test printed.
//
//	file ──► decode (UTF-16, Latin-1) ──► filter ──► encoding/xml
type xmlFilter struct {
	in    *bufio.Reader
	out   bytes.Buffer
	state xmlState
	quote byte // in an attribute value: its delimiter
	run   int  // bytes of the current run
	err   error
}

type xmlState uint8

const (
	inText xmlState = iota
	inTag
	inAttr
	inCDATA
	inComment // comments and processing instructions
)

var encodingDecl = regexp.MustCompile(`(?i)^\s*<\?xml[^>]*encoding\s*=\s*["']([a-z0-9_-]+)["']`)

func newXMLFilter(r io.Reader) *xmlFilter {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(200)
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		_, _ = in.Discard(3)
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{'<', 0}):
		in = bufio.NewReader(&utf16Reader{in: in})
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}), bytes.HasPrefix(head, []byte{0, '<'}):
		in = bufio.NewReader(&utf16Reader{in: in, big: true})
	default:
		if m := encodingDecl.FindSubmatch(head); m != nil {
			switch string(bytes.ToLower(m[1])) {
			case "iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "iso-8859-15":
				in = bufio.NewReader(&latin1Reader{in: in})
			}
		}
	}
	return &xmlFilter{in: in}
}

// Read fills p with filtered XML.
func (f *xmlFilter) Read(p []byte) (int, error) {
	for f.out.Len() < len(p) && f.err == nil {
		f.step()
	}
	if f.out.Len() > 0 {
		return f.out.Read(p)
	}
	return 0, f.err
}

// step takes one character, reference or delimiter from the input.
func (f *xmlFilter) step() {
	c, err := f.in.ReadByte()
	if err != nil {
		f.err = err
		return
	}
	switch f.state {
	case inText:
		if c == '<' {
			f.open()
			return
		}
	case inTag:
		switch c {
		case '>':
			f.enter(inText)
		case '"', '\'':
			f.quote = c
			f.enter(inAttr)
		}
		f.out.WriteByte(c)
		return
	case inAttr:
		if c == f.quote {
			f.enter(inTag)
			f.out.WriteByte(c)
			return
		}
	case inCDATA:
		if c == ']' && f.follows("]>") {
			f.enter(inText)
			f.out.WriteString("]]>")
			return
		}
	case inComment:
		// Dropped: nothing reads them, and their rules are broken often.
		if (c == '-' && f.follows("->")) || (c == '?' && f.follows(">")) {
			f.enter(inText)
		}
		return
	}
	f.char(c)
}

func (f *xmlFilter) enter(s xmlState) { f.state, f.run = s, 0 }

// open handles a '<' outside tags.
func (f *xmlFilter) open() {
	switch {
	case f.follows("![CDATA["):
		f.enter(inCDATA)
		f.out.WriteString("<![CDATA[")
	case f.follows("!--"), f.follows("?"):
		f.enter(inComment)
	default:
		f.enter(inTag)
		f.out.WriteByte('<')
	}
}

// follows consumes s if it is next in the input.
func (f *xmlFilter) follows(s string) bool {
	if p, _ := f.in.Peek(len(s)); string(p) != s {
		return false
	}
	_, _ = f.in.Discard(len(s))
	return true
}

// char writes one character of text, which may be a reference.
func (f *xmlFilter) char(c byte) {
	var unit []byte
	switch {
	case c == '&' && f.state != inCDATA:
		unit = f.reference()
	case c < utf8.RuneSelf:
		unit = []byte{c}
		if !xmlChar(rune(c)) {
			unit = []byte("\uFFFD")
		}
	default:
		_ = f.in.UnreadByte()
		r, _, err := f.in.ReadRune() // an invalid byte comes out as U+FFFD
		if err != nil || !xmlChar(r) {
			r = utf8.RuneError
		}
		unit = utf8.AppendRune(nil, r)
	}
	if f.run > maxRun {
		return
	}
	if f.run += len(unit); f.run > maxRun {
		unit = []byte(" … cut here …")
	}
	f.out.Write(unit)
}

// reference reads the rest of an entity or character reference; a bare '&' and
// a reference to a forbidden character are replaced.
func (f *xmlFilter) reference() []byte {
	p, _ := f.in.Peek(12)
	end := bytes.IndexByte(p, ';')
	if end < 1 {
		return []byte("&amp;")
	}
	name := string(p[:end])
	for i, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i == 0 && c == '#') {
			return []byte("&amp;")
		}
	}
	_, _ = f.in.Discard(end + 1)
	if name[0] == '#' {
		digits, base := name[1:], 10
		if len(digits) > 1 && (digits[0] == 'x' || digits[0] == 'X') {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(digits, base, 32); err != nil || !xmlChar(rune(n)) {
			return []byte("\uFFFD")
		}
	}
	return []byte("&" + name + ";")
}

// xmlChar reports whether XML 1.0 (section 2.2) allows the character.
func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// latin1Reader turns ISO-8859-1 into UTF-8. Windows-1252 differs from it in
// punctuation alone.
type latin1Reader struct {
	in   *bufio.Reader
	rest []byte
}

func (l *latin1Reader) Read(p []byte) (int, error) {
	for len(l.rest) < len(p) {
		c, err := l.in.ReadByte()
		if err != nil {
			if len(l.rest) > 0 {
				break
			}
			return 0, err
		}
		l.rest = utf8.AppendRune(l.rest, rune(c))
	}
	n := copy(p, l.rest)
	l.rest = append(l.rest[:0], l.rest[n:]...)
	return n, nil
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	in   *bufio.Reader
	big  bool
	rest []byte
}

func (u *utf16Reader) unit() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(u.in, b[:]); err != nil {
		return 0, io.EOF // half a unit at the end tells nothing
	}
	if u.big {
		return rune(b[0])<<8 | rune(b[1]), nil
	}
	return rune(b[1])<<8 | rune(b[0]), nil
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.rest) < len(p) {
		r, err := u.unit()
		if err == nil && utf16.IsSurrogate(r) {
			var low rune
			low, err = u.unit()
			r = utf16.DecodeRune(r, low)
		}
		if err != nil {
			if len(u.rest) > 0 {
				break
			}
			return 0, err
		}
		if r != 0xFEFF {
			u.rest = utf8.AppendRune(u.rest, r)
		}
	}
	n := copy(p, u.rest)
	u.rest = append(u.rest[:0], u.rest[n:]...)
	return n, nil
}
