package harness

import "time"

// ResultVersion is the version of result.json that this build writes. A change
// that a reader must know of raises it.
const ResultVersion = 1

// Status is what a run as a whole says of one test.
type Status string

const (
	Undecided     Status = "undecided"
	Stable        Status = "stable"         // passed every time
	Flaky         Status = "flaky"          // passed and failed under like conditions, or was provoked
	Broken        Status = "broken"         // failed every time
	StatusSkipped Status = "skipped"        // never ran
	StatusInfra   Status = "infrastructure" // no trial that counts
)

// FailureGroup is all failures of a test that have one fingerprint.
type FailureGroup struct {
	Failure
	Count   int       `json:"count"`
	Trials  []int     `json:"trials"` // which, cut at 100
	Arm     Arm       `json:"arm"`    // of the first
	Cause   Class     `json:"cause,omitempty"`
	Finding string    `json:"finding,omitempty"` // ID
	First   time.Time `json:"first"`
	Time    Duration  `json:"time"` // duration of the first
	Output  string    `json:"output,omitempty"`
	Wire    []Line    `json:"wire,omitempty"` // frames around the first failure
	// Boundary says how sure it is that Wire is the test's own.
	Boundary Boundary `json:"boundary,omitempty"`
}

// TestResult is what a run says of one test. Runs and Failures count the
// trials of Arm Survey, Direct and Explore; what the hunt provoked on purpose
// is in Provoked alone, so that rates mean what they say.
type TestResult struct {
	TestID
	Status   Status         `json:"status"`
	Runs     int            `json:"runs"`
	Failures int            `json:"failures"`
	Skips    int            `json:"skips,omitempty"`
	Infra    int            `json:"infra,omitempty"`
	Provoked Count          `json:"provoked"` // active trials that were aimed at it: k failed of n
	Rate     float64        `json:"rate"`     // failures / runs
	RateLo   float64        `json:"rate_lo"`  // 95 % interval of the failure rate
	RateHi   float64        `json:"rate_hi"`
	Excludes float64        `json:"excludes"` // a clean result excludes failure rates above this at 95 %; 0 if it failed
	Strip    string         `json:"strip"`    // one letter a counted trial in order: . pass, F fail, s skip, i infrastructure
	Groups   []FailureGroup `json:"groups,omitempty"`
	Cause    Class          `json:"cause,omitempty"`
	Findings []string       `json:"findings,omitempty"` // IDs
	Margin   *Margin        `json:"margin,omitempty"`   // the smallest
	P50      Duration       `json:"p50"`
	P99      Duration       `json:"p99"`
	Decided  string         `json:"decided,omitempty"` // what the sequential test said, after how many trials
	Warnings []string       `json:"warnings,omitempty"`
	TimerLag Duration       `json:"max_lateness,omitempty"` // worst timer lateness while it ran
	Rates    *Rates         `json:"rates,omitempty"`        // by where it ran; nil: in its suite alone
}

// Rates tells a test's counted trials by where it ran: a flake of shared state
// fails in its suite alone, one of time under load.
type Rates struct {
	Alone Count `json:"alone"`
	Suite Count `json:"suite"`
	Load  Count `json:"load"` // in its suite, with all CPUs busy
}

// Of gives the count of a kind of rate: alone, suite or load; ok reports whether
// there is such a kind.
func (r *Rates) Of(kind string) (c Count, ok bool) {
	if r == nil {
		r = &Rates{}
	}
	switch kind {
	case "alone":
		return r.Alone, true
	case "suite":
		return r.Suite, true
	case "load":
		return r.Load, true
	}
	return c, false
}

// Coverage counts conflicting pairs of commands.
type Coverage struct {
	Seen    int `json:"seen"`    // pairs whose order nothing enforced, as far as was known
	Both    int `json:"both"`    // exercised in both orders
	Blocked int `json:"blocked"` // the program turned out to enforce the order
	Missed  int `json:"missed"`  // not reached within the budget
}

// Forecast says how often tests would fail on a network that nobody measured
// here, by their margins.
type Forecast struct {
	Latency string         `json:"latency"` // the assumed delay of a frame: "normal(20ms,15ms)"
	Tests   []ForecastTest `json:"tests"`   // highest rate first
}

// ForecastTest is a test's line of a Forecast.
type ForecastTest struct {
	Test  string  `json:"test"`
	Rate  float64 `json:"rate"`  // chance of failing, 0 to 1
	Worst Margin  `json:"worst"` // the margin that is used up most often
}

// Expectation is one row of "test expectation against implementation".
type Expectation struct {
	Topic          string   `json:"topic"`          // "listener ready"
	Expects        string   `json:"expects"`        // what the tests assume
	Implementation string   `json:"implementation"` // what the adapter does
	Gap            string   `json:"gap"`            // measured
	Tests          []string `json:"tests,omitempty"`
}

// Simulation is what a search in virtual time did before the hunt on a real
// Redis. None of it is in the tests' numbers.
type Simulation struct {
	Trials    int      `json:"trials"`    // of single tests and of suites
	Failed    int      `json:"failed"`    // of them
	Orders    int      `json:"orders"`    // different orders of commands and messages that were seen
	Findings  int      `json:"findings"`  // failures of one test by one cause, to be proved
	Confirmed int      `json:"confirmed"` // that the real Redis confirmed
	Only      int      `json:"only"`      // that it did not: findings whose standing is simulated
	Took      Duration `json:"took"`
}

// Result is everything a run found, as reports read it and result.json holds it.
type Result struct {
	Version      int               `json:"schema"`
	Tool         string            `json:"tool"` // "flakehunt 0.1.0"
	Started      time.Time         `json:"started"`
	Finished     time.Time         `json:"finished"`
	Seed         uint64            `json:"seed,string"`
	Strategy     string            `json:"strategy"`
	Params       map[string]string `json:"params,omitempty"`
	Target       Target            `json:"target"`
	Redis        RedisInfo         `json:"redis"`
	Machine      Machine           `json:"machine"`
	Workers      int               `json:"workers"`
	TrialsAsked  int               `json:"trials_asked"`       // of each suite; 0: a time was given
	Parallel     int               `json:"parallel,omitempty"` // --parallel; 0: by need
	For          Duration          `json:"for,omitempty"`      // the time that was given, if any
	TrialsDone   int               `json:"trials_done"`        // those that finished, in the suite that has least
	Shard        string            `json:"shard,omitempty"`
	Interrupted  bool              `json:"interrupted,omitempty"`
	Stopped      string            `json:"stopped,omitempty"` // why the harness could not go on; empty: it could
	Exit         int               `json:"exit"`
	Tests        []TestResult      `json:"tests"`
	Findings     []Finding         `json:"findings,omitempty"`
	Margins      []Margin          `json:"margins,omitempty"` // smallest first
	Forecast     *Forecast         `json:"forecast,omitempty"`
	Coverage     *Coverage         `json:"coverage,omitempty"`
	Simulation   *Simulation       `json:"simulation,omitempty"`
	Expectations []Expectation     `json:"expectations,omitempty"`
	Infra        []InfraFailure    `json:"infra,omitempty"`
	PointsShared float64           `json:"points_shared,omitempty"` // share of points that trials of one test have in common
	Warnings     []string          `json:"warnings,omitempty"`
	Meta         map[string]string `json:"meta,omitempty"` // commit, branch, CI run …
}
