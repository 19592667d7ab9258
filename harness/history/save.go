package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness"
)

// Save writes recordings as a file that Load reads. Payloads are written as far
// as they were kept.
func Save(w io.Writer, list []Recording) error {
	out, err := NewWriter(w, maxRecord/2)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := out.outcome(r.Outcome); err != nil {
			return err
		}
		for i := range r.Events {
			out.Record(&r.Events[i])
		}
	}
	return out.Flush()
}

// Load reads what Save wrote, or any file of this format: events before the first
// outcome are a recording without one. cut says that the file ends in the middle.
func Load(r io.Reader) (list []Recording, cut bool, err error) {
	in, err := NewReader(r)
	if err != nil {
		return nil, false, err
	}
	for {
		ev, err := in.Next()
		for _, o := range in.d.ended {
			list = append(list, Recording{Outcome: o})
		}
		in.d.ended = nil
		if errors.Is(err, io.EOF) {
			return list, in.Truncated(), nil
		}
		if err != nil {
			return nil, false, err
		}
		if len(list) == 0 {
			list = append(list, Recording{Outcome: harness.Outcome{Test: harness.TestID{Name: ev.Test}}})
		}
		last := &list[len(list)-1]
		last.Events = append(last.Events, ev)
	}
}

// outcome begins the recording of a test that ended so. What a report shows of it
// is left out: it follows from the events.
func (w *Writer) outcome(o harness.Outcome) error {
	o.Wire, o.Suspect, o.Output = nil, nil, ""
	text, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write history: the outcome of %s: %w", o.Test.Name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enc.body = append(append(w.enc.body[:0], recordOutcome), text...)
	w.buf = w.enc.record(w.buf)
	w.enc.last.repeatable = false
	return nil
}

// outcome decodes the outcome that begins a recording.
func (d *decoder) outcome(text []byte) error {
	var o harness.Outcome
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("%w: outcome: %w", errRecord, err)
	}
	d.ended, d.known = append(d.ended, o), false
	return nil
}
