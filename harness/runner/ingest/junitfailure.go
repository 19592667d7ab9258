package ingest

import (
	"encoding/xml"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// attempt is one failed try of a test.
type attempt struct {
	failure *harness.Failure
	time    harness.Duration
	hasTime bool
	start   time.Time
	output  string
}

// failure reads one failure-like element.
func (p *junitParser) failure(e xml.StartElement) (*harness.Failure, attempt, error) {
	a := attributes(e)
	at := attempt{time: seconds(a["time"]), hasTime: a["time"] != "", start: timestamp(a["timestamp"])}
	var body, stack, out strings.Builder
	for {
		tok, err := p.d.Token()
		if err != nil {
			return nil, at, eof(err)
		}
		switch t := tok.(type) {
		case xml.CharData:
			appendBounded(&body, string(t))
			continue
		case xml.StartElement:
			text, err := p.text()
			if err != nil {
				return nil, at, err
			}
			switch t.Name.Local {
			case "stackTrace":
				appendBounded(&stack, text)
			case "system-out", "system-err":
				appendBounded(&out, text)
			}
			continue
		case xml.EndElement:
		default:
			continue
		}
		break
	}
	at.output = out.String()
	text := strings.TrimSpace(body.String())
	trace := strings.TrimSpace(stack.String())
	if trace == "" {
		trace = text
	}
	kind := harness.AssertionFailure
	if strings.HasSuffix(strings.ToLower(e.Name.Local), "error") {
		kind = harness.ErrorFailure
	}
	message := a.first("message")
	if generic(message) {
		if m := goMessage(trace); m != "" {
			message = m
		} else if m := firstLines(trace, 3, 600); m != "" && !goNoise.MatchString(m) {
			message = m
		} else if message == "" {
			message = a.first("type")
		}
	}
	kind = KindOf(message+"\n"+trace, a.first("type"), kind)
	return NewFailure(kind, message, trace), at, nil
}

// text reads the text of the current element, children's included.
func (p *junitParser) text() (string, error) {
	var b strings.Builder
	for depth := 1; depth > 0; {
		tok, err := p.d.Token()
		if err != nil {
			return b.String(), eof(err)
		}
		switch t := tok.(type) {
		case xml.CharData:
			appendBounded(&b, string(t))
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return b.String(), nil
}

// appendBounded keeps a report of endless small elements from filling memory.
func appendBounded(b *strings.Builder, s string) {
	if room := 2*maxRun - b.Len(); room > 0 {
		b.WriteString(s[:min(room, len(s))])
	}
}
