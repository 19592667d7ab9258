package predict

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// reading is a value in a command that is the present time, or the present time
// and a round while.
type reading struct {
	act  *act
	text string
	unit time.Duration
	now  time.Time // the reading itself, the while taken off
	off  time.Duration
	slot bool // text is the number of a window of time that is unit long
}

// clockForm is a number of ten digits, seconds, or of thirteen, milliseconds, by
// itself in a word, or in text.
var clockForm = regexp.MustCompile(`(?:^|[^\d.])(1\d{9}(?:\d{3})?)(?:\.\d+)?(?:[^\d]|$)`)

// dateForm is date and time to the second, with or without marks between; timeForm
// the time of day alone.
var (
	dateForm = regexp.MustCompile(`(?:^|\D)(20\d\d)[-/.]?(0[1-9]|1[0-2])[-/.]?(0[1-9]|[12]\d|3[01])[T _:.-]?([01]\d|2[0-3])[:_.-]?([0-5]\d)[:_.-]?([0-5]\d)(?:\D|$)`)
	timeForm = regexp.MustCompile(`(?:^|\D)([01]\d|2[0-3])[:_.-]?([0-5]\d)[:_.-]?([0-5]\d)(?:\D|$)`)
)

// maxScan is how much of a word is searched.
const maxScan = 512

// TellsTime is the first command from a moment on that holds the present time, in a
// word or in a key; nil: none does.
func TellsTime(t *detect.Trace, from time.Duration) *detect.Command {
	var none *effects.Knowledge // no script is known but those of the history
	for _, r := range readings(t, newScene(t, Facts{Scripts: none.Clone()}).acts) {
		// The time in an entry's ID is Redis's own, and the same whoever sends it back.
		if r.act.Arrived >= from && r.act.part == body && !strings.HasPrefix(r.act.Verb, "X") {
			return r.act.Command
		}
	}
	return nil
}

// readings finds the times in commands, in order.
func readings(t *detect.Trace, acts []*act) []reading {
	var out []reading
	for _, a := range acts {
		found := 0
		for _, w := range a.Words[1:] {
			w = w[:min(len(w), maxScan)]
			for _, m := range clockForm.FindAllStringSubmatch(w, 2) {
				if r, ok := readNumber(t, a, m[1]); ok && found < 3 {
					out = append(out, r)
					found++
				}
			}
			if r, ok := readSlot(t, a, w); ok && found < 3 {
				out = append(out, r)
				found++
			}
			if r, ok := readWritten(t, a, w); ok && found < 3 {
				out = append(out, r)
				found++
			}
		}
		if a.Verb == "TIME" && len(a.Result) == 2 {
			if r, ok := readNumber(t, a, a.Result[0]); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

// readNumber judges one number. Where the machine's clock is known for the trial,
// it must show about that time, or a round while before or after it.
func readNumber(t *detect.Trace, a *act, text string) (reading, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return reading{}, false
	}
	r := reading{act: a, text: text, unit: time.Second, now: time.Unix(n, 0)}
	if len(text) == 13 {
		r.unit, r.now = time.Millisecond, time.UnixMilli(n)
	}
	now, ok := t.Wall(a.Arrived)
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

// slotForm is a number that may count windows of time, in a key or by itself.
var slotForm = regexp.MustCompile(`(?:^|\D)([1-9]\d{6,11})(?:\D|$)`)

// sure is how far apart the numbers of neighbouring window lengths have to be for
// one of them to be no chance.
const sure = 100

// readSlot finds the number of a window of time, such as rate limiters count in: the
// time in milliseconds divided by a whole number of them. The longer the window, the
// more numbers are one of some length: from about two minutes on none is told.
func readSlot(t *detect.Trace, a *act, text string) (reading, bool) {
	now, ok := t.Wall(a.Arrived)
	if !ok || len(text) > mostWritten || strings.ContainsAny(text, "{[") {
		return reading{}, false
	}
	for _, m := range slotForm.FindAllStringSubmatch(text, 2) {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n <= 0 || clockForm.MatchString(m[1]) {
			continue
		}
		at := now.UnixMilli()
		for _, length := range []int64{at / n, at/n + 1} {
			late := at - n*length // since the window began
			if length < 2 || at/(length*length) < sure || late < -tolerance.Milliseconds() || late > length+tolerance.Milliseconds() {
				continue
			}
			return reading{act: a, text: m[1], unit: time.Duration(length) * time.Millisecond, now: time.UnixMilli(n * length), slot: true}, true
		}
	}
	return reading{}, false
}

// mostWritten is how long a key or value may be of which a written time is a part.
const mostWritten = 64

// readWritten judges a time as people write it. The suite's time zone is not known: it
// is any number of quarters of an hour away. A time of day alone is one only where
// the machine's clock shows the same seconds. In a longer text, such as a message's
// envelope, a date says when it was made, and hardly a test compares it.
func readWritten(t *detect.Trace, a *act, text string) (reading, bool) {
	if len(text) > mostWritten || strings.ContainsAny(text, "{[") {
		return reading{}, false
	}
	now, known := t.Wall(a.Arrived)
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		clock := timeForm.FindStringSubmatch(text)
		if clock == nil || !known {
			return reading{}, false
		}
		m = append([]string{clock[0], now.UTC().Format("2006"), now.UTC().Format("01"), now.UTC().Format("02")}, clock[1:]...)
	}
	at, err := time.Parse("20060102150405", strings.Join(m[1:], ""))
	if err != nil {
		return reading{}, false
	}
	r := reading{act: a, text: strings.Trim(m[0], "/: "), unit: time.Second, now: at}
	if !known {
		return r, true
	}
	off := at.Sub(now)
	zone := off.Round(15 * time.Minute)
	if (off-zone).Abs() > tolerance || zone.Abs() > 24*time.Hour {
		return reading{}, false
	}
	r.off, r.now = zone, at.Add(-zone)
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
