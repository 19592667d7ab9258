package ingest

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRun is how many bytes of one text node, CDATA section or attribute value
// are kept. Reporters put a test's whole output there.
const maxRun = 128 << 10

// xmlFilter passes XML through and makes it digestible: valid UTF-8, no
// character that XML 1.0 forbids (neither raw nor as &#27;), no raw '<' or quote
// in an attribute, no '<' in a test's text that opens none of a report's
// elements, and no text or attribute longer than maxRun. Test reporters break
// these rules, since they copy what a test printed.
//
//	file ──► decode (UTF-16, Latin-1) ──► filter ──► encoding/xml
type xmlFilter struct {
	in    *bufio.Reader
	out   bytes.Buffer
	state xmlState
	quote byte // in an attribute value: its delimiter
	run   int  // bytes of the current run
	words bool // in an element that holds what a test printed
	tag   string
	slash bool // the last byte of the current tag was a slash
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
	f.plain()
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
			f.words = wordy[f.tag] && !f.slash
			f.enter(inText)
		case '"', '\'':
			f.quote = c
			f.enter(inAttr)
		}
		f.slash = c == '/'
		f.out.WriteByte(c)
		return
	case inAttr:
		switch {
		case c == '<':
			f.keep("&lt;")
			return
		case c == f.quote && f.valueEnds():
			f.enter(inTag)
			f.out.WriteByte(c)
			return
		case c == f.quote:
			f.keep("&#" + strconv.Itoa(int(c)) + ";")
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

// wordy names the elements that hold what a test printed.
var wordy = map[string]bool{"failure": true, "error": true, "skipped": true, "warning": true, "system-out": true, "system-err": true,
	"stackTrace": true, "flakyFailure": true, "flakyError": true, "rerunFailure": true, "rerunError": true,
	"message": true, "stack-trace": true, "output": true}

// longestName is how many bytes of an element's name matter.
const longestName = 64

// open handles a '<' outside tags.
func (f *xmlFilter) open() {
	switch {
	case f.follows("![CDATA["):
		f.enter(inCDATA)
		f.out.WriteString("<![CDATA[")
		return
	case f.follows("!--"), f.follows("?"):
		f.enter(inComment)
		return
	}
	p, _ := f.in.Peek(longestName)
	name := elementName(p)
	own := wordy[strings.TrimPrefix(name, "/")] || strings.HasPrefix(name, "/test") || name == "properties" // what may come, or must end, in words
	if (name == "" && !bytes.HasPrefix(p, []byte("!")) && len(p) > 0) || (f.words && !own) {
		f.keep("&lt;")
		return
	}
	f.tag = name
	f.enter(inTag)
	f.out.WriteByte('<')
}

// elementName gives the name at the start of p, with the slash of an end; empty
// when there is none.
func elementName(p []byte) string {
	i := 0
	if len(p) > 0 && p[0] == '/' {
		i = 1
	}
	for from := i; i < len(p); i++ {
		c := p[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
		if !letter && (i == from || !(c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':')) {
			if i == from {
				return ""
			}
			break
		}
	}
	return string(p[:i])
}

// valueEnds reports whether a quote ends its attribute: the end of the tag or
// the next attribute follows. Else it belongs to the value.
func (f *xmlFilter) valueEnds() bool {
	p, _ := f.in.Peek(1)
	if len(p) == 0 || p[0] == '>' {
		return true
	}
	p, _ = f.in.Peek(longestName)
	p = bytes.TrimLeft(p, " \t\r\n")
	if len(p) == 0 || bytes.HasPrefix(p, []byte(">")) || bytes.HasPrefix(p, []byte("/>")) || bytes.HasPrefix(p, []byte("?>")) {
		return true
	}
	name := elementName(p)
	if name == "" || name[0] == '/' {
		return false
	}
	p, ok := bytes.CutPrefix(bytes.TrimLeft(p[len(name):], " \t\r\n"), []byte("="))
	p = bytes.TrimLeft(p, " \t\r\n")
	return ok && len(p) > 0 && (p[0] == '"' || p[0] == '\'')
}

// plain copies what needs no look: in a run, up to the next byte that may.
func (f *xmlFilter) plain() {
	n := f.in.Buffered()
	if f.state == inTag || f.state == inComment || n < 2 {
		return
	}
	p, _ := f.in.Peek(min(n, 4<<10))
	i := 0
	for i < len(p) && harmless[p[i]] {
		i++
	}
	if room := maxRun - f.run; room > 0 {
		f.out.Write(p[:min(i, room)])
		f.run += min(i, room)
	}
	_, _ = f.in.Discard(i)
}

// harmless marks the bytes that are themselves wherever they stand.
var harmless = func() (h [256]bool) {
	for c := range h {
		h[c] = c >= ' ' && c < utf8.RuneSelf && !strings.ContainsRune("<>&\"']", rune(c)) || c == '\t' || c == '\n'
	}
	return h
}()

// keep writes one character of a run.
func (f *xmlFilter) keep(unit string) {
	if f.run > maxRun {
		return
	}
	if f.run += len(unit); f.run > maxRun {
		unit = " … cut here …"
	}
	f.out.WriteString(unit)
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
	f.keep(string(unit))
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
