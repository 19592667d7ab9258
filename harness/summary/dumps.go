package summary

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	dumpLeast = 24 // so many numbers in a row are a dump
	dumpKept  = 8  // numbers of a dump that stay
	dumpText  = 40 // bytes of its text that are shown
	hexKept   = 32 // digits of a long run of hex that stay
	rowsKept  = 2  // lines of a dump over many lines that stay
)

var (
	// numbers is a byte slice as Go (%v, %#v, Gomega), JavaScript and Python print one.
	numbers = regexp.MustCompile(`\b(?:(?:0x[0-9a-fA-F]{1,2}|\d{1,3})(?:, ?| )){` + strconv.Itoa(dumpLeast-1) + `,}(?:0x[0-9a-fA-F]{1,2}|\d{1,3})\b`)
	buffer  = regexp.MustCompile(`<Buffer (?:[0-9a-fA-F]{2} ){` + strconv.Itoa(dumpLeast-1) + `,}[0-9a-fA-F]{2}\b`)
	// pairs is a byte slice as %x with spaces prints it.
	pairs   = regexp.MustCompile(`\b(?:[0-9a-fA-F]{2} ){` + strconv.Itoa(dumpLeast-1) + `,}[0-9a-fA-F]{2}\b`)
	hexRun  = regexp.MustCompile(`\b[0-9a-fA-F]{96,}\b`)
	escapes = regexp.MustCompile(`(?:\\x[0-9a-fA-F]{2}){` + strconv.Itoa(dumpLeast) + `,}`)
	// row is a line of a dump that has one: a number of a diff, or a hex dump's offset and bytes.
	row     = regexp.MustCompile(`^\s*[-+]?\s*(?:(?:0x[0-9a-fA-F]{1,2}|\d{1,3}),?|"?[0-9a-f]{8}"?:?\s+(?:[0-9a-f]{2}\s+){4,}.*)\s*$`)
	element = regexp.MustCompile(`0x[0-9a-fA-F]{1,2}|\d{1,3}`)
)

// Shorten cuts the dumps of byte slices out of a message, so that what is said
// about them stays in sight: their first bytes stay, their text if they are
// text, and their number.
func Shorten(message string) string {
	if len(message) < 2*dumpLeast {
		return message
	}
	message = buffer.ReplaceAllStringFunc(message, func(dump string) string {
		const start = len("<Buffer ")
		return dump[:start+3*dumpKept] + fmt.Sprintf("… (%d bytes)", (len(dump)-start+1)/3)
	})
	message = numbers.ReplaceAllStringFunc(message, func(dump string) string {
		all := element.FindAllString(dump, -1)
		sep := " "
		if strings.Contains(dump, ",") {
			sep = ", "
		}
		return strings.Join(all[:dumpKept], sep) + sep + "…" + textOf(all) + fmt.Sprintf(" (%d numbers)", len(all))
	})
	message = pairs.ReplaceAllStringFunc(message, func(dump string) string {
		return dump[:3*dumpKept] + fmt.Sprintf("… (%d bytes)", (len(dump)+1)/3)
	})
	message = hexRun.ReplaceAllStringFunc(message, func(dump string) string {
		return dump[:hexKept] + fmt.Sprintf("… (%d digits)", len(dump))
	})
	message = escapes.ReplaceAllStringFunc(message, func(dump string) string {
		return dump[:4*dumpKept] + fmt.Sprintf("… (%d bytes)", len(dump)/4)
	})
	return rows(message)
}

// textOf gives the text that bytes are, quoted; nothing when they are none.
func textOf(all []string) string {
	var text []byte
	for _, e := range all {
		n, err := strconv.ParseUint(strings.TrimPrefix(e, "0x"), map[bool]int{true: 16, false: 10}[strings.HasPrefix(e, "0x")], 8)
		if err != nil || n < ' ' && n != '\n' && n != '\r' && n != '\t' || n > '~' {
			return ""
		}
		text = append(text, byte(n))
	}
	if len(text) > dumpText {
		return " " + strconv.Quote(string(text[:dumpText])) + "…"
	}
	return " " + strconv.Quote(string(text))
}

// rows cuts a dump that has one number, or one row, a line.
func rows(message string) string {
	if strings.Count(message, "\n") < 3*rowsKept {
		return message
	}
	var out []string
	run, sign := 0, ""
	end := func() {
		if run > rowsKept {
			out = append(out, fmt.Sprintf("%s… (%d lines)", sign, run-rowsKept))
		}
		run = 0
	}
	for l := range strings.SplitSeq(message, "\n") {
		if !row.MatchString(l) {
			end()
			out = append(out, l)
			continue
		}
		if now := signOf(l); now != sign { // a diff's old and new lines are two dumps
			end()
			sign = now
		}
		if run++; run <= rowsKept {
			out = append(out, l)
		}
	}
	end()
	return strings.Join(out, "\n")
}

// signOf is the sign of a diff's line, with a space; empty without one.
func signOf(line string) string {
	if line = strings.TrimLeft(line, " "); line != "" && (line[0] == '-' || line[0] == '+') {
		return line[:1] + " "
	}
	return ""
}
