package trial

import (
	"context"
	"errors"
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/history"
)

// Health tells whether Redis was fit for a trial: Works after a failure, Watch, which may
// be nil, throughout a trial that no proxy sees, until what it gives is called.
type Health struct {
	Works func(context.Context) error
	Watch func(context.Context) (finish func() error)
}

// watch asks Redis throughout a trial whose frames nobody records.
func (s *Stage) watch(ctx context.Context, arm harness.Arm) (finish func() error) {
	if arm == harness.Direct && s.Health.Watch != nil {
		return s.Health.Watch(ctx)
	}
	return func() error { return nil }
}

// works asks Redis after a trial in which a test failed: only a sound one makes a failure
// the test's own. before is why the trial failed, and watched what was seen meanwhile.
func (s *Stage) works(ctx context.Context, before error, outcomes []harness.Outcome, watched error) error {
	if before != nil || !failed(outcomes) {
		return before
	}
	if err := errors.Join(s.Health.Works(ctx), watched); err != nil {
		return fmt.Errorf("redis failed in the middle of a trial: %w", err)
	}
	return nil
}

// foreign is an error if what a failing test had on the wire shows the doing of Redis
// or of others who use it, and nothing that the suite sent, in whichever test, explains it.
func foreign(o *harness.Outcome, events []harness.Event, b *history.Buffer) error {
	t := detect.NewTrace(events, *o)
	if len(events) == 0 || detect.ServerFault(t, nil) == "" {
		return nil
	}
	all, err := b.All()
	if why := detect.ServerFault(t, all); why != "" {
		return fmt.Errorf("redis failed in the middle of a trial: %s", why)
	}
	return err
}
