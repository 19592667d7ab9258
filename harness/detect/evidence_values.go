package detect

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a failure says is prose, in any language and of any framework: no detector
// decides by its words. What ties it to the wire are values that stand in both:
// numbers of messages, a payload, a reply. Words only rank.

const (
	// fewNumbers is how many numbers a message may hold for them to be told apart.
	fewNumbers = 4
	// telling is how long a value is at least that does not stand in a message by chance.
	telling = 4
)

var (
	wholeNumber = regexp.MustCompile(`(?:^|[^\w.:+-])(\d{1,6})(?:$|[.,;:)\]]?(?:$|[^\w.]))`)
	expected    = regexp.MustCompile(`expected (\d+)[^,;]*[,;] *(?:received|got|saw|actual:?) (\d+)`)
	waitForm    = regexp.MustCompile(`(?:^|[^\w.])(\d[\d.]*(?:µs|us|ms|s|m))\b`)
)

// numbers lists the whole numbers of the failure's message, each once, in order;
// nil if there are too many to tell what they stand for.
func (m message) numbers() []int {
	var out []int
	rest := string(m)
	for {
		at := wholeNumber.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		if n, err := strconv.Atoi(rest[at[2]:at[3]]); err == nil && !slices.Contains(out, n) {
			out = append(out, n)
		}
		rest = rest[at[3]:]
	}
	if len(out) > fewNumbers {
		return nil
	}
	return out
}

// shortfall tells from the failure how many messages the test wanted and how many
// it had, if that can be tied to the wire: one number is a multiple of the
// messages that were published on a channel (several handlers may have each), and
// the other is not. Where both are, or one says nothing, the form "expected 2 …,
// received 1" tells which is which.
func shortfall(t *Trace) (want, got int, ok bool) {
	if len(t.onChannel) == 0 {
		return 0, 0, false
	}
	if m := expected.FindStringSubmatch(string(t.message())); m != nil {
		want, _ = strconv.Atoi(m[1])
		got, _ = strconv.Atoi(m[2])
		return want, got, multipleOfPublished(t, want)
	}
	list := t.message().numbers()
	if len(list) != 2 {
		return 0, 0, false
	}
	a, b := multipleOfPublished(t, list[0]), multipleOfPublished(t, list[1])
	switch {
	case a && !b:
		return list[0], list[1], true
	case b && !a:
		return list[1], list[0], true
	}
	return 0, 0, false
}

// multipleOfPublished reports whether n is a multiple of the messages on some channel.
func multipleOfPublished(t *Trace, n int) bool {
	for _, list := range t.onChannel {
		if n > 0 && n%len(list) == 0 {
			return true
		}
	}
	return false
}

// waited is the longest time that the failure's message names, and whether it
// names one: that may be how long the test waited.
func (m message) waited() (time.Duration, bool) {
	var longest time.Duration
	for _, form := range waitForm.FindAllStringSubmatch(string(m), -1) {
		if d, err := time.ParseDuration(form[1]); err == nil {
			longest = max(longest, d)
		}
	}
	return longest, longest > 0
}

// quotes reports whether the failure's message holds a text that is in a value of
// the wire: the value itself, or a string within its JSON.
func (m message) quotes(value string) bool {
	if m == "" {
		return false
	}
	holds := func(s string) bool {
		s = strings.ToLower(strings.TrimSuffix(s, "…"))
		return len(s) >= telling && strings.Contains(string(m), s)
	}
	if holds(value) {
		return true
	}
	var v any
	if json.Unmarshal([]byte(value), &v) != nil {
		return false
	}
	return anyString(v, holds)
}

// anyString reports whether one of the strings within decoded JSON is wanted.
func anyString(v any, wanted func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return wanted(v)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return anyString(e, wanted) })
	case map[string]any:
		for _, e := range v {
			if anyString(e, wanted) {
				return true
			}
		}
	}
	return false
}

// names reports whether a number of at least two digits stands in the failure's
// message by itself or with a unit.
func (m message) names(number string) bool {
	if len(number) < 2 {
		return false
	}
	for at := 0; ; {
		i := strings.Index(string(m[at:]), number)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(number)
		digit := func(k int) bool { return k >= 0 && k < len(m) && m[k] >= '0' && m[k] <= '9' }
		if !digit(i-1) && !digit(end) {
			return true
		}
		at = end
	}
}

// hint is what words of the failure may add to a score: they rank, no more.
func (m message) hint(words ...string) float64 { return pick(m.says(words...), 0.1, 0) }
