package detect

import (
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// notRedis: the test sent nothing to Redis; or, by Same, nothing on the wire differs between pass and fail.
func notRedis(t *Trace) []Match {
	if len(t.Commands) > 0 || len(t.Deliveries) > 0 || t.Outcome.Arm == harness.Direct {
		return nil // without the proxy in the way nothing is recorded
	}
	return []Match{{
		Title:       "the test sent nothing to Redis",
		Explanation: "No command and no message of this test passed the proxy: the cause lies elsewhere.",
		Score:       0.9,
	}}
}

// Same reports whether two traces of a test look alike on the wire: the same
// commands in the same order, with replies that differ in volatile numbers
// alone. If one passed and the other failed, the cause is not Redis.
func Same(a, b *Trace) bool {
	if len(a.Commands) != len(b.Commands) || len(a.Deliveries) != len(b.Deliveries) {
		return false
	}
	for i, x := range a.Commands {
		y := b.Commands[i]
		if x.Point != y.Point || x.IsError != y.IsError || PresenceOf(x) != PresenceOf(y) || x.Kept > 0 || y.Kept > 0 ||
			len(x.Result) != len(y.Result) || letters(x.Result) != letters(y.Result) {
			return false
		}
	}
	for i, x := range a.Deliveries {
		if y := b.Deliveries[i]; x.Channel != y.Channel || x.Index != y.Index {
			return false
		}
	}
	return true
}

// letters leaves out what changes from run to run: numerals and the hexadecimal
// letters that ids are made of.
func letters(words []string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'f' {
			return -1
		}
		return r
	}, strings.Join(words, " "))
}
