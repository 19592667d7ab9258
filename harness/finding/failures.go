package finding

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Origin is what the findings of one run have in common.
type Origin struct {
	Target harness.Target
	Seed   uint64
	Now    func() time.Time // when a finding is made: of two alike the older stays; nil: not known
}

func (o Origin) found() time.Time {
	if o.Now == nil {
		return time.Time{}
	}
	return o.Now().UTC()
}

// AddFailures counts failures of numbered trials to their findings, and makes
// findings of those that have none. Failures seen on the wire come first: what
// they are tells what their like in the direct arm are. A doubt whose failure a
// cause of the test explains is then taken out: with several causes in one test,
// no schedule can tell them apart.
func (c *Catalogue) AddFailures(trials []harness.Trial, by Origin) {
	trials = slices.Clone(trials) // several run at a time: their order is chance
	slices.SortStableFunc(trials, func(a, b harness.Trial) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Suite, b.Suite))
	})
	causes := IndexCauses(trials)
	for _, direct := range []bool{false, true} {
		for _, t := range trials {
			if !summary.Counted(t.Arm) || (t.Arm == harness.Direct) != direct {
				continue
			}
			for i := range t.Outcomes {
				if o := &t.Outcomes[i]; evidence.Read(o) == evidence.Failed && o.Failure != nil {
					known, ok := c.Match(o, causes)
					c.Add(fromFailure(t, o, known, ok, by))
				}
			}
		}
	}
	all := c.All()
	for _, f := range all {
		if f.Class == harness.Unattributed && f.Natural.K == 0 && !slices.ContainsFunc(f.Tests, func(test string) bool {
			return !causes.explained(all, FailureKey{test, f.Failure.Fingerprint})
		}) {
			c.Drop(f.Fingerprint)
		}
	}
}

// fromFailure makes a finding of one failure of a numbered trial. It gets the
// cause of the finding that it belongs to, the cause that the wire proves, or none.
func fromFailure(t harness.Trial, o *harness.Outcome, known harness.Finding, ok bool, by Origin) harness.Finding {
	f := harness.Finding{
		Version: harness.FindingVersion, Class: o.Cause, Title: firstLine(o.Failure.Message), Tests: []string{o.Test.Name},
		Target: by.Target, Seed: by.Seed, Failure: *o.Failure, Timeline: o.Wire, Boundary: o.Boundary, Found: by.found(),
		Standing: harness.Natural, Natural: harness.Count{K: 1},
		Schedule: harness.Schedule{Version: harness.ScheduleVersion, Strategy: "none", Seed: t.Seed},
	}
	if t.Schedule != nil {
		f.Standing, f.Schedule = harness.Provoked, *t.Schedule
		f.Natural, f.Provoked = harness.Count{}, harness.Count{K: 1}
	}
	if o.Suspect != nil {
		f.Pair = pair(o.Suspect.First, o.Suspect.Then)
	}
	switch {
	case ok:
		f.Class, f.Fingerprint = known.Class, known.Fingerprint
	case evidence.ContentCause(o.Cause):
		if o.Suspect != nil {
			f.Title, f.Explanation = o.Suspect.Title, o.Suspect.Explanation
		}
		f.Fingerprint = by.fingerprint(f.Class, harness.Point{}, harness.Point{}, o.Test, o.Failure)
	default:
		if o.Suspect != nil {
			f.Explanation = suspicion(o.Cause, o.Suspect.Title)
		}
		if f.Class != harness.NotRedis {
			f.Class = harness.Unattributed
		}
		f.Fingerprint = by.fingerprint(f.Class, harness.Point{}, harness.Point{}, o.Test, o.Failure)
	}
	f.ID = ID(f.Fingerprint)
	return f
}

// suspicion says what a detector thinks of a failure whose cause is not proven.
func suspicion(class harness.Class, title string) string {
	if class == "" || class == harness.Unattributed {
		return ""
	}
	return fmt.Sprintf("Suspected: %s (%s).", title, class)
}

// firstLine is the first line of a message, cut.
func firstLine(message string) string {
	line := phrase.FirstLine(message)
	const most, value = 160, 60
	if len(line) > most {
		line = summary.TruncateQuoted(line, value)
	}
	return phrase.Short(line, most)
}
