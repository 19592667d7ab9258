package marks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Event is what a plugin in a test runner says: one JSON object a line.
type Event struct {
	Event string `json:"event"` // hello, begin, end, attempt, error, log, calls, again; gone: the connection has ended

	// Which test. ID is its name: unique in a run, and the same in each.
	ID         string   `json:"id,omitempty"`
	Titles     []string `json:"titles,omitempty"`    // describe titles, outermost first, and its own
	File       string   `json:"file,omitempty"`      // absolute, or relative to the command's directory
	Line       int      `json:"line,omitempty"`      //
	Suite      string   `json:"suite,omitempty"`     // as the runner's own JUnit reporter names the suite
	Classname  string   `json:"classname,omitempty"` // as it names the class
	Name       string   `json:"name,omitempty"`      // and the test
	Concurrent bool     `json:"concurrent,omitempty"`

	// What came of it.
	Verdict string `json:"verdict,omitempty"` // pass, fail, skip, todo
	Kind    string `json:"kind,omitempty"`    // assertion, timeout, error, panic
	Message string `json:"message,omitempty"`
	Stack   string `json:"stack,omitempty"`
	Hook    string `json:"hook,omitempty"`    // the hook that failed, if one did
	Attempt int    `json:"attempt,omitempty"` // from 1; of a test that is retried
	Limit   *Limit `json:"limit,omitempty"`   // end: nil: the runner gives it all the time it wants

	Runner  string `json:"runner,omitempty"` // hello: the runner's name
	Version string `json:"version,omitempty"`
	Worker  int    `json:"worker,omitempty"` // process that speaks
	At      int64  `json:"at,omitempty"`     // its clock, Unix time in ns

	// calls: which lines of code sent what on connections to Redis.
	Files []string `json:"files,omitempty"`
	Calls []Bytes  `json:"calls,omitempty"`

	Arrived time.Time `json:"-"` // our clock
	From    int       `json:"-"` // which connection it came on, from 1: each worker of a runner has one
}

// Limit is what a runner gives a test and what the test took of it, in ms.
type Limit struct {
	Of   float64 `json:"of"`
	Took float64 `json:"took"`
}

// Bytes are some bytes that a process has sent on a TCP connection: its own port,
// how many it had sent before them, how many they are, and whose they are: the
// index of a file in Event.Files, and a line.
type Bytes [5]int64

// Callers gives what an event of calls says. place names a file; "" leaves it out.
func (e *Event) Callers(place func(file string) string) []harness.Caller {
	names := make([]string, len(e.Files))
	for i, f := range e.Files {
		names[i] = place(f)
	}
	list := make([]harness.Caller, 0, len(e.Calls))
	for _, c := range e.Calls {
		if file := c[3]; file >= 0 && file < int64(len(names)) && names[file] != "" && c[4] > 0 {
			list = append(list, harness.Caller{
				Sent: harness.Sent{Port: int(c[0]), At: c[1]}, Size: c[2], Call: harness.Call{File: names[file], Line: int(c[4])},
			})
		}
	}
	return list
}

// FailureKind is how the failure showed, in the words of outcomes.
func (e Event) FailureKind() harness.FailureKind {
	switch e.Kind {
	case "assertion":
		return harness.AssertionFailure
	case "panic":
		return harness.PanicFailure
	case "timeout":
		return harness.TimeoutFailure
	}
	return harness.ErrorFailure
}

// parse reads one line: an event, or begin NAME and end NAME.
func parse(line string) (Event, error) {
	if strings.HasPrefix(line, "{") {
		var e Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return e, fmt.Errorf("no event: %w", err)
		}
		switch e.Event {
		case "begin", "end", "attempt":
			if e.ID == "" {
				return e, fmt.Errorf("%s without id", e.Event)
			}
		case "hello", "error", "log", "calls", "again":
		default:
			return e, fmt.Errorf("unknown event %q", e.Event)
		}
		return e, nil
	}
	word, test, ok := strings.Cut(line, " ")
	if !ok || test == "" || word != "begin" && word != "end" {
		return Event{}, fmt.Errorf("want: begin NAME or end NAME")
	}
	return Event{Event: word, ID: test}, nil
}
