package ingest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// ctrfTest is one test of a report in the Common Test Report Format (ctrf.io).
// Durations are in milliseconds.
type ctrfTest struct {
	ctrfAttempt
	Name          string        `json:"name"`
	Suite         suitePath     `json:"suite"`
	FilePath      string        `json:"filePath"`
	Line          float64       `json:"line"`
	RawStatus     string        `json:"rawStatus"`
	Retries       float64       `json:"retries"`
	Flaky         bool          `json:"flaky"`
	RetryAttempts []ctrfAttempt `json:"retryAttempts"`
	Browser       string        `json:"browser"`
	Device        string        `json:"device"`
}

type ctrfAttempt struct {
	Status   string   `json:"status"`
	Duration float64  `json:"duration"`
	Start    float64  `json:"start"`
	Message  string   `json:"message"`
	Trace    string   `json:"trace"`
	Stdout   wordList `json:"stdout"`
	Stderr   wordList `json:"stderr"`
}

// suitePath is a string ("a > b") in old reports and a list in new ones.
type suitePath []string

func (s *suitePath) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = nil
		for part := range strings.SplitSeq(one, " > ") {
			if part = strings.TrimSpace(part); part != "" {
				*s = append(*s, part)
			}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

// wordList is a list of lines, or one string.
type wordList []string

func (w *wordList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = []string{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// maxRetries bounds the attempts of one test that are believed.
const maxRetries = 100

func ctrfCases(r io.Reader) ([]Case, error) {
	var cases []Case
	from := &report{}
	in := json.NewDecoder(r)
	found := false
	err := members(in, func(key string) error {
		if key != "results" {
			return nil
		}
		return members(in, func(key string) error {
			if key != "tests" {
				return nil
			}
			found = true
			return list(in, func() error {
				var t ctrfTest
				if err := in.Decode(&t); err != nil {
					return err
				}
				cases = append(cases, t.cases(from)...)
				return nil
			})
		})
	})
	switch {
	case err != nil:
		err = fmt.Errorf("reading CTRF report: after %d results, at byte %d: %w", len(cases), in.InputOffset(), eof(err))
	case !found:
		err = fmt.Errorf("reading CTRF report: no results.tests in it")
	}
	return cases, err
}

// members calls fn for each member of the object that comes next; what fn does
// not read is passed over.
func members(in *json.Decoder, fn func(key string) error) error {
	if err := delim(in, '{'); err != nil {
		return err
	}
	for in.More() {
		tok, err := in.Token()
		if err != nil {
			return err
		}
		at := in.InputOffset()
		if err := fn(fmt.Sprint(tok)); err != nil {
			return err
		}
		if in.InputOffset() == at {
			var ignored json.RawMessage
			if err := in.Decode(&ignored); err != nil {
				return err
			}
		}
	}
	return delim(in, '}')
}

// list calls fn, which reads one element, for each of the array that comes next.
func list(in *json.Decoder, fn func() error) error {
	if err := delim(in, '['); err != nil {
		return err
	}
	for in.More() {
		if err := fn(); err != nil {
			return err
		}
	}
	return delim(in, ']')
}

func delim(in *json.Decoder, want json.Delim) error {
	tok, err := in.Token()
	if err == nil && tok != want {
		err = fmt.Errorf("want %s, got %v", want, tok)
	}
	return err
}

// cases gives one case an attempt. A test that passed when retried and does not
// tell its attempts failed as often as it was retried.
func (t *ctrfTest) cases(from *report) []Case {
	base := Case{Name: strings.TrimSpace(t.Name), Path: t.Suite, report: from, host: strings.TrimSpace(t.Browser + " " + t.Device)}
	base.Test = harness.TestID{Suite: strings.Join(t.Suite, " > "), File: sourceFile(t.FilePath, ""), Title: base.Name}
	if t.Line > 0 && t.Line < 1e9 {
		base.Test.Line = int(t.Line)
	}
	base.short = joined(t.Suite, base.Name)
	var tries []ctrfAttempt
	for i := range t.RetryAttempts {
		if i < maxRetries && ctrfVerdict(t.RetryAttempts[i].Status) == harness.Failed {
			tries = append(tries, t.RetryAttempts[i])
		}
	}
	if n := len(tries); n > 0 && ctrfVerdict(t.Status) == harness.Failed {
		tries = tries[:n-1] // the last attempt is the test's own result
	}
	if len(tries) == 0 && t.Flaky && ctrfVerdict(t.Status) == harness.Passed {
		for range int(min(max(t.Retries, 1), maxRetries)) {
			tries = append(tries, ctrfAttempt{Status: "failed", Message: "failed, and passed when retried; the report says nothing more"})
		}
	}
	tries = append(tries, t.ctrfAttempt)
	out := make([]Case, len(tries))
	for i, a := range tries {
		c := base
		c.Attempt, c.Attempts = i+1, len(tries)
		a.fill(&c, t.RawStatus)
		if len(tries) > 1 {
			c.Warnings = []string{fmt.Sprintf("attempt %d of %d: the test runner retries by itself", i+1, len(tries))}
		}
		out[i] = c
	}
	return out
}

func (a *ctrfAttempt) fill(c *Case, raw string) {
	if a.Duration > 0 && a.Duration < longest*1000 {
		c.Duration = harness.Duration(a.Duration * float64(time.Millisecond))
	}
	if a.Start > 0 {
		c.Start = timestamp(fmt.Sprintf("%f", a.Start))
		c.OwnStart = !c.Start.IsZero()
	}
	var out strings.Builder
	for _, line := range append(a.Stdout, a.Stderr...) {
		appendBounded(&out, strings.TrimSuffix(line, "\n")+"\n")
	}
	c.Output = out.String()
	c.Verdict = ctrfVerdict(a.Status)
	if c.Verdict != harness.Failed {
		return
	}
	message := a.Message
	if generic(message) {
		message = a.Trace
	}
	if strings.TrimSpace(message) == "" {
		message = "failed; the report says nothing more"
	}
	kind := KindOf(message, "", harness.AssertionFailure)
	if strings.EqualFold(raw, "timedOut") || strings.EqualFold(raw, "timeout") {
		kind = harness.TimeoutFailure
	}
	c.Failure = NewFailure(kind, message, a.Trace)
}

func ctrfVerdict(status string) harness.Verdict {
	switch strings.ToLower(status) {
	case "passed":
		return harness.Passed
	case "failed":
		return harness.Failed
	case "skipped", "pending":
		return harness.Skipped
	}
	return harness.Unknown // "other"
}
