package gate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Entry excuses one known flake for a time.
type Entry struct {
	Test        string    // the test's name; empty: any test with the fingerprint
	Fingerprint string    // of a failure or a finding, or a finding's ID; empty: all failures that history knows of the test
	Owner       string    // who mends it
	Reason      string    // why it may wait
	Expires     time.Time // last day, in UTC; the end of that day
	Line        int       // in the file
}

// what names the entry for a person.
func (e Entry) what() string {
	switch {
	case e.Test == "":
		return "fingerprint " + e.Fingerprint
	case e.Fingerprint == "":
		return e.Test
	}
	return e.Test + " (" + e.Fingerprint + ")"
}

// Expired reports whether the entry's last day is over.
func (e Entry) Expired(now time.Time) bool { return !now.UTC().Before(e.Expires.AddDate(0, 0, 1)) }

// Quarantine is the list of excused flakes.
type Quarantine struct {
	File    string // for messages
	Entries []Entry
}

// mostEntries bounds a quarantine: each entry is looked at for each test.
const mostEntries = 5000

// quarantineForm is shown when a file is wrong.
const quarantineForm = `want
  quarantine:
    - test: NAME            # or fingerprint: HEX, or both
      owner: TEAM
      reason: TEXT
      expires: 2026-12-31`

// ParseQuarantine reads a quarantine file: YAML with one key, quarantine, a
// list of entries of test or fingerprint (or both), owner, reason and expires
// (YYYY-MM-DD). Every error names the line and how to mend it. An empty file
// is an empty list.
func ParseQuarantine(file string, text []byte) (*Quarantine, error) {
	q := &Quarantine{File: file}
	if n := bytes.Count(text, []byte("expires")); n > mostEntries || len(text) > mostEntries<<10 {
		return nil, fmt.Errorf("quarantine %s: about %d entries in %d KiB: at most %d are read, and so many flakes are no exception any more: mend some, or split the file by pipeline", file, n, len(text)>>10, mostEntries)
	}
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return q, nil
		}
		return nil, fmt.Errorf("quarantine %s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return q, nil
	}
	wrong := func(n *yaml.Node, format string, args ...any) error {
		return fmt.Errorf("quarantine %s:%d: %s", file, n.Line, fmt.Sprintf(format, args...))
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, wrong(top, "%s", quarantineForm)
	}
	for i := 0; i < len(top.Content); i += 2 {
		key, list := top.Content[i], top.Content[i+1]
		if key.Value != "quarantine" {
			return nil, wrong(key, "unknown key %q; %s", key.Value, quarantineForm)
		}
		if list.Tag == "!!null" {
			continue
		}
		if list.Kind != yaml.SequenceNode {
			return nil, wrong(list, "quarantine is no list; %s", quarantineForm)
		}
		for _, n := range list.Content {
			e, err := parseEntry(n, wrong)
			if err != nil {
				return nil, err
			}
			q.Entries = append(q.Entries, e)
		}
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("quarantine %s: holds more than one document: join them", file)
	}
	return q, nil
}

func parseEntry(n *yaml.Node, wrong func(*yaml.Node, string, ...any) error) (Entry, error) {
	e := Entry{Line: n.Line}
	if n.Kind != yaml.MappingNode {
		return e, wrong(n, "an entry is no mapping; %s", quarantineForm)
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			return e, wrong(key, "%s is given twice: delete one", key.Value)
		}
		seen[key.Value] = true
		if value.Kind != yaml.ScalarNode {
			return e, wrong(value, "%s: want one value", key.Value)
		}
		text := strings.TrimSpace(value.Value)
		if value.Tag == "!!null" {
			text = ""
		}
		switch key.Value {
		case "test":
			e.Test = text
		case "fingerprint":
			e.Fingerprint = text
		case "owner":
			e.Owner = text
		case "reason":
			e.Reason = text
		case "expires":
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				return e, wrong(value, "expires %q: want a day, as in 2026-12-31", text)
			}
			e.Expires = day
		default:
			return e, wrong(key, "unknown key %q: want test, fingerprint, owner, reason, expires", key.Value)
		}
	}
	switch {
	case e.Test == "" && e.Fingerprint == "":
		return e, wrong(n, "an entry names neither test nor fingerprint: add one")
	case e.Owner == "":
		return e, wrong(n, "%s has no owner: say who mends it", e.what())
	case e.Reason == "":
		return e, wrong(n, "%s has no reason: say why it may wait", e.what())
	case e.Expires.IsZero():
		return e, wrong(n, "%s never expires: add expires: YYYY-MM-DD", e.what())
	}
	return e, nil
}

// covers reports whether the entry excuses a failure of a test. known says
// whether history saw this failure of the test before; with no history at all
// it is nil, and an entry without a fingerprint excuses whatever it was.
func (e Entry) covers(test string, names []string, known *bool) bool {
	if e.Test != "" && e.Test != test {
		return false
	}
	if e.Fingerprint == "" {
		return known == nil || *known
	}
	for _, n := range names {
		if n != "" && strings.EqualFold(n, e.Fingerprint) {
			return true
		}
	}
	return false
}

// naming gives the first entry that names the test, expired or not.
func (q *Quarantine) naming(test string) *Entry {
	if q == nil {
		return nil
	}
	for i := range q.Entries {
		if q.Entries[i].Test == test {
			return &q.Entries[i]
		}
	}
	return nil
}

func (q *Quarantine) file() string {
	if q == nil {
		return "a quarantine file (--quarantine)"
	}
	return cmp.Or(q.File, "the quarantine file")
}
