// Package suitetest runs the shipped suites as ordinary Go tests.
//
// It must never decide what a scenario does or expects.
package suitetest

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/scenarios"
)

// Config is what the environment asks for: FLAKEHUNT_DEFECTS, names separated
// by commas, and FLAKEHUNT_WAITS, hardened or fixed.
func Config(t testing.TB) scenarios.Config {
	t.Helper()
	cfg := scenarios.Config{Waits: scenarios.HardenedWaits}
	if names := os.Getenv("FLAKEHUNT_DEFECTS"); names != "" {
		defects, err := fixtures.ParseDefects(strings.Split(names, ","))
		require.NoError(t, err, "FLAKEHUNT_DEFECTS")
		cfg.Defects = defects
	}
	if waits := os.Getenv("FLAKEHUNT_WAITS"); waits != "" {
		cfg.Waits = scenarios.Waits(waits)
		require.Contains(t, []scenarios.Waits{scenarios.HardenedWaits, scenarios.FixedWaits}, cfg.Waits, "FLAKEHUNT_WAITS")
	}
	return cfg
}

// Select returns the scenarios of a suite that can run: with short, only those
// that need no Redis.
func Select(suite string, short bool) []scenarios.Scenario {
	var list []scenarios.Scenario
	for _, s := range scenarios.Suite(suite) {
		if s.NoRedis || !short {
			list = append(list, s)
		}
	}
	return list
}

// Run runs a suite, each scenario as a subtest, over sessions that run beside
// each other, each with a Redis of its own.
func Run(t *testing.T, suite string, sessions int) {
	cfg := Config(t)
	list := Select(suite, testing.Short())
	require.NotEmpty(t, list)
	for i := range sessions {
		share := every(list, i, sessions)
		t.Run("session", func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			if !testing.Short() {
				cfg.Redis = Redis(t)
			}
			s := Open(t, suite, cfg)
			for _, sc := range share {
				t.Run(sc.Name, func(t *testing.T) { s.Run(WithDeadline(t), sc) })
			}
		})
	}
}

// every returns the elements i, i+n, i+2n, …
func every[E any](list []E, i, n int) []E {
	var share []E
	for ; i < len(list); i += n {
		share = append(share, list[i])
	}
	return share
}

// Open opens a session that is closed with the test.
func Open(t testing.TB, suite string, cfg scenarios.Config) *scenarios.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scenarios.Deadline)
	defer cancel()
	s, err := scenarios.Open(ctx, suite, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), scenarios.Deadline)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close suite %s: %v", suite, err)
		}
	})
	return s
}

// Redis starts a Redis for the test: the first sort that works on this machine,
// or that which FLAKEHUNT_REDIS names.
func Redis(t testing.TB) *redis.Options {
	t.Helper()
	provider := os.Getenv("FLAKEHUNT_REDIS")
	if provider == "" {
		provider = "auto"
	}
	instance, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: provider})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), scenarios.Deadline)
		defer cancel()
		if err := instance.Close(ctx); err != nil {
			t.Errorf("close Redis: %v", err)
		}
	})
	return instance.Options()
}

// WithDeadline gives a scenario the time that it may take.
func WithDeadline(t *testing.T) scenarios.T {
	ctx, cancel := context.WithTimeout(t.Context(), scenarios.Deadline)
	t.Cleanup(cancel)
	return timed{T: t, ctx: ctx}
}

type timed struct {
	*testing.T
	ctx context.Context
}

func (t timed) Context() context.Context { return t.ctx }
