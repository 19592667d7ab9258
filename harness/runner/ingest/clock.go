package ingest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// clock reads the durations of one report. "1,234" is 1234 s where commas part
// thousands and 1.234 s where a comma is the decimal point; the other durations
// of the report tell which.
type clock struct {
	dots bool // a duration had a decimal point
}

var (
	thousands = regexp.MustCompile(`^[1-9]\d{0,2}(,\d{3})+(\.\d*)?$`)
	isoTime   = regexp.MustCompile(`^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$`)
	clockTime = regexp.MustCompile(`^(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)$`)
)

// longest is the longest duration that is believed: about four months.
const longest = 1e7 // seconds

// read sets a case's duration: seconds ("0.125", Surefire's "1,234.5", "0,125"),
// or a number with a unit ("250ms", "1.5s"), or hours, minutes and seconds
// ("00:00:01.5", "PT1.5S").
func (c *clock) read(s string, to *Case) error {
	whole := s
	to.Duration, to.comma = 0, false
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	f, ok := seconds(s)
	if !ok && strings.Contains(s, ",") {
		switch decimal := strings.Replace(s, ",", ".", 1); {
		case strings.Count(s, ",") == 1 && thousands.MatchString(s) && !strings.Contains(s, "."):
			to.comma = true
			f, ok = seconds(decimal)
		case thousands.MatchString(s):
			f, ok = seconds(strings.ReplaceAll(s, ",", ""))
		default:
			f, ok = seconds(decimal)
		}
	}
	c.dots = c.dots || strings.Contains(s, ".")
	if !ok || math.IsNaN(f) || f < 0 || f > longest {
		to.comma = false
		return fmt.Errorf("the report's duration %.40q is none", whole)
	}
	to.Duration = harness.Duration(math.Round(f * float64(time.Second)))
	return nil
}

// resolve decides about the durations that can be read both ways.
func (c *clock) resolve(cases []Case) {
	for i := range cases {
		if cases[i].comma && c.dots {
			cases[i].Duration *= 1000
		}
	}
}

func seconds(s string) (float64, bool) {
	if f, err := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64); err == nil {
		return f, true
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(s, " ", "")); err == nil {
		return d.Seconds(), true
	}
	var parts []string // days, hours, minutes, seconds
	if m := isoTime.FindStringSubmatch(s); m != nil && s != "PT" {
		parts = append([]string{""}, m[1:]...)
	} else if m := clockTime.FindStringSubmatch(s); m != nil {
		parts = m[1:]
	} else {
		return 0, false
	}
	total := 0.0
	for i, unit := range []float64{24 * 3600, 3600, 60, 1} {
		if parts[i] == "" {
			continue
		}
		f, err := strconv.ParseFloat(parts[i], 64)
		if err != nil {
			return 0, false
		}
		total += f * unit
	}
	return total, true
}

// layouts are the forms of a time that reporters write. A comma before the
// fraction is taken too: package time does that.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05 MST", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 MST",
	"2006-01-02 15:04:05 -0700 MST", // Go's own
	"2006/01/02 15:04:05", "20060102T150405Z0700", "20060102T150405",
	time.RFC1123, time.RFC1123Z, time.RFC850, time.RFC822, time.RFC822Z, time.ANSIC, time.UnixDate, time.RubyDate,
	"Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05",
	"Mon Jan 2 2006 15:04:05 GMT-0700", "1/2/2006 3:04:05 PM",
}

var zoneWord = regexp.MustCompile(` \([^)]*\)$`) // JavaScript: "… GMT+0100 (CET)"

// timestamp reads the first that is a time; without a zone it is taken as UTC.
// A number is seconds, milliseconds, microseconds or nanoseconds since 1970, by
// its size. Times before 1990 are what reporters write that know none.
func timestamp(texts ...string) time.Time {
	for _, s := range texts {
		if t := instant(strings.TrimSpace(s)); t.Year() >= 1990 && t.Year() < 2200 {
			return t
		}
	}
	return time.Time{}
}

func instant(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		for f > 1e11 { // seconds of the year 5138
			f /= 1000
		}
		if f > 0 {
			return time.UnixMicro(int64(math.Round(f * 1e6))).UTC()
		}
		return time.Time{}
	}
	s = zoneWord.ReplaceAllString(s, "")
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
