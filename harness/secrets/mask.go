// Package secrets masks what is known to be a credential in whatever is written:
// values of the user's flags, URLs and variables, and those that a suite was seen
// to send to Redis. It guesses nothing from how a value looks.
//
// It must do no I/O, and never put a secret into an error.
package secrets

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Redacted stands in place of a secret, as in Redis' own MONITOR.
const Redacted = "(redacted)"

// most bounds how many secrets are known at once: a suite that makes a password
// for each test must not make writing slow.
const most = 4096

// Mask knows secrets. The nil Mask knows none. It is safe for concurrent use.
type Mask struct {
	// Named, if set, gives a text as it stands in the names of points, whose numbers
	// are taken out. It must be set before the first use.
	Named func(string) string

	mu       sync.RWMutex
	values   map[string]bool // masked wherever they stand
	settings map[string]bool // NAME=VALUE and the like: masked as a whole
	replacer *strings.Replacer
}

// New makes a mask that knows nothing yet.
func New() *Mask { return &Mask{values: map[string]bool{}, settings: map[string]bool{}} }

// strong reports whether a value may be masked wherever it stands: "redis" and
// "secret" are passwords, too, and words of every report.
func strong(v string) bool {
	letters := strings.IndexFunc(v, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
	return len(v) >= 14 || len(v) >= 8 && !letters
}

// Add notes values that are secret. A short or plain one is masked only where it
// is a URL's password.
func (m *Mask) Add(values ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range values {
		switch {
		case v == "" || v == Redacted:
		case strong(v):
			m.note(m.values, v)
		default:
			m.note(m.settings, ":"+v+"@")
			m.note(m.settings, ":"+url.QueryEscape(v)+"@")
		}
	}
}

// setting notes name, a sign and a value that is secret: as such it is masked,
// however short.
func (m *Mask) setting(name, value string) {
	m.Add(value)
	if m == nil || value == "" || value == Redacted {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note(m.settings, name+value)
}

// note keeps a text. m.mu is held.
func (m *Mask) note(in map[string]bool, text string) {
	if in[text] || len(in) >= most {
		return
	}
	in[text] = true
	m.replacer = nil
}

// telling reports whether enough is left of a text whose numbers were taken out.
func telling(named string) bool {
	letters, in := 0, false
	for _, r := range named {
		switch {
		case r == '{' || r == '}':
			in = r == '{'
		case !in && unicode.IsLetter(r):
			letters++
		}
	}
	return letters >= 6 && len(named) >= 8
}

// forms are the ways in which a text may stand in a file.
func forms(v string) []string {
	list := []string{v, html.EscapeString(v), url.QueryEscape(v), url.PathEscape(v), url.UserPassword("u", v).String()[2:]}
	for _, s := range []string{v, html.EscapeString(v)} {
		q := strconv.Quote(s)
		list = append(list, q[1:len(q)-1])
		if b, err := json.Marshal(s); err == nil {
			list = append(list, string(b[1:len(b)-1]))
		}
	}
	if len(v) >= 8 {
		list = append(list, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(v)), "="))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// built gives what replaces all that is known; nil: nothing is.
func (m *Mask) built() *strings.Replacer {
	if m == nil {
		return nil
	}
	m.mu.RLock()
	r, none := m.replacer, len(m.values)+len(m.settings) == 0
	m.mu.RUnlock()
	if r != nil || none {
		return r
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var pairs []string
	for _, v := range sorted(m.values) {
		list := forms(v)
		if m.Named != nil {
			if named := m.Named(v); telling(named) {
				list = append(list, forms(named)...)
			}
		}
		for _, form := range list {
			pairs = append(pairs, form, Redacted)
		}
	}
	for _, s := range sorted(m.settings) {
		at := strings.IndexAny(s[1:], "= :") + 2 // behind the sign
		prefix, suffix := s[:at], ""
		if s[0] == ':' {
			prefix, suffix = ":", "@"
		}
		for _, form := range forms(s) {
			pairs = append(pairs, form, prefix+Redacted+suffix)
		}
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m.replacer
}

// sorted gives the longest first: one secret may begin with another.
func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for v := range set {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return list
}

// String gives s with what is secret masked.
func (m *Mask) String(s string) string {
	if r := m.built(); r != nil {
		return r.Replace(s)
	}
	return s
}

// Bytes gives a text of any form with what is secret masked.
func (m *Mask) Bytes(b []byte) []byte {
	if m.built() == nil {
		return b
	}
	return []byte(m.String(string(b)))
}

// Wipe gives b with each byte of a secret replaced, in a copy if there is any: its
// length, and what counts it, stay. A secret that b ends in the middle of counts.
func (m *Mask) Wipe(b []byte) []byte {
	if m == nil {
		return b
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	s, own := string(b), false
	for v := range m.values {
		for from := 0; ; {
			i := strings.Index(s[from:], v)
			n := len(v)
			if i < 0 {
				if n = cutAt(s[from:], v); n == 0 {
					break
				}
				i = len(s) - from - n
			}
			if !own {
				b, own = []byte(s), true
			}
			for k := range n {
				b[from+i+k] = '*'
			}
			from += i + n
		}
	}
	return b
}

// cutAt says how many bytes of v, eight or more, end s.
func cutAt(s, v string) int {
	for n := min(len(v)-1, len(s)); n >= 8; n-- {
		if strings.HasSuffix(s, v[:n]) {
			return n
		}
	}
	return 0
}

// Writer masks what is written to w, each write by itself.
func (m *Mask) Writer(w io.Writer) io.Writer {
	if m == nil {
		return w
	}
	return &writer{m, w}
}

type writer struct {
	m *Mask
	w io.Writer
}

// Write reports all of p as written, or none.
func (w *writer) Write(p []byte) (int, error) {
	if _, err := w.w.Write(w.m.Bytes(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap gives what is written to.
func (w *writer) Unwrap() io.Writer { return w.w }
