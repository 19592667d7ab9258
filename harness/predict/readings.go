package predict

import (
	"regexp"
	"strconv"
	"time"
)

// reading is a value in a command that is the present time, or the present time
// and a round while.
type reading struct {
	act  *act
	text string
	unit time.Duration
	now  time.Time // the reading itself, the while taken off
	off  time.Duration
}

// clockForm is a number of ten digits, seconds, or of thirteen, milliseconds, by
// itself in a word, or in text.
var clockForm = regexp.MustCompile(`(?:^|[^\d.])(1\d{9}(?:\d{3})?)(?:\.\d+)?(?:[^\d]|$)`)

// maxScan is how much of a word is searched.
const maxScan = 512

// readings finds the times in commands, in order.
func (s *scene) readings() []reading {
	var out []reading
	for _, a := range s.acts {
		found := 0
		for _, w := range a.Words[1:] {
			for _, m := range clockForm.FindAllStringSubmatch(w[:min(len(w), maxScan)], 2) {
				if r, ok := s.reading(a, m[1]); ok && found < 3 {
					out = append(out, r)
					found++
				}
			}
		}
		if a.Verb == "TIME" && len(a.Result) == 2 {
			if r, ok := s.reading(a, a.Result[0]); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

// reading judges one number. Where the machine's clock is known for the trial,
// it must show about that time, or a round while before or after it.
func (s *scene) reading(a *act, text string) (reading, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return reading{}, false
	}
	r := reading{act: a, text: text, unit: time.Second, now: time.Unix(n, 0)}
	if len(text) == 13 {
		r.unit, r.now = time.Millisecond, time.UnixMilli(n)
	}
	now, ok := s.t.Wall(a.Arrived)
	if !ok {
		return r, true
	}
	off := r.now.Sub(now)
	round := off.Round(roundness(off))
	if (off-round).Abs() > tolerance || off.Abs() > 400*24*time.Hour {
		return reading{}, false
	}
	r.off, r.now = round, r.now.Add(-round)
	return r, true
}

// tolerance is by how much the clock that a trial's start was noted by may differ
// from what a command shows: it was noted by whoever ran the test, and a value in
// seconds is up to one behind.
const tolerance = 3 * time.Second

// roundness is to what a while is rounded: the longer, the rounder.
func roundness(d time.Duration) time.Duration {
	switch d = d.Abs(); {
	case d < 3*time.Minute:
		return 10 * time.Second
	case d < 3*time.Hour:
		return time.Minute
	}
	return time.Hour
}
