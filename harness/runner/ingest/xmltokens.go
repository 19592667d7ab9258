package ingest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth is how deep elements may nest: reports nest suites, and none is
// known with more than 20 levels.
const maxDepth = 200

// elements reads the tokens of a report in XML and bounds their depth.
type elements struct {
	d     *xml.Decoder
	depth int
}

func newElements(r io.Reader) elements {
	d := xml.NewDecoder(newXMLFilter(r))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the filter decoded it
	return elements{d: d}
}

// next gives the next token. io.EOF means that all elements are closed; an end
// within one is io.ErrUnexpectedEOF.
func (p *elements) next() (xml.Token, error) {
	tok, err := p.d.Token()
	if err != nil {
		if !errors.Is(err, io.EOF) || p.depth > 0 {
			err = eof(err)
		}
		return nil, err
	}
	switch t := tok.(type) {
	case xml.StartElement:
		if p.depth++; p.depth > maxDepth {
			return nil, fmt.Errorf("<%s> lies more than %d elements deep", t.Name.Local, maxDepth)
		}
	case xml.EndElement:
		p.depth--
	}
	return tok, nil
}

// skip passes over the rest of the current element.
func (p *elements) skip() error {
	for outer := p.depth - 1; p.depth > outer; {
		if _, err := p.next(); err != nil {
			return eof(err)
		}
	}
	return nil
}

// text reads the text of the current element, children's included.
func (p *elements) text() (string, error) {
	var b strings.Builder
	for outer := p.depth - 1; p.depth > outer; {
		tok, err := p.next()
		if err != nil {
			return b.String(), eof(err)
		}
		if t, ok := tok.(xml.CharData); ok {
			appendBounded(&b, string(t))
		}
	}
	return b.String(), nil
}

// eof makes an end of input inside an element an error that says so.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF") {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendBounded keeps a report of endless small elements from filling memory.
func appendBounded(b *strings.Builder, s string) {
	if room := 2*maxRun - b.Len(); room > 0 {
		b.WriteString(s[:min(room, len(s))])
	}
}

type attrs map[string]string

func attributes(e xml.StartElement) attrs {
	a := make(attrs, len(e.Attr))
	for _, at := range e.Attr {
		a[at.Name.Local] = at.Value
	}
	return a
}

// first gives the first of the attributes that is not blank.
func (a attrs) first(names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(a[n]); v != "" {
			return v
		}
	}
	return ""
}
