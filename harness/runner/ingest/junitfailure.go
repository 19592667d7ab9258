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
	time    string
	start   time.Time
	output  string
}

// failure reads one failure-like element.
func (p *junitParser) failure(e xml.StartElement) (*harness.Failure, attempt, error) {
	a := attributes(e)
	at := attempt{time: a.first("time"), start: timestamp(a["timestamp"])}
	text, trace, err := p.failureText(&at)
	if err != nil {
		return nil, at, err
	}
	if trace == "" {
		trace = text
	}
	kind := harness.AssertionFailure
	if strings.HasSuffix(strings.ToLower(e.Name.Local), "error") {
		kind = harness.ErrorFailure
	}
	message := a.first("message")
	if framed(message) {
		if m := Assertion(trace); m != "" {
			message = m
		}
	}
	if generic(message) {
		if m := Assertion(trace); m != "" {
			message = m
		} else if m := goMessage(trace); m != "" {
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

// failureText reads to the end of the element: its own text, and the trace that
// some dialects put into a child. What the test printed goes to at.
func (p *junitParser) failureText(at *attempt) (own, trace string, err error) {
	var body, stack, out strings.Builder
	for {
		tok, err := p.next()
		if err != nil {
			return "", "", eof(err)
		}
		switch t := tok.(type) {
		case xml.CharData:
			appendBounded(&body, string(t))
			continue
		case xml.StartElement:
			text, err := p.text()
			if err != nil {
				return "", "", err
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
	return strings.TrimSpace(body.String()), strings.TrimSpace(stack.String()), nil
}
