package harness

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Bounds of what a file may say. Each is far above what a hunt writes.
const (
	// MostDecisions is how many decisions a schedule may have. A hunt's have a few hundred.
	MostDecisions = 20_000
	// LongestDelay bounds every time of a decision: a suite's deadline is shorter.
	LongestDelay = time.Hour
	// mostTests is how many tests one finding may name.
	mostTests = 100_000
	// mostID is how long the ID of a finding may be. This build writes ten bytes.
	mostID = 66
)

// CheckDecisions says why a text that holds schedules is not to be decoded: in
// memory a decision takes twenty times what it takes in a file. most is how many
// schedules the text may hold.
func CheckDecisions(text []byte, most int) error {
	if n := bytes.Count(text, []byte(`"action"`)); n > most*MostDecisions {
		return fmt.Errorf("schedule: %d decisions: at most %d are read", n, most*MostDecisions)
	}
	return nil
}

// CheckFindingID says why an ID cannot be a finding's. IDs become names of files
// and words of commands, so that nothing else than F- and hexadecimal digits may be one.
func CheckFindingID(id string) error {
	ok := len(id) > 2 && len(id) <= mostID && id[:2] == "F-"
	for i := 2; ok && i < len(id); i++ {
		ok = id[i] >= '0' && id[i] <= '9' || id[i] >= 'a' && id[i] <= 'f'
	}
	if !ok {
		return fmt.Errorf("finding %.40q: an ID is F- and hexadecimal digits, such as F-1a2b3c4d", id)
	}
	return nil
}

// Check says why a finding that was read from a file cannot be used.
func (f *Finding) Check() error {
	if err := CheckFindingID(f.ID); err != nil {
		return err
	}
	if len(f.Tests) > mostTests {
		return fmt.Errorf("finding %s: names %d tests: at most %d are read", f.ID, len(f.Tests), mostTests)
	}
	if err := f.Schedule.Check(); err != nil {
		return fmt.Errorf("finding %s: %w", f.ID, err)
	}
	if f.Original != nil {
		if err := f.Original.Check(); err != nil {
			return fmt.Errorf("finding %s: %w", f.ID, err)
		}
	}
	return nil
}

// Check says why a schedule is out of bounds. Whether its actions are known is
// found out when it is carried out.
func (s *Schedule) Check() error {
	if len(s.Decisions) > MostDecisions {
		return fmt.Errorf("schedule: %d decisions: at most %d are read", len(s.Decisions), MostDecisions)
	}
	for i := range s.Decisions {
		d := &s.Decisions[i]
		for _, t := range []Duration{d.Delay, d.Timeout, d.Period, d.Phase} {
			if t < 0 || time.Duration(t) > LongestDelay {
				return fmt.Errorf("schedule: decision %d: a time of %s: want 0 to %s", i+1, t, LongestDelay)
			}
		}
		if d.Chunk < 0 {
			return fmt.Errorf("schedule: decision %d: chunks of %d bytes", i+1, d.Chunk)
		}
	}
	return nil
}

// Check says why a result that was read from a file cannot be used.
func (r *Result) Check() error {
	for i := range r.Findings {
		if err := r.Findings[i].Check(); err != nil {
			return err
		}
	}
	for i := range r.Tests {
		t := &r.Tests[i]
		for _, id := range t.Findings {
			if err := CheckFindingID(id); err != nil {
				return fmt.Errorf("test %.60q: %w", t.Name, err)
			}
		}
		for j := range t.Groups {
			if id := t.Groups[j].Finding; id != "" {
				if err := CheckFindingID(id); err != nil {
					return fmt.Errorf("test %.60q: %w", t.Name, err)
				}
			}
		}
		if t.Runs < 0 || t.Failures < 0 || t.Skips < 0 || t.Infra < 0 {
			return fmt.Errorf("test %.60q: a negative count", t.Name)
		}
	}
	if r.TrialsAsked < 0 || r.TrialsDone < 0 || r.Workers < 0 {
		return errors.New("a negative number of trials or workers")
	}
	return nil
}
