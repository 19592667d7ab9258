package reports

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// escapes matches terminal control sequences (ECMA-48): CSI, OSC, DCS and its
// kin, and the two-byte ones. A string sequence ends at its line's end at the
// latest, so that an unterminated one does not swallow the rest.
var escapes = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]`)

// plain makes text that any program may show: terminal sequences are gone,
// control characters have become their pictures (NUL is ␀), bytes that are not
// UTF-8, non-characters and the marks that reorder text have become U+FFFD.
// What is left holds only characters of XML 1.0.
func plain(s string) string {
	if strings.IndexByte(s, 0x1b) >= 0 {
		s = escapes.ReplaceAllString(s, "")
	}
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
		case r < ' ':
			r += 0x2400
		case r == 0x7f:
			r = 0x2421
		case r < 0xa0 && r > 0x7f, // C1: some terminals obey them
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, // direction marks
			r == 0x2028, r == 0x2029,
			r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cut shortens s to at most n bytes and says how much was left out.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	kept := phrase.Cut(s, n)
	return fmt.Sprintf("%s… (%d more bytes)", kept, len(s)-len(kept))
}

// block is plain text of several lines, at most n bytes of the original.
func block(s string, n int) string { return strings.TrimRight(plain(cut(s, n)), " \n\t") }

// oneLine is plain text in a single line, at most n bytes of the original.
func oneLine(s string, n int) string {
	return phrase.OneLine(plain(cut(s, n)))
}

// Line is text in a single line that any terminal may show.
func Line(s string) string { return oneLine(s, 2000) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// percent writes a rate with as many digits as it needs: 100 %, 13.9 %, 0.17 %, 0.003 %.
func percent(rate float64) string {
	v := rate * 100
	switch {
	case v == 0 || v == 100:
		return fmt.Sprintf("%.0f %%", v)
	case v > 99.9: // must not be rounded up to certainty
		return fmt.Sprintf("%.3f %%", min(v, 99.999))
	case v >= 1:
		return fmt.Sprintf("%.1f %%", v)
	case v >= 0.01:
		return fmt.Sprintf("%.2f %%", v)
	}
	return fmt.Sprintf("%.2g %%", v)
}

// short writes a duration in three digits: 1.53 ms, 203 ms, 12.4 s, 3 min 20 s.
func short(d harness.Duration) string {
	t := time.Duration(d)
	if t < 0 {
		return "−" + short(-max(d, -math.MaxInt64)) // the least of all has no opposite
	}
	switch {
	case t == 0:
		return "0"
	case t < time.Microsecond:
		return fmt.Sprintf("%d ns", t.Nanoseconds())
	case t < time.Millisecond:
		return digits(float64(t)/1e3) + " µs"
	case t < time.Second:
		return digits(float64(t)/1e6) + " ms"
	case t < time.Minute:
		return digits(float64(t)/1e9) + " s"
	case t < time.Hour:
		t = t.Round(time.Second)
		return fmt.Sprintf("%d min %d s", t/time.Minute, t%time.Minute/time.Second)
	}
	t = t.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", t/time.Hour, t%time.Hour/time.Minute)
}

// digits writes v with three significant digits and no trailing zeros.
func digits(v float64) string {
	places := 2
	switch {
	case v >= 100:
		places = 0
	case v >= 10:
		places = 1
	}
	s := fmt.Sprintf("%.*f", places, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// count writes "1 test", "3 tests".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
