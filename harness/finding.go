package harness

import "time"

// Class is a cause, named as in the taxonomy of docs: family/shape.
type Class string

const (
	RaceSubscribePublish   Class = "race/subscribe-publish"
	RaceMultiSubscriber    Class = "race/multi-subscriber"
	RaceCheckThenAct       Class = "race/check-then-act"
	RaceLostUpdate         Class = "race/lost-update"
	RaceDuplicateSubscribe Class = "race/duplicate-subscribe"
	TTLExpiredEarly        Class = "ttl/expired-early"
	TTLExpiredLate         Class = "ttl/expired-late"
	TTLMissing             Class = "ttl/missing"
	OrderMessages          Class = "order/messages"
	OrderCommands          Class = "order/commands"
	OrderDelivery          Class = "order/delivery"     // two frames reached the client in the other order
	OrderServerState       Class = "order/server-state" // script cache, functions, client list, configuration, subscription registry
	TimeWallClock          Class = "time/wall-clock"    // a boundary of a second or millisecond between two readings of the clock
	FormatEnvelope         Class = "format/envelope"
	IsolationHandler       Class = "isolation/handler"
	IsolationTestLeak      Class = "isolation/test-leak"
	TimeoutClient          Class = "timeout/client"
	ConnectionLost         Class = "connection"
	InfrastructureClass    Class = "infrastructure"
	NotRedis               Class = "not-redis"
	Unattributed           Class = "unattributed"
)

// Standing says how sure a finding is that the flake exists.
type Standing string

const (
	Natural   Standing = "natural"   // failed with no injection
	Provoked  Standing = "provoked"  // failed under a schedule that a real network could produce
	Latent    Standing = "latent"    // predicted from a passing history, not provoked yet
	Simulated Standing = "simulated" // failed in virtual time only
)

// Count is k hits in n tries.
type Count struct {
	K int `json:"k"`
	N int `json:"n"`
}

// Margin says how much later one command may come before the test fails.
type Margin struct {
	Test       string   `json:"test"`
	Edge       string   `json:"edge"` // the command or pair, for a person: "SET session"
	At         Point    `json:"at"`
	Size       Duration `json:"size"`      // fails when At is at least this much late
	Lo         Duration `json:"lo"`        // passed at this much
	Hi         Duration `json:"hi"`        // failed at this much
	Predicted  bool     `json:"predicted"` // from a passing history, no failing trial behind it
	Ordered    bool     `json:"ordered"`   // the program itself enforces the order: no delay can break it
	MachineP99 Duration `json:"machine_p99,omitempty"`
}

// FindingVersion is the version of the finding file format that this build writes.
const FindingVersion = 1

// Finding is one cause of failures, with what is needed to see it again.
type Finding struct {
	Version     int       `json:"version"`
	ID          string    `json:"id"`          // "F-" and 8 hex digits of Fingerprint
	Fingerprint string    `json:"fingerprint"` // of the cause: the same in other tests and runs
	Class       Class     `json:"class"`
	Standing    Standing  `json:"standing"`
	Title       string    `json:"title"`       // one line, in Redis terms
	Explanation string    `json:"explanation"` // a few sentences: what happened, why, what would mend it
	Tests       []string  `json:"tests"`       // all tests it was seen in; Tests[0] is the one to replay
	Target      Target    `json:"target"`      // how to run it
	Schedule    Schedule  `json:"schedule"`    // minimal
	Original    *Schedule `json:"original,omitempty"`
	Seed        uint64    `json:"seed,string"`
	Failure     Failure   `json:"failure"`
	Natural     Count     `json:"natural"`        // failures without injection
	Provoked    Count     `json:"provoked"`       // with the schedule
	Counter     Count     `json:"counterfactual"` // with the guilty decision taken away or the order forced the right way
	Margin      *Margin   `json:"margin,omitempty"`
	Timeline    []Line    `json:"timeline,omitempty"`
	Boundary    Boundary  `json:"boundary,omitempty"` // how sure it is that Timeline is the test's own
	Pair        []Point   `json:"pair,omitempty"`     // the two frames whose order or time matters
	Passing     *Passing  `json:"passing,omitempty"`  // a run of Tests[0] that passed, to be read beside Timeline
	Source      []Snippet `json:"source,omitempty"`   // the suite's code that sent the guilty commands
	Clues       []string  `json:"clues,omitempty"`    // without a cause: what goes with its failures most often
	Redis       RedisInfo `json:"redis"`
	Machine     Machine   `json:"machine"`
	Found       time.Time `json:"found"`
	History     string    `json:"history,omitempty"` // file of the recording, relative to the output directory
	Warnings    []string  `json:"warnings,omitempty"`
	// Seal proves, in a finding's file, that Target was written in this checkout.
	Seal string `json:"seal,omitempty"`
}

// Passing is what a run that passed sent, cut as Finding.Timeline is.
type Passing struct {
	Trial    int      `json:"trial"`
	Arm      Arm      `json:"arm"`
	Timeline []Line   `json:"timeline"`
	Boundary Boundary `json:"boundary,omitempty"`
}

// TargetKind says what sort of thing is run.
type TargetKind string

const (
	ShippedTarget TargetKind = "shipped" // the suites that ship with flakehunt
	GoTestTarget  TargetKind = "gotest"
	SuiteTarget   TargetKind = "suite" // a test runner that an adapter knows
	CommandTarget TargetKind = "command"
)

// Target says what is run and how, enough to run it again.
type Target struct {
	Kind     TargetKind `json:"kind"`
	Suites   []string   `json:"suites,omitempty"`  // shipped: which
	Variant  string     `json:"variant,omitempty"` // shipped: "hardened" or "as-described"
	Defects  []string   `json:"defects,omitempty"` // shipped: those switched on
	Waits    string     `json:"waits,omitempty"`   // shipped: "hardened" or "fixed"
	Run      string     `json:"run,omitempty"`     // regular expression that chooses tests
	Runner   string     `json:"runner,omitempty"`  // suite: the test runner that Argv comes down to
	Argv     []string   `json:"argv,omitempty"`    // external: the command
	Dir      string     `json:"dir,omitempty"`     // external: where, relative to the working directory
	JUnit    string     `json:"junit,omitempty"`   // external: glob of its XML files
	OneTest  string     `json:"one_test,omitempty"`
	Env      []string   `json:"env,omitempty"`      // NAME=TEMPLATE
	Takeover []string   `json:"takeover,omitempty"` // HOST:PORT on which Redis answers in the trial's own loopback
	Forward  []string   `json:"forward,omitempty"`  // ports of other local services that the suite needs there
}

// RedisInfo says which Redis was used. It never holds a credential.
type RedisInfo struct {
	Provider string `json:"provider"` // container, server, embedded, sim, url
	Version  string `json:"version"`
	Image    string `json:"image,omitempty"`
	Address  string `json:"address,omitempty"` // only for a URL that the user gave; without user and password
	Real     bool   `json:"real"`              // false: an imitation of Redis
	Note     string `json:"note,omitempty"`    // why this one was taken
}

// Machine says where the run took place; nothing that names a person or a path.
type Machine struct {
	OS       string   `json:"os"`
	Arch     string   `json:"arch"`
	CPUs     int      `json:"cpus"`
	Go       string   `json:"go"`
	TimerP50 Duration `json:"timer_p50,omitempty"` // how late this machine's own timers ran
	TimerP99 Duration `json:"timer_p99,omitempty"`
	TimerMax Duration `json:"timer_max,omitempty"`
}
