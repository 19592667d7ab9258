package reports

import (
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Colours of the 16 that every terminal has and its user may have chosen.
const (
	red, green, yellow, magenta, dim, bold = "31", "32", "33", "35", "2", "1"
)

// screen lays out text for a terminal.
type screen struct {
	strings.Builder
	color bool
	width int
}

func (s *screen) paint(code, text string) string {
	if !s.color || text == "" || code == "0" { // "0": as the terminal is
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// fit cuts text at n columns.
func fit(text string, n int) string { return runewidth.Truncate(text, max(n, 1), "…") }

// fitName cuts a name in its middle: the end tells tests apart.
func fitName(name string, n int) string {
	if runewidth.StringWidth(name) <= n {
		return name
	}
	head := runewidth.Truncate(name, n/3, "") + "…"
	room := n - runewidth.StringWidth(head)
	from := len(name)
	for from > 0 {
		r, size := utf8.DecodeLastRuneInString(name[:from])
		if room -= runewidth.RuneWidth(r); room < 0 {
			break
		}
		from -= size
	}
	return head + name[from:]
}

// pad fills text with blanks to n columns.
func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-runewidth.StringWidth(text)))
}

// para writes text wrapped at the width, each line indented.
func (s *screen) para(indent int, code, text string) {
	lead := strings.Repeat(" ", indent)
	for line := range strings.SplitSeq(wrap(text, s.width-indent), "\n") {
		s.WriteString(lead + s.paint(code, line) + "\n")
	}
}

// facts writes items parted by dots, none of them broken if it fits a line.
func (s *screen) facts(indent int, code string, items []string) {
	line := ""
	for _, item := range items {
		next := line + " · " + item
		if line == "" {
			next = item
		} else if runewidth.StringWidth(next) > s.width-indent {
			s.para(indent, code, line)
			next = item
		}
		line = next
	}
	if line != "" {
		s.para(indent, code, line)
	}
}

// wrap breaks text at blanks into lines of at most n columns; a longer word is cut into pieces.
func wrap(text string, n int) string {
	n = max(n, 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for runewidth.StringWidth(word) > n {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := runewidth.Truncate(word, n, "")
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return strings.Join(append(lines, line), "\n")
}
