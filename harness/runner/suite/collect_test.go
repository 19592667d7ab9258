package suite

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

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
