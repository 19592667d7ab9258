package harness

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Verdict is what the target did in one execution of one test. The zero
// verdict is Unknown: nothing was learned.
type Verdict string

const (
	Unknown        Verdict = ""
	Passed         Verdict = "pass"
	Failed         Verdict = "fail"
	Skipped        Verdict = "skip"
	Infrastructure Verdict = "infra" // Redis, the proxy or the machine failed: never counted as a flake
)

// FailureKind tells failures apart by how they showed.
type FailureKind string

const (
	AssertionFailure FailureKind = "assertion"
	PanicFailure     FailureKind = "panic"
	TimeoutFailure   FailureKind = "timeout" // the test's own deadline, or the harness's, passed
	DataRace         FailureKind = "race"    // reported by the Go race detector: never retried away
	ExitFailure      FailureKind = "exit"    // the process ended under the test
	BuildFailure     FailureKind = "build"
	ErrorFailure     FailureKind = "error" // anything else
)

// TestID says which test.
type TestID struct {
	Name     string `json:"name"`               // unique in a run: "smoke/listener/ready-before-publish", "pkg.TestX/sub"
	Suite    string `json:"suite"`              // "smoke", a Go import path, a JUnit suite
	Category string `json:"category,omitempty"` // shipped suites: the row of the table they belong to
	File     string `json:"file,omitempty"`     // relative to the root of its repository
	Line     int    `json:"line,omitempty"`
	// As the runner's own JUnit reporter writes them; empty: it follows from Name.
	Classname string `json:"classname,omitempty"`
	Title     string `json:"title,omitempty"`
}

