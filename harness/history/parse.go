package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// IsText reports whether b begins as the text form does: with its test, after blank
// lines and comments at most.
func IsText(b []byte) bool {
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte(`test "`))
		}
	}
	return false
}

// Parse reads the text form. An error says in which line.
func Parse(r io.Reader) (Recording, error) {
	var rec Recording
	test, first := "", true
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRecord)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fail := func(err error) (Recording, error) {
			return rec, fmt.Errorf("read history as text: line %d: %w", n, err)
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "test":
			name, err := strconv.Unquote(strings.TrimSpace(rest))
			if err != nil {
				return fail(fmt.Errorf("test %s: want a name in quotes", rest))
			}
			if test = name; first {
				rec.Outcome.Test.Name, first = name, false
			}
		case "outcome":
			if err := parseOutcome(&rec.Outcome, rest); err != nil {
				return fail(err)
			}
		case "blocked":
			p, err := harness.ParsePoint(strings.TrimSpace(rest))
			if err != nil {
				return fail(err)
			}
			rec.Outcome.Blocked = append(rec.Outcome.Blocked, p)
		default:
			ev, err := parseEvent(line)
			if err != nil {
				return fail(err)
			}
			ev.Test = test
			rec.Events = append(rec.Events, ev)
		}
	}
	if err := lines.Err(); err != nil {
		return rec, fmt.Errorf("read history as text: %w", err)
	}
	return rec, nil
}

func parseOutcome(o *harness.Outcome, s string) error {
	verdict, rest, more := strings.Cut(s, " ")
	o.Verdict = harness.Verdict(verdict)
	if !slices.Contains([]harness.Verdict{harness.Passed, harness.Failed, harness.Skipped, harness.Infrastructure}, o.Verdict) {
		return fmt.Errorf("outcome %q: want pass, fail, skip or infra", verdict)
	}
	if !more {
		return nil
	}
	kind, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	message, err := strconv.Unquote(strings.TrimSpace(text))
	if err != nil {
		return fmt.Errorf("outcome %s: want the kind of failure and a message in quotes", s)
	}
	o.Failure = &harness.Failure{Kind: harness.FailureKind(kind), Message: message}
	return nil
}

func parseEvent(line string) (harness.Event, error) {
	parts, err := split(line)
	if err != nil {
		return harness.Event{}, err
	}
	var ev harness.Event
	head := parts[0]
	if len(head) < 3 {
		return ev, fmt.Errorf("%q: want a number, a time, and what happened", line)
	}
	if ev.Seq, err = strconv.ParseUint(head[0], 10, 64); err != nil {
		return ev, fmt.Errorf("sequence number %q: want a whole number", head[0])
	}
	if ev.In, err = time.ParseDuration(head[1]); err != nil {
		return ev, fmt.Errorf("time %q: want a duration such as 1.5ms", head[1])
	}
	head = head[2:]
	if c, ok := strings.CutPrefix(head[0], "c"); ok && len(head) > 1 {
		if conn, err := strconv.ParseUint(c, 10, 32); err == nil {
			ev.Conn = uint32(conn)
			head = head[1:]
		}
	}
	if kind, ok := kindNames[head[0]]; ok && len(head) == 1 {
		ev.Kind = kind
	} else {
		// The point is cut out of the line as it stands: its quotes are its own.
		if ev.Point, err = harness.ParsePoint(strings.Join(head, " ")); err != nil {
			return ev, err
		}
		ev.Out = ev.In
		switch {
		case ev.Point.Dir == harness.ToServer:
			ev.Kind = harness.Request
		case pushVerb(ev.Point):
			ev.Kind = harness.Push
		default:
			ev.Kind = harness.Reply
		}
	}
	if len(parts) > 1 {
		for _, w := range parts[1] {
			if ev.Args, err = appendWord(ev.Args, w); err != nil {
				return ev, err
			}
		}
		if ev.Kind == harness.Warning || ev.Kind == harness.Close {
			ev.Raw, ev.Args = append([]byte(nil), strings.Join(ev.Args, " ")...), nil
		}
	}
	if len(parts) > 2 {
		for _, a := range parts[2] {
			if err := parseAttribute(&ev, a); err != nil {
				return ev, err
			}
		}
	}
	return ev, nil
}

func appendWord(args []string, w string) ([]string, error) {
	if strings.HasPrefix(w, `"`) {
		var err error
		if w, err = strconv.Unquote(w); err != nil {
			return nil, fmt.Errorf("word %s: its quotes or escapes do not match", w)
		}
	}
	return append(args, w), nil
}

// split cuts a line at bars, and each part at spaces, outside of quotes. The
// quotes stay.
func split(line string) ([][]string, error) {
	parts := [][]string{nil}
	for rest := strings.TrimLeft(line, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		end := 0
		for end < len(rest) && rest[end] != ' ' && rest[end] != '\t' {
			if rest[end] == '"' {
				q, err := strconv.QuotedPrefix(rest[end:])
				if err != nil {
					return nil, fmt.Errorf("%q: quotes do not match", rest)
				}
				end += len(q)
				continue
			}
			end++
		}
		if rest[:end] == "|" {
			parts = append(parts, nil)
		} else {
			parts[len(parts)-1] = append(parts[len(parts)-1], rest[:end])
		}
		rest = rest[end:]
	}
	if len(parts) > 3 {
		return nil, fmt.Errorf("%q: more than two bars; quote a word that is a bar", line)
	}
	return parts, nil
}

func parseAttribute(ev *harness.Event, a string) error {
	name, value, _ := strings.Cut(a, "=")
	var err error
	switch name {
	case "out":
		ev.Out, err = time.ParseDuration(value)
	case "dropped":
		ev.Out, ev.Ending = 0, harness.Dropped
	case "action":
		ev.Action = harness.Action(value)
	case "asked":
		ev.Asked, err = time.ParseDuration(value)
	case "ending":
		for e := harness.Forwarded; e <= harness.Dropped; e++ {
			if strings.ReplaceAll(e.String(), " ", "-") == value {
				ev.Ending = e
				return nil
			}
		}
		err = strconv.ErrSyntax
	case "re":
		ev.ReplyTo, err = strconv.ParseUint(value, 10, 64)
	case "size":
		ev.Size, err = strconv.Atoi(value)
	case "error":
		ev.IsError = true
	case "multi":
		ev.InMulti = true
	case "blocking":
		ev.Blocking = true
	case "push":
		ev.Kind = harness.Push
	default:
		return fmt.Errorf("attribute %q: want out, dropped, action, asked, ending, re, size, error, multi, blocking or push", a)
	}
	if err != nil {
		return fmt.Errorf("attribute %q: its value makes no sense", a)
	}
	return nil
}
