package ingest

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

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
