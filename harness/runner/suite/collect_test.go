package suite

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// TestWorkersBesideEachOther: while a worker runs a test, another that is in its hooks
// sends commands too; one that came later, or had ended, does not.
func TestWorkersBesideEachOther(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(1000 + ms)) }
	c := &collector{bounds: &marks.Boundaries{}, place: strings.TrimSpace}
	say := func(ms, from int, event, id string) {
		c.take(marks.Event{Event: event, ID: id, From: from, Arrived: at(ms), Verdict: "pass"})
	}
	say(0, 9, "hello", "") // the runner's main process runs no test
	say(1, 1, "hello", "")
	say(2, 1, "begin", "first, alone")
	say(3, 1, "end", "first, alone")
	say(4, 2, "hello", "") // and connects, before its first test
	say(5, 1, "begin", "first, beside hooks")
	say(6, 1, "end", "first, beside hooks")
	say(7, 2, "begin", "second, beside hooks")
	say(8, 2, "end", "second, beside hooks")
	say(9, 1, "gone", "")
	say(10, 2, "begin", "second, alone")
	say(11, 2, "end", "second, alone")
	say(12, 2, "gone", "")
	got := map[string]harness.Boundary{}
	for _, o := range c.outcomes(ended{at: at(13)}) {
		got[o.Test.Name] = o.Boundary
	}
	require.Equal(t, map[string]harness.Boundary{
		"first, alone": harness.BoundaryMarked, "first, beside hooks": harness.BoundaryOverlapping,
		"second, beside hooks": harness.BoundaryOverlapping, "second, alone": harness.BoundaryMarked,
	}, got)
}

// FuzzCollector: whatever a plugin says in which order, each test has one outcome
// with a name and a known verdict, and one that failed says why.
func FuzzCollector(f *testing.F) {
	f.Add(`{"event":"hello","runner":"jest","version":"29"}
{"event":"begin","id":"a.js > adds","titles":["adds"],"file":"a.js","line":3,"attempt":1}
{"event":"attempt","id":"a.js > adds","verdict":"fail","message":"1 == 2","attempt":1}
{"event":"end","id":"a.js > adds","verdict":"pass","attempt":2}`, "", false)
	f.Add(`{"event":"end","id":"x","verdict":"todo"}
{"event":"begin","id":"y","concurrent":true}
{"event":"begin","id":"y"}
{"event":"error","file":"y.js","titles":["a","b"],"hook":"afterAll","message":"gone"}
{"event":"calls","files":["a"],"calls":[[1,2,3,0,5],[1,2,3,9,5]]}`, "y", true)
	f.Fuzz(func(t *testing.T, said, alone string, crashed bool) {
		c := &collector{bounds: &marks.Boundaries{}, alone: alone, place: strings.TrimSpace, called: func([]harness.Caller) {}}
		lines := bufio.NewScanner(strings.NewReader(said))
		for at := time.Unix(0, 0); lines.Scan(); at = at.Add(time.Millisecond) {
			e := marks.Event{Arrived: at}
			if json.Unmarshal(lines.Bytes(), &e) != nil {
				continue
			}
			switch e.Event { // as package marks lets them in
			case "begin", "end", "attempt":
				if e.ID == "" {
					continue
				}
			}
			c.take(e)
		}
		end := ended{at: time.Unix(1, 0)}
		if crashed {
			end.why, end.kind = "the process ended", harness.ExitFailure
		}
		names := map[string]bool{}
		for _, o := range c.outcomes(end) {
			if o.Test.Name == "" || names[o.Test.Name] {
				t.Errorf("an outcome of %q", o.Test.Name)
			}
			names[o.Test.Name] = true
			if (o.Verdict == harness.Failed) != (o.Failure != nil) || o.Verdict == harness.Unknown {
				t.Errorf("%q is %q with failure %v", o.Test.Name, o.Verdict, o.Failure)
			}
			if o.Duration < 0 || o.Failure != nil && o.Failure.Message == "" {
				t.Errorf("%q took %s, failure %v", o.Test.Name, o.Duration, o.Failure)
			}
		}
	})
}
