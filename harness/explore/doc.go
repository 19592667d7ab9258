// Package explore holds the strategies by which delays are chosen. Each is one
// file, and each makes a harness.Scheduler that is a pure function of seed,
// test and point, so that the same seed injects the same delays whatever the
// interleaving.
//
// It must never read a clock, keep state that a decision depends on, use a
// global source of randomness, or know how a decision is carried out.
package explore

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// strategy is one line of the table.
type strategy struct {
	name string
	doc  string // one line for --help
	make func(seed uint64, s Settings) (harness.Scheduler, error)
}

// table lists every strategy that computes its decisions; replay, whose
// decisions are given, is made by FromSchedule.
func table() []strategy {
	return []strategy{
		{"none", "nothing is injected", newNone},
		{"latency", "every frame is delayed, by --latency, --jitter and --distribution", newLatency},
		{"skew", "each connection gets one delay; small ones in the first trials", newSkew},
		{"random", "few frames get delays between 1 ms and 2 s", newRandom},
		{"pct", "connections get priorities, which change at a few random frames", newPCT},
	}
}

// Names lists the strategies that New accepts.
func Names() []string {
	var names []string
	for _, s := range table() {
		names = append(names, s.name)
	}
	return names
}

// Doc returns one line on what the named strategy does, or "".
func Doc(name string) string {
	for _, s := range table() {
		if s.name == name {
			return s.doc
		}
	}
	return ""
}

// New makes the named strategy. Params are its settings by flag name, as
// Settings.Params writes them; an empty name is "none".
func New(name string, seed uint64, params map[string]string) (harness.Scheduler, error) {
	settings, err := ParseSettings(params)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = "none"
	}
	for _, s := range table() {
		if s.name == name {
			return s.make(seed, settings)
		}
	}
	return nil, fmt.Errorf("unknown strategy %q: want one of %s", name, strings.Join(Names(), ", "))
}

// FromSchedule makes the scheduler that repeats s: its decisions where it has
// any, else its strategy with its seed and settings.
func FromSchedule(s harness.Schedule) (harness.Scheduler, error) {
	if s.Version > harness.ScheduleVersion {
		return nil, fmt.Errorf("schedule version %d is newer than this build understands (%d): use a newer flakehunt",
			s.Version, harness.ScheduleVersion)
	}
	switch {
	case len(s.Decisions) > 0:
		return NewReplay(s.Decisions)
	case s.Strategy == "replay" || s.Strategy == "directed":
		return NewReplay(nil)
	}
	return New(s.Strategy, s.Seed, s.Params)
}
