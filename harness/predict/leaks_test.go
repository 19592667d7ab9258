package predict_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// sent is one command of a test: by which connection, when it was sent and answered.
type sent struct {
	conn     uint32
	at, done time.Duration
	words    []string
}

func cmd(conn uint32, at, took time.Duration, words ...string) sent {
	return sent{conn, at, at + took, words}
}

// ran is the history of a test from begin on; a command with no time to its reply
// was never answered.
func ran(test string, begin time.Duration, list ...sent) *detect.Trace {
	events := []harness.Event{{Seq: 1, Kind: harness.Begin, Test: test, In: begin}}
	for i, c := range list {
		p := harness.Point{Role: "kv", Verb: c.words[0], Key: c.words[1], N: 1}
		seq := uint64(2*i + 2)
		events = append(events, harness.Event{Seq: seq, Kind: harness.Request, Conn: c.conn, Test: test, Point: p, In: c.at, Out: c.at, Args: c.words})
		if c.done > c.at {
			events = append(events, harness.Event{Seq: seq + 1, Kind: harness.Reply, Conn: c.conn, Test: test, Point: p.Reply(), In: c.done, Out: c.done, ReplyTo: seq, Args: []string{"1"}})
		}
	}
	return detect.NewTrace(events, harness.Outcome{Test: harness.TestID{Name: test, Suite: "s"}, Verdict: harness.Passed, Boundary: harness.BoundaryMarked})
}

// TestLeaks: which command of the test before is taken for one that may come late,
// and how late it is made.
func TestLeaks(t *testing.T) {
	const ms = time.Millisecond
	victim := func(words ...string) *detect.Trace {
		return ran("b", 30*ms, cmd(3, 32*ms, ms, words...), cmd(3, 70*ms, ms, "GET", "mode"))
	}
	for _, c := range []struct {
		name   string
		a, b   *detect.Trace
		late   time.Duration // 0: none is proposed
		within time.Duration
	}{
		{"a write in the background, while the test goes on", ran("a", 0, cmd(2, 10*ms, 2*ms, "SET", "mode", "x"), cmd(1, 11*ms, ms, "SET", "other", "1"), cmd(1, 13*ms, ms, "GET", "other")),
			victim("SET", "mode", "live"), 41 * ms, 2 * ms},
		{"a write that was not answered when the test ended", ran("a", 0, cmd(1, 10*ms, 0, "DEL", "mode")), victim("SET", "mode", "live"), 41 * ms, 2 * ms},
		{"the connection's next command waited for it", ran("a", 0, cmd(1, 10*ms, ms, "SET", "mode", "x"), cmd(1, 12*ms, ms, "GET", "mode")), victim("SET", "mode", "live"), 0, 0},
		{"another key", ran("a", 0, cmd(2, 10*ms, 0, "SET", "colour", "x")), victim("SET", "mode", "live"), 0, 0},
		{"it writes what the next test writes too", ran("a", 0, cmd(2, 10*ms, 0, "SET", "mode", "live")), victim("SET", "mode", "live"), 0, 0},
		{"it only reads", ran("a", 0, cmd(2, 10*ms, 0, "GET", "mode")), victim("SET", "mode", "live"), 0, 0},
		{"the next test ends before", ran("a", 0, cmd(2, 10*ms, 0, "SET", "mode", "x")), ran("b", 700*ms, cmd(3, 710*ms, ms, "SET", "mode", "live"), cmd(3, 790*ms, ms, "GET", "mode")), 0, 0},
	} {
		list := predict.Leaks([][]*detect.Trace{{c.a, c.b}}, "b", 500*ms)
		if c.late == 0 {
			require.Empty(t, list, c.name)
			continue
		}
		require.NotEmpty(t, list, c.name)
		s := list[0].Provoke
		require.Equal(t, []string{"a"}, s.Before, c.name)
		require.Equal(t, "a", s.Decisions[0].Test, "the frame is the other test's")
		require.InDelta(t, float64(c.late), float64(s.Decisions[0].Delay), float64(c.within), c.name)
		require.Equal(t, []string{"a"}, list[0].Counter.Before, "the same two tests, nothing late")
		require.Empty(t, list[0].Counter.Decisions)
	}
	require.Empty(t, predict.Leaks([][]*detect.Trace{{victim("SET", "mode", "live")}}, "b", 500*ms), "no test before it")
}

// TestTimesAsPeopleWriteThem: a time of day or a date in a key or value is a reading
// of the clock, in whichever time zone; another number is none.
func TestTimesAsPeopleWriteThem(t *testing.T) {
	start := time.Date(2026, 3, 14, 18, 15, 42, 300e6, time.UTC)
	for word, is := range map[string]bool{
		"km:181542": true, "visits:18:15:42": true, "2026-03-14T18:15:42Z": true, "20260314181542": true, "log:2026-03-14 19:15:42": true, // an hour east
		"181542000": false, "order:181239": false, "2026-03-13T18:15:42Z": true, "2026-03-01": false, "1773512142": true, `{"at":"2026-03-14T18:15:42Z"}`: false,
	} {
		trace := ran("t", 0, cmd(1, 5*time.Millisecond, time.Millisecond, "INCR", word), cmd(1, 7*time.Millisecond, time.Millisecond, "INCR", word))
		trace.Outcome.Start = start
		found := false
		for _, c := range predict.Candidates([]*detect.Trace{trace}, nearmiss.Known{}, predict.Facts{MaxDelay: 500 * time.Millisecond}) {
			found = found || c.Class == harness.TimeWallClock
		}
		require.Equal(t, is, found, word)
	}
}
