package harness

import (
	"encoding/json"
	"fmt"
	"time"
)

// Action says what a Decision does to the frame it names.
type Action string

const (
	Pass       Action = ""           // forward at once
	Delay      Action = "delay"      // forward Delay after arrival
	Hold       Action = "hold"       // forward when Until has passed, or after Timeout
	Align      Action = "align"      // forward when the wall clock is at Phase of a Period
	Pause      Action = "pause"      // stop the suite's processes for Delay, and forward
	Disconnect Action = "disconnect" // end the connection instead of forwarding
	Fragment   Action = "fragment"   // forward Chunk bytes at a time, Delay apart
)

// Decision is what is done to the frames that At names. It is data: every
// strategy, replay and minimiser produces it, and one interpreter, the proxy,
// carries it out. What each action does with it is in Faults.
type Decision struct {
	Test    string   `json:"test,omitempty"` // only while this test runs; empty: always
	At      Point    `json:"at"`             // At.N == 0: every such frame
	Action  Action   `json:"action"`
	Delay   Duration `json:"delay,omitempty"`   // Delay and Pause: how long; Fragment: between chunks
	Until   Point    `json:"until,omitzero"`    // Hold: see there
	Timeout Duration `json:"timeout,omitempty"` // Hold: released unfulfilled after this; 0: the proxy's default
	Period  Duration `json:"period,omitempty"`  // Align: of the wall clock; 0: 1 s
	Phase   Duration `json:"phase,omitempty"`   // Align: from 0 to less than Period
	Chunk   int      `json:"chunk,omitempty"`   // Fragment: bytes a write; 0: 1
	Reset   bool     `json:"reset,omitempty"`   // Disconnect: RST instead of FIN
}

// Kept is a frame that a hold kept back in vain, and for how long: what it was
// held for did not come. For the frame that was a delay.
type Kept struct {
	At  Point    `json:"at"`
	For Duration `json:"for"`
}

// Missed is a decision that came to nothing.
type Missed struct {
	Decision Decision `json:"decision"`
	Why      string   `json:"why"` // "its frame never came", or why it could not be applied
}

// ScheduleVersion is the version of the schedule file format that this build writes.
const ScheduleVersion = 1

// Schedule is everything needed to repeat what the proxy did in a trial.
// Either Decisions name each act, or Strategy, Seed and Params let the same
// strategy compute the same ones.
type Schedule struct {
	Version   int               `json:"version"`
	Strategy  string            `json:"strategy"`         // "none", "latency", … or "replay" when Decisions are all
	Seed      uint64            `json:"seed,string"`      // decimal in JSON: it exceeds 2^53
	Params    map[string]string `json:"params,omitempty"` // the strategy's settings, by flag name
	Before    []string          `json:"before,omitempty"` // tests that run first in the same trial, in this order
	Decisions []Decision        `json:"decisions,omitempty"`
}

// Scheduler decides what happens to a frame. Decide must depend on nothing but
// the test and the point (no clock, no arrival order), so that a trial can be
// repeated; it is called from the proxy's hot path and must not block.
type Scheduler interface {
	// Decide returns the decision for a frame of the test; the zero Decision passes it.
	Decide(test string, p Point) Decision
}

// Selective is a Scheduler that can rule out whole groups of frames, which lets
// the proxy forward them without asking.
type Selective interface {
	Scheduler
	// Concerns reports whether Decide may return something other than Pass for
	// any ordinal of p (p.N is 0). The answer must not change during a test.
	Concerns(test string, p Point) bool
}

// Carrier says how a frame travels.
type Carrier struct {
	// Conn is its connection, numbered from 1 by the order of their first frames
	// within the test.
	Conn int
	// Lead is the first of the frames that arrived in one read with it, itself
	// perhaps. On a network those are of one segment.
	Lead Point
}

// Carried is a Scheduler that also looks at how a frame travels. It is asked by
// DecideCarried instead of Decide.
type Carried interface {
	Scheduler
	// DecideCarried is Decide for a frame that travels by c.
	DecideCarried(test string, p Point, c Carrier) Decision
}

// Accountable is a Scheduler that knows which of its decisions have not met
// their frames.
type Accountable interface {
	Scheduler
	// Unmet lists them, of those that are for the test or for all tests.
	Unmet(test string) []Decision
}

// Duration is a time.Duration that is written in JSON as text, "1.5ms".
type Duration time.Duration

// String gives the duration as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// Milliseconds gives the duration as a fractional number of milliseconds.
func (d Duration) Milliseconds() float64 { return float64(d) / 1e6 }

// MarshalText writes "1.5ms".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "1.5ms".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("duration %q: %w", b, err)
	}
	*d = Duration(v)
	return nil
}

// MarshalJSON writes "1.5ms" in quotes.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads "1.5ms" in quotes.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("duration %s: want text such as \"1.5ms\": %w", b, err)
	}
	return d.UnmarshalText([]byte(s))
}
