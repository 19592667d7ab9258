package hunt

import (
	"path/filepath"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/contrast"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/propose"
	"github.com/flakehunt/flakehunt/harness/source"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// beside completes findings by what passing runs of their tests tell: one to be
// read beside the failing one, and of a failure without a cause what goes with it.
func beside(log *triallog.Log, findings []harness.Finding, root string) {
	for i := range findings {
		f := &findings[i]
		if f.Standing == harness.Latent {
			f.Source = snippets(f, root)
		}
		if len(f.Tests) == 0 || f.Standing == harness.Latent {
			continue
		}
		seen := log.Histories(f.Tests[0])
		var passed []evidence.PassingRun
		for _, p := range seen.Passing {
			passed = append(passed, evidence.PassingRun{Trial: p.Index, Arm: p.Arm, Trace: p.Trace})
		}
		finding.Beside(f, passed)
		f.Source = snippets(f, root)
		if f.Class == harness.Unattributed {
			f.Clues = propose.Clues(seen, f.Failure.Fingerprint)
		}
	}
}

// maxSnippets is how many places of source code a finding shows.
const maxSnippets = 4

// snippets reads the code that sent the guilty commands: those of the pair, those
// that were kept, and those that a detector marked. It is read now, while it is
// what ran.
func snippets(f *harness.Finding, root string) (list []harness.Snippet) {
	lines := f.Timeline
	if f.Passing != nil {
		lines = slices.Concat(lines, f.Passing.Timeline)
	}
	guilty := func(l harness.Line) bool {
		return l.Suspect || l.Delayed > 0 || slices.ContainsFunc(f.Pair, func(p harness.Point) bool {
			return !l.Point.IsZero() && (l.Point == p || l.Point.Reply() == p || p.N == 0 && (l.Point.Any() == p || l.Point.Reply().Any() == p))
		})
	}
	for _, l := range lines {
		if l.Call == nil || len(list) == maxSnippets || !guilty(l) || slices.ContainsFunc(list, func(s harness.Snippet) bool { return s.Call == *l.Call }) {
			continue
		}
		if s, ok := source.LinesAt(root, *l.Call); ok {
			list = append(list, s)
		}
	}
	return list
}

// rootOf is the root of the target's sources; "": they are not known.
func rootOf(t harness.Target) string {
	dir, err := filepath.Abs(t.Dir)
	if err != nil || t.Kind == harness.ShippedTarget || t.Kind == "" {
		return ""
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return source.Root(dir)
}

// explanations says of each failure of which a history is left what the passing
// histories of the same test leave of the detectors' word, best first. A failure
// that nothing on the wire tells from passes is not Redis's.
func explanations(log *triallog.Log) finding.Explanations {
	out := finding.Explanations{}
	for _, t := range log.Tests() {
		seen := log.Histories(t.Name)
		passing := seen.PassingTraces()
		for _, f := range seen.Failing {
			key := finding.FailureKey{Test: t.Name, Failure: f.Failure()}
			if _, done := out[key]; done || !f.Arm.Natural() && !slices.ContainsFunc(seen.Failing, func(o triallog.History) bool { return o.Arm.Natural() && o.Failure() == f.Failure() }) {
				continue
			}
			matches := detect.Differential(f.Trace, seen.FailingTraces(f.Failure()), passing)
			matches = slices.DeleteFunc(matches, func(m detect.Match) bool { return m.Score < detect.Named })
			if m, ok := contrast.NotRedis(propose.Runs(seen), f.Failure()); ok && len(matches) == 0 {
				matches = []detect.Match{m}
			}
			out[key] = matches
		}
	}
	return out
}
