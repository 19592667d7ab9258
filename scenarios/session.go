package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/scenarios/spec"
)

// Session is a suite's connections, shared by its scenarios, which run one
// after another.
type Session struct {
	suite  string
	cfg    Config
	shared *fixtures.Container // nil: a session without Redis
}

// Open connects a suite. With a nil cfg.Redis only scenarios that need no Redis
// can run. The caller bounds the time by ctx, to Deadline as a rule.
func Open(ctx context.Context, suite string, cfg Config) (*Session, error) {
	if !slices.Contains(Suites(), suite) {
		return nil, fmt.Errorf("open suite %q: there is no such suite, use one of %v", suite, Suites())
	}
	if cfg.Waits == "" {
		cfg.Waits = HardenedWaits
	}
	s := &Session{suite: suite, cfg: cfg}
	if cfg.Redis == nil {
		return s, nil
	}
	c, err := fixtures.NewContainer(ctx, fixtures.Config{
		Redis: cfg.Redis, Namespace: suite, Source: suite, Defects: cfg.Defects,
	})
	if err != nil {
		return nil, fmt.Errorf("open suite %s: %w", suite, err)
	}
	s.shared = c
	if err := spec.WarmUp(ctx, c.Bus, suite+":warm-up"); err != nil {
		_ = s.Close(context.WithoutCancel(ctx)) // the first error says more
		return nil, fmt.Errorf("open suite %s: %w", suite, err)
	}
	return s, nil
}

// Run cleans the scenario's keys and runs its body. How long it may take is the
// runner's to say, by t.Context().
func (s *Session) Run(t T, sc Scenario) {
	t.Helper()
	if sc.Suite != s.suite {
		t.Errorf("scenario %s was given to a session of suite %s", sc.Name, s.suite)
		t.FailNow()
	}
	shared := s.shared
	if sc.NoRedis {
		shared = nil
	} else if shared == nil {
		t.Errorf("scenario %s needs Redis, and the session has none", sc.Name)
		t.FailNow()
	}
	env := spec.NewEnv(s.cfg, sc.Name, shared)
	require.NoError(t, env.Clean(t.Context()), "clean the keys of the scenario")
	sc.Run(t, env)
}

// Close ends the connections. A second call is harmless.
func (s *Session) Close(ctx context.Context) error {
	if s.shared == nil {
		return nil
	}
	return s.shared.Shutdown(ctx)
}
