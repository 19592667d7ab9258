package hunt

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Config says what to hunt and how.
type Config struct {
	Target   harness.Target
	Runner   runner.Runner
	Match    func(test string) bool // which tests; nil: all
	Executor trial.Executor
	Strategy string
	Params   map[string]string
	Seed     uint64
	Trials   int           // of each suite; 0: 20
	For      time.Duration // go on until this has passed; 0: Trials decides
	// Until, if set, ends a test's trials as soon as the sequential test has
	// decided; Trials is then the most that one gets.
	Until     *stats.Rule
	NoMargins bool // findings are neither made smaller nor measured: somebody else proves them
	NoDirect  bool // no survey trial goes past the proxy: the suite's address leads to it
	// Faults are what directed may do beyond delays: near misses that it takes a
	// lost connection to provoke are provoked with harness.Disconnect among them.
	Faults   []harness.Action
	Shard    Shard
	Claims   []Claim         // directed proves them first
	Resume   []harness.Trial // done earlier, with the same seed
	Journal  *trial.Journal  // nil: none
	Lateness *runner.Lateness
	Learned  Ranking // nil: none
	Tool     string
	Log      *slog.Logger
	// Proven, if set, is given each finding that directed proved, test by test,
	// before those of one cause become one. It is called one at a time.
	Proven   func(harness.Finding)
	Progress func(Progress) // called from several goroutines, one at a time; may be nil
}

// Shard is the part of all trials that this process does: those whose index is
// I modulo N. The zero value is all of them.
type Shard struct{ I, N int } // I from 1 to N

// Has reports whether trial index (from 1) belongs to the shard.
func (s Shard) Has(index int) bool { return s.N <= 1 || (index-1)%s.N == s.I-1 }

// String gives I/N.
func (s Shard) String() string {
	if s.N <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.N)
}
