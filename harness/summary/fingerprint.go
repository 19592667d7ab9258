package summary

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// stackFrames is how many frames of a stack take part in a fingerprint: deeper
// ones belong to the test runner and change with its version.
const stackFrames = 3

// Fingerprint names a failure: 16 hex digits that are the same for the same
// failure whatever the numbers, ids, ports, durations and addresses in it, on
// any machine. Line numbers do not take part, so that an edit above the test
// leaves it the same.
func Fingerprint(message string, kind harness.FailureKind, stack string) string {
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(volatile.Message(message)))
	for _, frame := range frames(stack) {
		h.Write([]byte{0})
		h.Write([]byte(frame))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// OfFailure gives the failure's own fingerprint, or computes it.
func OfFailure(f harness.Failure) string {
	if f.Fingerprint != "" {
		return f.Fingerprint
	}
	return Fingerprint(f.Message, f.Kind, f.Stack)
}

// frames gives the first few lines of a stack that say where, normalised.
func frames(stack string) []string {
	var out []string
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "goroutine ") {
			continue
		}
		out = append(out, volatile.Message(line))
		if len(out) == stackFrames {
			break
		}
	}
	return out
}