// FileAmong reports whether a test's file is one of these. Both are relative, but
// perhaps to different directories of one tree.
func FileAmong(file string, files []string) bool {
	file = path.Clean(strings.ReplaceAll(file, `\`, "/"))
	return slices.ContainsFunc(files, func(f string) bool {
		return f == file || strings.HasSuffix(f, "/"+file) || strings.HasSuffix(file, "/"+f)
	})
}

// Failure says how a test failed. Text may hold any byte that the test printed;
// reports make it safe.
type Failure struct {
	Kind        FailureKind `json:"kind"`
	Message     string      `json:"message"`               // one or a few lines
	Stack       string      `json:"stack,omitempty"`       // where, outermost last
	Fingerprint string      `json:"fingerprint,omitempty"` // the same for the same failure, whatever the numbers, ids and ports in it
}

// Arm says for what an execution was made.
type Arm string

const (
	Survey         Arm = "survey"         // through the proxy, nothing injected
	Direct         Arm = "direct"         // without the proxy
	Explore        Arm = "explore"        // an undirected strategy's delays
	Provoke        Arm = "provoke"        // a schedule aimed at one near miss
	Confirm        Arm = "confirm"        // the same schedule again
	Counterfactual Arm = "counterfactual" // the same without the guilty decision
	Reduce         Arm = "reduce"         // a smaller schedule
	Replayed       Arm = "replay"         // a schedule from a file
)

// What ends the suite's name of a trial that is not of a whole suite on a quiet machine.
const (
	AloneSuite = " (alone)"      // one test by itself
	LoadSuite  = " (under load)" // with all CPUs kept busy by us
)

// Numbered reports whether a suite's counted trials are numbered: one number is done
// once, by whichever shard it falls to. Each shard does its own of the others.
func Numbered(suite string) bool {
	return !strings.HasSuffix(suite, AloneSuite) && !strings.HasSuffix(suite, LoadSuite)
}

// Natural reports whether the arm injects nothing, so that its failures count
// towards the natural pass rate.
func (a Arm) Natural() bool { return a == "" || a == Survey || a == Direct }

// Outcome is one execution of one test.
type Outcome struct {
	Test     TestID    `json:"test"`
	Trial    int       `json:"trial"` // from 1
	Arm      Arm       `json:"arm"`
	Worker   int       `json:"worker"` // from 1
	Seed     uint64    `json:"seed,string"`
	Verdict  Verdict   `json:"verdict"`
	Failure  *Failure  `json:"failure,omitempty"`
	Output   string    `json:"output,omitempty"` // what the test printed, cut
	Start    time.Time `json:"start"`
	Duration Duration  `json:"duration"`
	Limit    *Limit    `json:"limit,omitempty"`    // the time that the runner gives the test; nil: none, or not known
	Injected Duration  `json:"injected,omitempty"` // all delays that were added while it ran
	TimerLag Duration  `json:"lateness,omitempty"` // the worst that this machine's own timers ran late while it ran
	Schedule *Schedule `json:"schedule,omitempty"` // what was injected, if anything
	Boundary Boundary  `json:"boundary,omitempty"` // how it is known which frames are the test's own
	Blocked  []Point   `json:"blocked,omitempty"`  // holds that stalled or timed out: orders that the program forbids; a failure then counts for nothing
	Kept     []Kept    `json:"kept,omitempty"`     // Blocked, with how long each frame was kept: for it the hold was a delay
	Missed   []Missed  `json:"missed,omitempty"`   // decisions that came to nothing
	Wire     []Line    `json:"wire,omitempty"`     // failures: the frames around it
	Cause    Class     `json:"cause,omitempty"`    // a detector's word, not yet proven
	Suspect  *Suspect  `json:"suspect,omitempty"`  // what the detector saw
	Warnings []string  `json:"warnings,omitempty"`
}

// Limit is the time after which a runner ends a test, and what the test took of it
// by the runner's own clock. Hooks, which Outcome.Duration has in it, mostly have a
// limit of their own.
type Limit struct {
	Of   Duration `json:"of"`
	Took Duration `json:"took"`
}

// Left is what the test left of its limit; negative: it took longer.
func (l *Limit) Left() time.Duration { return time.Duration(l.Of - l.Took) }

// Suspect is what a detector saw in a failing history.
type Suspect struct {
	Title       string `json:"title"`
	Explanation string `json:"explanation,omitempty"`
	First       Point  `json:"first,omitzero"` // the pair whose order or time matters
	Then        Point  `json:"then,omitzero"`
}

// Line is one frame of a timeline as reports show it.
type Line struct {
	At      Duration `json:"at"` // when it left the proxy, since the test began
	Role    string   `json:"role"`
	Conn    uint32   `json:"conn,omitempty"`    // which connection, as Event.Conn; 0: not known
	Dir     string   `json:"dir"`               // ">" to Redis, "<" to the client
	Text    string   `json:"text"`              // the command or value, cut, credentials gone
	Note    string   `json:"note,omitempty"`    // "held 60ms", "no subscriber", …
	Suspect bool     `json:"suspect,omitempty"` // part of the cause
	Point   Point    `json:"point,omitzero"`    // the frame's name, the same in every trial; zero: it has none
	Delayed Duration `json:"delayed,omitempty"` // how long we kept it
	Call    *Call    `json:"call,omitempty"`    // a command: the line of the suite's code that sent it; nil: not known
}

// Trial is one line of trials.jsonl: a suite (or one test of it) run once.
type Trial struct {
	Index    int           `json:"trial"`
	Suite    string        `json:"suite"`
	Run      string        `json:"run,omitempty"` // of which run, as run.json names it
	Arm      Arm           `json:"arm"`
	Seed     uint64        `json:"seed,string"`
	Worker   int           `json:"worker"`
	Start    time.Time     `json:"start"`
	Duration Duration      `json:"duration"`
	Outcomes []Outcome     `json:"outcomes"`
	Schedule *Schedule     `json:"schedule,omitempty"`
	Digest   string        `json:"decisions,omitempty"` // hash of all decisions taken, by name: the same seed gives the same
	Points   int           `json:"points,omitempty"`    // frames seen
	History  string        `json:"history,omitempty"`   // file of the recording of its failing tests, relative to the output directory; empty: one like it was saved before, or none failed
	Infra    *InfraFailure `json:"infra,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
}

// InfraFailure says that the harness could not do its work in a trial.
type InfraFailure struct {
	What string `json:"what"` // "redis died", "proxy", "start"
	Err  string `json:"error"`
}
