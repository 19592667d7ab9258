package finding

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// FailureKey tells failures of one test apart by their message.
type FailureKey struct{ Test, Failure string }

// Causes says which classes detectors gave to failures with one key.
type Causes map[FailureKey][]harness.Class

// IndexCauses collects what detectors said, numbered trials before aimed ones: a
// failure of which the wire shows nothing gets the first class of its key.
func IndexCauses(trials []harness.Trial) Causes {
	causes := Causes{}
	for _, numbered := range []bool{true, false} {
		for _, t := range trials {
			if summary.Counted(t.Arm) != numbered {
				continue
			}
			for i := range t.Outcomes {
				o := &t.Outcomes[i]
				if evidence.Read(o) != evidence.Failed || o.Failure == nil || o.Cause == "" {
					continue
				}
				key := FailureKey{o.Test.Name, o.Failure.Fingerprint}
				if !slices.Contains(causes[key], o.Cause) {
					causes[key] = append(causes[key], o.Cause)
				}
			}
		}
	}
	return causes
}

// explained reports whether one of the findings is a cause that detectors gave
// to failures with this key.
func (c Causes) explained(list []harness.Finding, key FailureKey) bool {
	return slices.ContainsFunc(list, func(f harness.Finding) bool {
		return f.Class != harness.Unattributed && slices.Contains(c[key], f.Class) && slices.Contains(f.Tests, key.Test)
	})
}

// Match gives the finding that a failure belongs to.
func (c *Catalogue) Match(o *harness.Outcome, causes Causes) (harness.Finding, bool) {
	var proven *harness.Finding
	if f, ok := c.Whose(FailureKey{o.Test.Name, o.Failure.Fingerprint}); ok {
		proven = &f
	}
	f := matchFinding(o, c.All(), proven, causes)
	if f == nil {
		return harness.Finding{}, false
	}
	return *f, true
}

// matchFinding picks, in this order: a finding of the test with the class that
// detectors gave; one of the test with the same message, sameMessage first; one
// with a cause that fails at the same assertion, unless detectors gave another
// class; one of another test about the same commands; and for a failure of which
// nothing was recorded, whatever has a cause in its test. It returns nil if there
// is none.
func matchFinding(o *harness.Outcome, list []harness.Finding, sameMessage *harness.Finding, causes Causes) *harness.Finding {
	class := o.Cause
	if known := causes[FailureKey{o.Test.Name, o.Failure.Fingerprint}]; class == "" && len(known) > 0 {
		class = known[0]
	}
	var own []harness.Finding
	for _, f := range list {
		if slices.Contains(f.Tests, o.Test.Name) {
			own = append(own, f)
		}
	}
	if f := first(own, func(f harness.Finding) bool { return f.Class == class && class != "" }); f != nil {
		return f
	}
	alike := sameMessage
	if alike == nil {
		alike = first(own, func(f harness.Finding) bool { return f.Failure.Fingerprint == o.Failure.Fingerprint })
	}
	if alike == nil && (class == "" || class == harness.Unattributed) {
		place := Place(o.Test, o.Failure)
		alike = first(own, func(f harness.Finding) bool {
			return f.Class != harness.Unattributed && f.Class != harness.NotRedis && Place(o.Test, &f.Failure) == place
		})
	}
	var elsewhere *harness.Finding
	if o.Suspect != nil && !evidence.ContentCause(o.Cause) {
		shape := Fingerprint(o.Cause, o.Suspect.First, o.Suspect.Then)
		elsewhere = first(list, func(f harness.Finding) bool { return f.Fingerprint == shape })
	}
	switch {
	case alike != nil && !evidence.ContentCause(o.Cause) && (alike.Class != harness.Unattributed || elsewhere == nil):
		return alike
	case elsewhere != nil:
		return elsewhere
	case len(o.Wire) == 0:
		return first(own, func(f harness.Finding) bool { return f.Class != harness.Unattributed })
	}
	return nil
}

func first(list []harness.Finding, is func(harness.Finding) bool) *harness.Finding {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return &list[i]
	}
	return nil
}

// Provable reports whether a trial can show that what a detector suspects is the
// cause of a failure that belongs to no finding yet.
func (c *Catalogue) Provable(o *harness.Outcome, causes Causes) bool {
	if evidence.ContentCause(o.Cause) || o.Cause == harness.NotRedis || o.Cause == harness.TimeoutClient {
		return false
	}
	_, known := c.Match(o, causes)
	return !known
}
