package summary

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

func TestFingerprintIgnoresWhatChanges(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"numbers", "expected 1, got 0 after 12 tries", "expected 1, got 0 after 9 tries"},
		{"duration", "no message within 150ms", "no message within 1.5s"},
		{"duration in words", "gave up after 3 seconds", "gave up after 12 seconds"},
		{"long duration", "took 1h2m3.5s", "took 45s"},
		{"port", "dial tcp 127.0.0.1:6379: refused", "dial tcp 127.0.0.1:40123: refused"},
		{"host port", "localhost:6380 is gone", "localhost:1 is gone"},
		{"ip6", "dial tcp [::1]:6379: refused", "dial tcp [fe80::1]:99: refused"},
		{"uuid", "id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 lost", "id 99999999-4f89-11d3-9a0c-0305e82c33ff lost"},
		{"pointer", "at 0xc000123456", "at 0xc000ffff00"},
		{"ulid", "id 01ARZ3NDEKTSV4RRFFQ69G5FAV lost", "id 01BX5ZZKBKACTAV9WEVGEMMVRZ lost"},
		{"short uuid", "group s8pS3FQRH3ZcDLdBq5TERc lost", "group GWGzLeKq6krFRMGzHvUd8Y lost"},
		{"hash", "commit deadbeef01 lost", "commit 0123abcdef lost"},
		{"time", "2026-01-02T03:04:05.678Z too late", "2027-11-12 13:14:15 too late"},
		{"clock", "at 03:04:05 it broke", "at 23:59:59.123 it broke"},
		{"colour", "\x1b[31mbad\x1b[0m", "bad"},
		{"space", "a\n\tb", "a b"},
		{"no-break space", "got:\n\u00a0\u00a0\t{ -\u00a0Score: 1", "got:\n  \t{ - Score: 2"},
		{"directory", "/home/a/src/x_test.go:12: bad", "/builds/b/x_test.go:14: bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, volatile.Message(c.a), volatile.Message(c.b))
			assert.Equal(t, Fingerprint(c.a, harness.AssertionFailure, ""), Fingerprint(c.b, harness.AssertionFailure, ""))
		})
	}
}

func TestFingerprintTellsFailuresApart(t *testing.T) {
	base := Fingerprint("no message", harness.AssertionFailure, "a.go:1\nb.go:2")
	assert.Len(t, base, 16)
	assert.NotEqual(t, base, Fingerprint("two messages", harness.AssertionFailure, "a.go:1\nb.go:2"))
	assert.NotEqual(t, base, Fingerprint("no message", harness.PanicFailure, "a.go:1\nb.go:2"))
	assert.NotEqual(t, base, Fingerprint("no message", harness.AssertionFailure, "c.go:1\nb.go:2"))
	assert.Equal(t, base, Fingerprint("no message", harness.AssertionFailure, "a.go:77\nb.go:2"), "an edit above the line")
	assert.NotEqual(t, volatile.Message("TestOrdersOfCustomer12 failed"), volatile.Message("TestOrdersOfSupplier12 failed"), "a name has fewer numerals than an id")
	assert.NotEqual(t, volatile.Message("key session expired"), volatile.Message("key feedback expired"), "words of the letters a to f stay")
}
