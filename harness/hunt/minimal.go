package hunt

import (
	"context"
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/minimize"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// alpha is from which p-value on a difference counts: three failures of three
// against none of three give 0.05.
const alpha = 0.05 + 1e-9

// oneMinimal takes away decisions of the finding's schedule, one at a time,
// until the failure needs each that is left: without it the test fails in at
// most one of three runs.
func (p *pursuit) oneMinimal(ctx context.Context, f *harness.Finding) error {
	whole := f.Schedule
	fails := minimize.Repeat(func(ctx context.Context, list []harness.Decision) (bool, error) {
		s := whole
		s.Decisions = list
		o, _ := p.run(ctx, harness.Reduce, s)
		if o == nil {
			return false, errNoTrial
		}
		return o.Verdict == harness.Failed && len(o.Blocked) == 0, nil
	}, 2, confirmations)
	for len(f.Schedule.Decisions) > 1 {
		list := f.Schedule.Decisions
		minimal, spare, err := minimize.OneMinimal(ctx, list, fails)
		if err != nil || minimal {
			return err
		}
		if spare < 0 {
			f.Warnings = append(f.Warnings, "the reduced schedule does not fail every time")
			return nil
		}
		f.Original = &whole
		f.Schedule.Decisions = append(append([]harness.Decision(nil), list[:spare]...), list[spare+1:]...)
	}
	return nil
}

// doubt says why a finding's schedule may not be needed for its failure:
// without any of it the test fails about as often, by Fisher's exact test.
func doubt(f *harness.Finding) string {
	if len(f.Schedule.Decisions) == 0 || f.Natural.N == 0 || f.Provoked.N == 0 {
		return ""
	}
	p := stats.Fisher(f.Provoked.K, f.Provoked.N, f.Natural.K, f.Natural.N, stats.Greater)
	if p <= alpha {
		return ""
	}
	return fmt.Sprintf("with the schedule it failed %d of %d times, without it %d of %d: that is no certain difference (p = %.2g)",
		f.Provoked.K, f.Provoked.N, f.Natural.K, f.Natural.N, p)
}
