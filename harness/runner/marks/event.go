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
	Event string `json:"event"` // hello, begin, end, attempt, error, log, again

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

	Runner  string `json:"runner,omitempty"` // hello: the runner's name
	Version string `json:"version,omitempty"`
	Worker  int    `json:"worker,omitempty"` // process that speaks
	At      int64  `json:"at,omitempty"`     // its clock, Unix time in ns

	Arrived time.Time `json:"-"` // our clock
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
		case "hello", "error", "log", "again":
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
