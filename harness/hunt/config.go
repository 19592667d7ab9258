package hunt

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Config says what to hunt and how.
type Config struct {
	Target   harness.Target
	Runner   runner.Runner
	Match    func(test string) bool // which tests; nil: all
	Executor trial.Executor
	Strategy string // empty: directed
	Params   map[string]string
	Seed     uint64
	Budget
	Scope
	Before
	Hooks
	Shard    shard.Shard
	Journal  *trial.Journal // nil: none
	TimerLag *runner.TimerLag
	Tool     string
}

// Budget says how much is done.
type Budget struct {
	Trials int           // of each suite; 0: 20
	For    time.Duration // go on until this has passed; 0: Trials decides
	// Until, if set, ends a test's trials as soon as the sequential test has
	// decided; Trials is then the most that one gets.
	Until *stats.Rule
	// MaxDelay is the longest that one frame is kept in order to provoke a failure; 0: MaxDelay.
	MaxDelay time.Duration
}

// Scope says what directed leaves out, and what it may do beyond delays.
type Scope struct {
	NoMargins bool // findings are neither reduced nor measured: somebody else proves them
	NoDirect  bool // no survey trial goes past the proxy: the suite's address leads to it
	// Aimed says which tests get aimed trials; nil: all. The others are surveyed.
	Aimed func(harness.TestID) bool
	// Rates is how often each test is run alone, too, and each suite with all CPUs busy.
	Rates int
	// Faults are what directed may do beyond delays: near misses that it takes a
	// lost connection to provoke are provoked with harness.Disconnect among them.
	Faults []harness.Action
}

// Before is what earlier work gives to a hunt.
type Before struct {
	Simulated []Simulated       // directed proves them first
	Resume    []harness.Trial   // done earlier, with the same seed
	Found     []harness.Finding // proven earlier; their failures in Resume are counted anew
	Learned   Ranking           // nil: none
}

// Ranking is what earlier runs taught about which kinds of near miss come true.
type Ranking interface {
	// Weight returns a factor for the likelihood of candidates of this kind, 1
	// when nothing is known.
	Weight(kind string) float64
	// Learn records that a candidate of the kind was provoked or not.
	Learn(kind string, hit bool)
}

// Hooks are told what happens, one call at a time, from several goroutines.
type Hooks struct {
	// Proven, if set, is given each finding that directed proved, test by test,
	// before those of one cause become one.
	Proven func(harness.Finding)
	// Record, if set, saves the histories of a trial's failing tests, and says where.
	Record   func(*trial.Done) (string, error)
	Progress func(Progress) // may be nil
}
