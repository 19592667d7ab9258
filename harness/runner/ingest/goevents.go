package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// GoEvent is one event of the stream that go test -json prints; see go doc test2json.
type GoEvent struct {
	Time        time.Time
	Action      string // start, run, pause, cont, pass, fail, skip, bench, output, build-output, build-fail
	Package     string
	Test        string
	Elapsed     float64 // seconds
	Output      string
	ImportPath  string // build-output and build-fail: what was built
	FailedBuild string // fail: the build that failed
}

// maxLine is how much of one line of JSON is kept. test2json splits longer
// output, so only a damaged file has longer lines.
const maxLine = 1 << 20

// ReadGoEvents calls fn for each event of a go test -json stream. Lines that
// are no events (a compiler's words, a wrapper script's echo) come as events of
// Action "output" without a test. The error is r's alone.
func ReadGoEvents(r io.Reader, fn func(GoEvent)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	cut := false
	for {
		part, err := in.ReadSlice('\n')
		if room := maxLine - len(line); room < len(part) {
			part, cut = part[:max(room, 0)], true
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var e GoEvent
			if cut || json.Unmarshal(line, &e) != nil || e.Action == "" {
				e = GoEvent{Action: "output", Output: string(line)}
			}
			fn(e)
		}
		line, cut = line[:0], false
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading go test events: %w", err)
		}
	}
}

// framing marks the lines that the testing package itself wrote when it runs
// with -test.v=test2json (testing.go, "marker").
const framing = 0x16

// maxPiece is the longest output that one event carries; longer lines are split.
const maxPiece = 8 << 10

// Converter is an io.Writer that takes what a test binary prints under
// -test.v=test2json, and calls Event as each line comes. It does in this process what
// test2json does in one of its own, so that the times are those of arrival and no
// line, however long, is held.
//
//	test binary ──► Converter ──► Event ──► Collector
type Converter struct {
	Package string
	Event   func(GoEvent)
	Now     func() time.Time // nil: time.Now

	line  []byte
	after string // the test whose output comes now
}

// Write never fails.
func (c *Converter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		from := 0
		if p[0] == framing {
			c.flush() // a test may have printed without a newline at its end
			from = 1
		}
		i := bytes.IndexAny(p[from:], "\n\x16")
		if i < 0 {
			c.add(p)
			break
		}
		i += from
		if p[i] == '\n' {
			i++
		}
		c.add(p[:i])
		if p[i-1] == '\n' {
			c.flush()
		}
		p = p[i:]
	}
	return n, nil
}

func (c *Converter) add(p []byte) {
	for len(p) > 0 {
		k := min(maxPiece-len(c.line), len(p))
		c.line = append(c.line, p[:k]...)
		if p = p[k:]; len(c.line) == maxPiece {
			c.flush()
		}
	}
}

// Close emits what is left of a last line that had no newline.
func (c *Converter) Close() error {
	c.flush()
	return nil
}

func (c *Converter) flush() {
	if len(c.line) == 0 {
		return
	}
	line := string(c.line)
	c.line = c.line[:0]
	if rest, ok := strings.CutPrefix(line, string(rune(framing))); ok {
		if c.frame(rest) {
			return
		}
		line = rest
	}
	c.emit(GoEvent{Action: "output", Test: c.after, Output: line})
}

func (c *Converter) emit(e GoEvent) {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	e.Time = now()
	e.Package = c.Package
	c.Event(e)
}

// frame handles one line of the testing package's own and reports whether it was one.
func (c *Converter) frame(line string) bool {
	text := strings.TrimSuffix(line, "\n")
	if text == "PASS" || text == "FAIL" {
		c.after = ""
		c.emit(GoEvent{Action: "output", Output: line})
		return true
	}
	if len(text) < 10 {
		return false
	}
	head, name := text[:10], text[10:]
	action := map[string]string{
		"=== RUN   ": "run", "=== PAUSE ": "pause", "=== CONT  ": "cont", "=== NAME  ": "name", "=== ATTR  ": "attr",
		"--- PASS: ": "pass", "--- FAIL: ": "fail", "--- SKIP: ": "skip", "--- BENCH:": "bench",
	}[head]
	switch action {
	case "":
		return false
	case "name":
		c.after = name
		return true
	case "attr":
		return true
	case "run", "pause", "cont":
		c.after = name
		c.emit(GoEvent{Action: action, Test: name})
		return true
	}
	name = strings.TrimSpace(name)
	if i := strings.LastIndex(name, " ("); i >= 0 {
		name = name[:i]
	}
	c.after = name
	c.emit(GoEvent{Action: "output", Test: name, Output: line})
	c.emit(GoEvent{Action: action, Test: name})
	return true
}
