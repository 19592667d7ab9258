package explore

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Arm is one undirected way to look for a flake. What it injects is a pure
// function of seed, test, point and carrier, like that of any strategy.
type Arm struct {
	Name     string
	Doc      string // one line
	strategy string
	settings Settings
}

// armBudget is the share of a test's time that an arm may take in delays. It is
// more than a whole hunt's: an arm is tried a few times, and a failure that is
// no more than a broken deadline is told as such.
const armBudget = 0.4

// Arms lists the portfolio, small delays first: flakes exist that large ones
// hide, and a failure under small ones says more.
func Arms() []Arm {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	return []Arm{
		{"frames-5ms", "each frame by 0 to 5 ms", "jitter", Settings{Latency: ms(2.5), Jitter: ms(2.5)}},
		{"connections-40ms", "half of the connections by up to 40 ms", "jitter", Settings{Latency: ms(20), Jitter: ms(20), Per: PerConnection}},
		{"frames-40ms", "each frame by 10 to 40 ms", "jitter", Settings{Latency: ms(25), Jitter: ms(15)}},
		{"segments-40ms", "each segment by 10 to 40 ms, as a slow network does", "jitter", Settings{Latency: ms(25), Jitter: ms(15), Per: PerSegment}},
		{"requests-40ms", "each request by 0 to 40 ms", "jitter", Settings{Latency: ms(20), Jitter: ms(20), Side: Requests}},
		{"replies-40ms", "each reply and push by 0 to 40 ms", "jitter", Settings{Latency: ms(20), Jitter: ms(20), Side: Replies}},
		{"pct", "connections by priority, which changes at a few requests", "pct", Settings{}},
		{"pause", "the suite's processes stopped at a few frames", "pause", Settings{}},
		{"align", "a request or two kept until just before a second begins", "align", Settings{}},
		{"ladder", "each frame by up to 1 ms, 2 ms and so on to 512 ms", "ladder", Settings{}},
		{"frames-160ms", "each frame by 40 to 160 ms", "jitter", Settings{Latency: ms(100), Jitter: ms(60)}},
	}
}

// Play says under what an arm is played.
type Play struct {
	Trial  int           // how often the arm was played on the test, from 1; the ladder climbs by it
	Max    time.Duration // the longest delay; 0 is 2 s
	Room   time.Duration // how long a test may take before it is ended; 0 is 5 s
	Survey Survey
}

// Schedule is what the arm does with a seed; FromSchedule makes its scheduler.
func (a Arm) Schedule(seed uint64, p Play) harness.Schedule {
	s := a.settings
	s.Trial, s.Max, s.Room, s.Survey, s.Budget = p.Trial, p.Max, p.Room, p.Survey, armBudget
	return harness.Schedule{Version: harness.ScheduleVersion, Strategy: a.strategy, Seed: seed, Params: s.Params()}
}
