package explore

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness"
)

// maxSchedule bounds what ReadSchedule takes in, so that a wrong file does not
// fill the memory.
const maxSchedule = 64 << 20

// WriteSchedule writes s as indented JSON.
func WriteSchedule(w io.Writer, s harness.Schedule) error {
	if s.Version == 0 {
		s.Version = harness.ScheduleVersion
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write schedule: %w", err)
	}
	return nil
}

// ReadSchedule reads what WriteSchedule wrote.
func ReadSchedule(r io.Reader) (harness.Schedule, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSchedule))
	if err != nil {
		return harness.Schedule{}, fmt.Errorf("read schedule: %w", err)
	}
	return ParseSchedule(b)
}

// ParseSchedule reads a schedule from JSON and checks that a scheduler can be
// made of it.
func ParseSchedule(b []byte) (harness.Schedule, error) {
	var s harness.Schedule
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read schedule: %w", err)
	}
	if s.Version < 1 {
		return s, fmt.Errorf("read schedule: no version: want \"version\": %d; is this a schedule file?", harness.ScheduleVersion)
	}
	if _, err := FromSchedule(s); err != nil {
		return s, fmt.Errorf("read schedule: %w", err)
	}
	return s, nil
}
