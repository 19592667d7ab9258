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
	arm  bool // part of the portfolio, see Arms: not for a whole hunt
}

// table lists every strategy that computes its decisions; replay, whose
// decisions are given, is made by FromSchedule.
func table() []strategy {
	return []strategy{
		{name: "none", doc: "nothing is injected", make: newNone},
		{name: "latency", doc: "every frame is delayed, by --latency, --jitter and --distribution", make: newLatency},
		{name: "skew", doc: "each connection gets one delay; small ones in the first trials", make: newSkew},
		{name: "random", doc: "few frames get delays between 1 ms and 2 s", make: newRandom},
		{name: "pct", doc: "connections get priorities, which change at a few random frames", make: newPCT},
		{name: "jitter", doc: "frames, segments or connections get delays of one size", make: newJitter, arm: true},
		{name: "ladder", doc: "frames get delays of up to 1 ms, then 2 ms, and so on to 512 ms", make: newLadder, arm: true},
		{name: "pause", doc: "the suite's processes are stopped at a few random frames", make: newPause, arm: true},
		{name: "align", doc: "a random request waits until just before a second begins", make: newAlign, arm: true},
	}
}

// Names lists the strategies for a whole hunt. New accepts those of Arms, too.
func Names() []string {
	var names []string
	for _, s := range table() {
		if !s.arm {
			names = append(names, s.name)
		}
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
