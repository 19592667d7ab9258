// Package spec holds what a scenario is made of: its description, what it may
// ask of its runner, the parts that it gets to work with, and its ways of
// waiting.
//
// It must never list scenarios, nor know about proxies, schedules or trials.
package spec

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/flakehunt/flakehunt/fixtures"
)

// T is what a scenario may ask of its runner. *testing.T has all of it, and so
// does the runner in the binary.
type T interface {
	Errorf(format string, args ...any)
	FailNow()
	Failed() bool
	Helper()
	Logf(format string, args ...any)
	Cleanup(func())
	Context() context.Context // ends with the scenario or its deadline
	Name() string
}

// Waits says how a scenario waits for what it expects.
type Waits string

const (
	HardenedWaits Waits = "hardened" // poll until seen, up to 15 × 100 ms
	FixedWaits    Waits = "fixed"    // sleep for as long as such tests usually do, then look once
)

// Deadline is how long a scenario, and each set-up and tear-down, may take.
const Deadline = 10 * time.Second

// Config says against what a suite is run.
type Config struct {
	Redis   *redis.Options   // where Redis is; copied for each connection
	Defects fixtures.Defects // none: the hardened variant
	Waits   Waits            // "" is HardenedWaits
}

// Scenario is one test.
type Scenario struct {
	Name     string            // unique: suite/category/what, in lower case with dashes
	Suite    string            // "smoke" or "integration"
	Category string            // the row of the suite's table
	Exposes  []fixtures.Defect // the defects it can show, given the right timing
	NoRedis  bool              // needs no Redis: its Env has no connections
	File     string            // relative to the module root
	Line     int               // where Run begins
	Run      func(t T, env *Env)
}

// CanExpose reports whether the scenario declares d.
func (s Scenario) CanExpose(d fixtures.Defect) bool {
	for _, e := range s.Exposes {
		if e == d {
			return true
		}
	}
	return false
}
