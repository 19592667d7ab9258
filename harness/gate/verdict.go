package gate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Kind says what is wrong.
type Kind string

const (
	Failure    Kind = "failure"            // fails every time
	Race       Kind = "data race"          // the race detector's word: never a flake to be retried away
	Worse      Kind = "regression"         // fails more often than its history
	NewFlake   Kind = "new flake"          // a failure that history does not know
	LowMargin  Kind = "low margin"         // would fail if a command came a little later
	TooOften   Kind = "rate"               // fails more often alone, in its suite or under load than is allowed
	Expired    Kind = "quarantine expired" // an excuse has run out
	Mismatch   Kind = "other failure"      // a quarantined test failed in another way
	NotEnough  Kind = "undecided"          // too few trials to say
	NoEvidence Kind = "no evidence"        // the harness or Redis could not do its work
)

// Breach is one reason to stop the pipeline, or to doubt.
type Breach struct {
	Kind   Kind   `json:"kind"`
	Test   string `json:"test,omitempty"`
	What   string `json:"what"`    // with the number
	WayOut string `json:"way_out"` // what to do
	Cause  *Cause `json:"cause,omitempty"`
}

// Cause is what several breaches may have in common: a finding, or else one
// failure that tests share.
type Cause struct {
	Finding     string        `json:"finding,omitempty"` // ID
	Class       harness.Class `json:"class,omitempty"`
	Title       string        `json:"title"`
	Fingerprint string        `json:"fingerprint,omitempty"` // of the failure, without a finding
}

// Excuse is a failure that a quarantine entry covers.
type Excuse struct {
	Test    string `json:"test"`
	What    string `json:"what"`
	Owner   string `json:"owner"`
	Reason  string `json:"reason"`
	Expires string `json:"expires"` // YYYY-MM-DD
}

// Verdict is what the gate says.
type Verdict struct {
	Exit      int      `json:"exit"` // 0 clean, 1 breach, 3 no evidence, 4 undecided
	Tests     int      `json:"tests"`
	Baseline  int      `json:"baseline_runs"`
	Breaches  []Breach `json:"breaches"`            // exit 1
	Failed    []Breach `json:"failed,omitempty"`    // exit 3
	Undecided []Breach `json:"undecided,omitempty"` // exit 4
	Excused   []Excuse `json:"excused,omitempty"`
	Recovered []string `json:"recovered,omitempty"` // quarantine entries that are no longer needed
	Notes     []string `json:"notes,omitempty"`
}

// Input is what a gate decides from.
type Input struct {
	Current  *harness.Result
	Baseline *trend.History                   // runs of like conditions, without the current one; nil: no history
	Known    map[string]map[string]trend.Seen // failures of these runs, by test and fingerprint
	Findings map[string]harness.Finding       // findings of these runs, by fingerprint
}

// MaxRate bounds how often a test may fail where it ran: alone, suite or load.
type MaxRate struct {
	Where string
	Most  float64
}

// ParseMaxRate reads KIND=RATE, as in load=0.05 or alone=0.
func ParseMaxRate(s string) (m MaxRate, err error) {
	where, most, found := strings.Cut(s, "=")
	_, known := (*harness.Rates)(nil).Of(where)
	if m.Most, err = strconv.ParseFloat(most, 64); !found || !known || err != nil || !(m.Most >= 0 && m.Most < 1) {
		return m, fmt.Errorf("%q: want alone, suite or load, and a rate from 0 to 1, as in load=0.05", s)
	}
	m.Where = where
	return m, nil
}

// Config says what is demanded. The zero value demands that nothing got worse.
type Config struct {
	Alpha      float64       // false-alarm rate of regressions over all tests together; 0: 0.01
	MinMargin  time.Duration // 0: none is demanded
	Quarantine *Quarantine   // nil: none
	MaxRates   []MaxRate     // of failures, by where a test ran; none: none is demanded
	Changed    []string      // only new tests and those in these files, if Since is set
	Since      string        // the revision that Changed was computed from; empty: all tests
	Now        time.Time
}
