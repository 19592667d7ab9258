package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// Fingerprint names a cause: its class and the commands whose order or time
// matters, without keys and ordinals, so that it is the same in other tests and
// other runs. The detector's row says what of the pair its class leaves out.
func Fingerprint(class harness.Class, first, then harness.Point) string {
	first, then = detect.Names(class, first, then)
	shape := func(p harness.Point) string { return p.Role + p.Dir.String() + strings.ToUpper(p.Verb) }
	sum := sha256.Sum256([]byte(string(class) + "\n" + shape(first) + "\n" + shape(then)))
	return hex.EncodeToString(sum[:16])
}

// Of is the fingerprint that a finding of the candidate has.
func Of(c nearmiss.Candidate) string { return Fingerprint(c.Class, c.First, c.Then) }

// unexplained is the fingerprint of a failure whose cause is not known.
func unexplained(class harness.Class, f *harness.Failure) string {
	return Fingerprint(class, harness.Point{Verb: f.Fingerprint}, harness.Point{})
}

// fingerprint names a cause of a test's failure; f is nil where nothing has failed.
// The shipped suites' tests share their system under test, so a cause is the same in
// all of them. Of a user's suite nothing is known: keys and test tell causes apart.
func (o Origin) fingerprint(class harness.Class, first, then harness.Point, test harness.TestID, f *harness.Failure) string {
	switch foreign := o.Target.Kind != harness.ShippedTarget && o.Target.Kind != ""; {
	case foreign:
		return IdentityOf(class, first, then, test, f).Fingerprint()
	case first.IsZero() && then.IsZero() && f != nil && !evidence.ContentCause(class):
		return unexplained(class, f)
	}
	return Fingerprint(class, first, then)
}

// ID is the short name of a fingerprint.
func ID(fingerprint string) string { return "F-" + fingerprint[:8] }
