package effects

import (
	"strconv"
	"strings"
	"time"
)

// Call is a command as MONITOR showed it, with what it ran: the commands of a
// script or function, or those of a transaction.
type Call struct {
	At    time.Duration // since the epoch, by the server's clock
	DB    int
	Addr  string // of the client
	Args  []string
	Inner [][]string
}

// MonitorLine is one line of MONITOR.
type MonitorLine struct {
	At     time.Duration
	DB     int
	Addr   string // of the client; lua for what a script ran
	Args   []string
	Script bool // run by a script or function
}

// ParseMonitor reads a line such as
//
//	1700000000.123456 [0 127.0.0.1:6379] "set" "k" "a\x00b"
//
// It reports false for what is not such a line.
func ParseMonitor(line string) (MonitorLine, bool) {
	line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "+")
	stamp, rest, ok := strings.Cut(line, " [")
	if !ok {
		return MonitorLine{}, false
	}
	who, words, ok := strings.Cut(rest, "] \"")
	if !ok {
		return MonitorLine{}, false
	}
	db, addr, ok := strings.Cut(who, " ")
	n, err := strconv.Atoi(db)
	if !ok || err != nil {
		return MonitorLine{}, false
	}
	at, ok := parseStamp(stamp)
	if !ok {
		return MonitorLine{}, false
	}
	m := MonitorLine{At: at, DB: n, Addr: addr, Script: addr == "lua"}
	words = `"` + words
	for words != "" {
		word, tail, ok := unquote(words)
		if !ok {
			return MonitorLine{}, false
		}
		m.Args = append(m.Args, word)
		words = strings.TrimPrefix(tail, " ")
	}
	return m, true
}

// parseStamp reads seconds and microseconds.
func parseStamp(s string) (time.Duration, bool) {
	sec, micro, ok := strings.Cut(s, ".")
	a, err1 := strconv.ParseInt(sec, 10, 64)
	b, err2 := strconv.ParseInt(micro, 10, 64)
	if !ok || err1 != nil || err2 != nil || a < 0 || a > 1<<32 || b < 0 || b >= 1e6 || len(micro) != 6 {
		return 0, false
	}
	return time.Duration(a)*time.Second + time.Duration(b)*time.Microsecond, true
}

// unquote takes a quoted word, escaped as sdscatrepr does it, off the front.
func unquote(s string) (word, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	plain := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'b': '\b', '"': '"', '\\': '\\'}
	b := make([]byte, 0, 16)
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return string(b), s[i+1:], true
		case c != '\\':
			b = append(b, c)
		case i+1 < len(s) && plain[s[i+1]] != 0:
			i++
			b = append(b, plain[s[i]])
		case i+3 < len(s) && s[i+1] == 'x':
			n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return "", "", false
			}
			i += 3
			b = append(b, byte(n))
		default:
			return "", "", false
		}
	}
	return "", "", false
}

// FromMonitor gathers lines to calls: the lines of a script follow that of the
// command that ran it, and those of a transaction lie between its client's
// MULTI and EXEC. What is no line of MONITOR is left out.
func FromMonitor(lines []string) []Call {
	var out []Call
	last := -1                   // the call that what lua did belongs to
	queued := map[string][]int{} // by client: its calls since MULTI
	open := map[string]bool{}
	for _, text := range lines {
		m, ok := ParseMonitor(text)
		if !ok || len(m.Args) == 0 {
			continue
		}
		if m.Script {
			if last >= 0 && Script(Name(out[last].Args)) {
				out[last].Inner = append(out[last].Inner, m.Args)
			}
			continue
		}
		c := Call{At: m.At, DB: m.DB, Addr: m.Addr, Args: m.Args}
		switch Name(m.Args) {
		case "MULTI":
			open[m.Addr], queued[m.Addr] = true, nil
		case "DISCARD":
			open[m.Addr], queued[m.Addr] = false, nil
		case "EXEC":
			for _, i := range queued[m.Addr] {
				if inner := out[i].Inner; len(inner) > 0 {
					c.Inner = append(c.Inner, inner...)
				} else {
					c.Inner = append(c.Inner, out[i].Args)
				}
			}
			open[m.Addr], queued[m.Addr] = false, nil
		default:
			if open[m.Addr] {
				queued[m.Addr] = append(queued[m.Addr], len(out))
			}
		}
		out = append(out, c)
		last = len(out) - 1
	}
	return out
}

// Script reports whether a command runs a script or a function.
func Script(verb string) bool {
	switch verb {
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO":
		return true
	}
	return false
}
