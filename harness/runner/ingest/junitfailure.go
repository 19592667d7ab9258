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
	var body, stack, out strings.Builder
	for {
		tok, err := p.next()
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
